//! A shared object in memory, given to the dynamic loader.

use super::KernelFunction;
use crate::device::DeviceError;
use crate::plan::{KernelEntry, Plan};
use crate::signature::{PLAN_SYMBOL, Signature};
use libloading::Library;
use std::ffi::{CStr, c_char};
use std::io::Write;

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
    /// Loading runs the object's initialisers; its symbols must be what the compiler makes of kernels.
    pub unsafe fn load(code: &[u8], plan: &Plan) -> Result<(Self, Vec<Signature>), DeviceError> {
        let file = CodeFile::new(code).map_err(DeviceError::CodeObject)?;
        // SAFETY: the caller vouches for the initialisers.
        let library = unsafe { Library::new(file.path()) }.map_err(DeviceError::Load)?;
        // SAFETY: the caller vouches for what the symbols are.
        if unsafe { text(&library, PLAN_SYMBOL) }.is_ok_and(|hash| hash != plan.hash().as_bytes()) {
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
            functions.push(
                *function.map_err(|source| DeviceError::MissingKernel {
                    symbol: symbol.clone(),
                    source,
                })?,
            );
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
        Err(source) => Err(DeviceError::MissingSignature { symbol, source }),
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

/// A file in memory: it works where the temporary folder is mounted `noexec`, and leaves nothing behind.
#[cfg(target_os = "linux")]
struct CodeFile(std::fs::File);

#[cfg(target_os = "linux")]
impl CodeFile {
    fn new(code: &[u8]) -> std::io::Result<Self> {
        use rustix::fs::{MemfdFlags, memfd_create};
        let mut file = std::fs::File::from(memfd_create("ocellus-kernels", MemfdFlags::CLOEXEC)?);
        file.write_all(code)?;
        Ok(CodeFile(file))
    }

    fn path(&self) -> std::path::PathBuf {
        use std::os::fd::AsRawFd;
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

#[cfg(not(target_os = "linux"))]
struct CodeFile(tempfile::TempPath);

#[cfg(not(target_os = "linux"))]
impl CodeFile {
    fn new(code: &[u8]) -> std::io::Result<Self> {
        let mut file = tempfile::Builder::new()
            .prefix("ocellus-")
            .suffix(std::env::consts::DLL_SUFFIX)
            .tempfile()?;
        file.write_all(code)?;
        Ok(CodeFile(file.into_temp_path()))
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.to_path_buf()
    }
}
