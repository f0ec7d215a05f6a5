//! A shared object in memory, given to the dynamic loader.

use super::{CpuError, KernelFunction};
use crate::devices::DeviceError;
use crate::signature::{PLAN_SYMBOL, Signature, plan_hash};
#[cfg(target_os = "linux")]
use crate::unfinished::nameless_path;
use crate::unfinished::{Rights, Unfinished};
use libloading::Library;
use ocellus_dialects::plan::{KernelEntry, Plan};
use std::ffi::{CStr, c_char};
use std::fs::File;
use std::io::{Error, Write};
use std::path::PathBuf;

/// The kernels of a loaded shared object.
pub struct CodeObject {
    kernels: Vec<KernelFunction>,
    // The loader tells objects apart by path: the file must keep its name for as long as the library is loaded, so the
    // library is dropped first.
    _library: Library,
    _file: CodeFile,
}

impl CodeObject {
    /// Loads the object, and finds the kernels and their signatures.
    ///
    /// # Safety
    /// Loading runs the object's initializers; its symbols must be what the compiler makes of kernels.
    pub unsafe fn load(code: &[u8], plan: &Plan) -> Result<(Self, Vec<Signature>), DeviceError> {
        // SAFETY: the caller vouches for the initializers.
        let (library, file) = unsafe { load_library(code) }?;
        // SAFETY: the caller vouches for what the symbols are.
        if unsafe { text(&library, PLAN_SYMBOL) }
            .is_ok_and(|hash| hash != plan_hash(plan).as_bytes())
        {
            return Err(DeviceError::OtherPlan);
        }
        let mut functions = Vec::with_capacity(plan.kernels.len());
        let mut signatures = Vec::with_capacity(plan.kernels.len());
        for KernelEntry { symbol, .. } in &plan.kernels {
            // A plan may name any symbol. Only a kernel has a signature.
            // SAFETY: the caller vouches for what the symbols are.
            signatures.push(unsafe { signature(&library, symbol) }?);
            // SAFETY: as above; the symbol is a kernel's.
            let function = unsafe { library.get::<KernelFunction>(symbol.as_bytes()) };
            functions.push(*function.map_err(|source| DeviceError::MissingKernel {
                symbol: symbol.clone(),
                source: source.into(),
            })?);
        }
        Ok((CodeObject { kernels: functions, _library: library, _file: file }, signatures))
    }

    /// The kernel at that position of the list that was loaded.
    pub fn kernel(&self, index: usize) -> Option<KernelFunction> {
        self.kernels.get(index).copied()
    }
}

/// What a kernel does with its arguments.
///
/// # Safety
/// At the symbol of a kernel's signature there is a text, ended by a zero byte.
unsafe fn signature(library: &Library, kernel: &str) -> Result<Signature, DeviceError> {
    let symbol = kernel.to_string();
    // SAFETY: by the contract of this function.
    match unsafe { text(library, &Signature::symbol_of(kernel)) } {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|source| DeviceError::Signature { symbol, source }),
        Err(source) => Err(DeviceError::MissingSignature { symbol, source: source.into() }),
    }
}

/// A text that the library holds.
///
/// # Safety
/// At that symbol, where there is one, there is a text, ended by a zero byte.
unsafe fn text(library: &Library, symbol: &str) -> Result<Vec<u8>, libloading::Error> {
    // SAFETY: nothing is read yet.
    let text = *unsafe { library.get::<*const c_char>(symbol.as_bytes()) }?;
    // SAFETY: by the contract of this function; the library is loaded.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes().to_vec())
}

/// The object in the hands of the loader, which takes nothing but a path.
///
/// # Safety
/// The object's initializers are run.
unsafe fn load_library(code: &[u8]) -> Result<(Library, CodeFile), CpuError> {
    let (mut tried, mut refused) = (vec![], None);
    for place in places() {
        let file = match CodeFile::new(&place, code) {
            Ok(file) => file,
            Err(error) => {
                tried.push(format!("{}: {error}", place.name()));
                continue;
            }
        };
        // SAFETY: by the contract of this function.
        match unsafe { Library::new(file.path()) } {
            Ok(library) => return Ok((library, file)),
            Err(error) => {
                // The loader's own words are the cause.
                let words = std::error::Error::source(&error).map(ToString::to_string);
                let words = words.unwrap_or_else(|| error.to_string());
                tried.push(format!("{}: {words}", place.name()));
                refused = refused.or_else(|| file.is_in_memory().then_some(error));
            }
        }
    }
    // From memory everything is loaded, so what is refused there is no shared object.
    Err(match refused {
        Some(error) => CpuError::Load(error),
        None => CpuError::CodeObject { tried: tried.join("; ") },
    })
}

/// Where a shared object can lie.
#[derive(Clone, Debug)]
enum Place {
    /// A file in memory: it works where temporary folders are mounted `noexec`, and leaves nothing behind. Its only name
    /// is one in `/proc`.
    #[cfg(target_os = "linux")]
    Memory,
    Folder(PathBuf),
}

/// The places to try, the best first.
fn places() -> Vec<Place> {
    let temporary = std::env::temp_dir();
    #[cfg(target_os = "linux")]
    return vec![Place::Memory, Place::Folder(temporary), Place::Folder("/dev/shm".into())];
    #[cfg(not(target_os = "linux"))]
    vec![Place::Folder(temporary)]
}

impl Place {
    fn name(&self) -> String {
        match self {
            #[cfg(target_os = "linux")]
            Place::Memory => "in memory, by /proc".to_string(),
            Place::Folder(folder) => format!("in {}", folder.display()),
        }
    }
}

/// A file with the object.
enum CodeFile {
    #[cfg(target_os = "linux")]
    Memory(File),
    Named(Unfinished),
}

impl CodeFile {
    fn new(place: &Place, code: &[u8]) -> std::io::Result<Self> {
        match place {
            #[cfg(target_os = "linux")]
            Place::Memory => {
                use rustix::fs::{MemfdFlags, memfd_create};
                let mut file = File::from(memfd_create("ocellus-kernels", MemfdFlags::CLOEXEC)?);
                if !nameless_path(&file).exists() {
                    return Err(Error::other("/proc is not mounted"));
                }
                file.write_all(code)?;
                Ok(CodeFile::Memory(file))
            }
            Place::Folder(folder) => {
                let (name, mut file) = Unfinished::file_in(folder, Rights::Private)?;
                file.write_all(code)?;
                Ok(CodeFile::Named(name))
            }
        }
    }

    fn is_in_memory(&self) -> bool {
        !matches!(self, CodeFile::Named(_))
    }

    fn path(&self) -> PathBuf {
        match self {
            #[cfg(target_os = "linux")]
            CodeFile::Memory(file) => nameless_path(file),
            CodeFile::Named(name) => name.path().to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_proc_a_temporary_file_serves_and_is_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Folder(folder.path().to_path_buf());
        let file = CodeFile::new(&place, b"code").unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), b"code");
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_object_is_not_blamed_on_the_machine() {
        // SAFETY: this is no object, so nothing of it is run.
        let refused = unsafe { CodeObject::load(b"no object", &crate::test_support::plan()) };
        assert!(matches!(refused, Err(DeviceError::Cpu(CpuError::Load(_)))));
    }
}
