//! A shared object in memory, given to the dynamic loader.

use super::KernelFunction;
use crate::device::DeviceError;
use crate::plan::KernelEntry;
use libloading::Library;
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
    /// Loads the object and finds the kernels.
    ///
    /// # Safety
    /// Loading runs the object's initialisers; its symbols must have the kernels' signature.
    pub unsafe fn load(code: &[u8], kernels: &[KernelEntry]) -> Result<Self, DeviceError> {
        let file = CodeFile::new(code).map_err(DeviceError::CodeObject)?;
        // SAFETY: the caller vouches for the initialisers.
        let library = unsafe { Library::new(file.path()) }.map_err(DeviceError::Load)?;
        let kernels = kernels
            .iter()
            .map(|kernel| {
                // SAFETY: the caller vouches for the signature.
                unsafe { library.get::<KernelFunction>(kernel.symbol.as_bytes()) }
                    .map(|symbol| *symbol)
                    .map_err(|source| DeviceError::MissingKernel {
                        symbol: kernel.symbol.clone(),
                        source,
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(CodeObject { kernels, _library: library, _file: file })
    }

    /// The kernel at that position of the list that was loaded.
    pub fn kernel(&self, index: usize) -> Option<KernelFunction> {
        self.kernels.get(index).copied()
    }
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
