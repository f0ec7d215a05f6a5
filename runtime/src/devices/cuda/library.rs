//! The driver's library: NVIDIA's, or the one that simulates a GPU. It is loaded when it is asked for, so that a machine
//! without one lacks nothing else.
//!
//! `cudarc` loads one library, once a process, by the names that NVIDIA gives it. The simulating one is made known to the
//! loader under that name by loading it first; whether `cudarc` then took it is looked at.

use super::error::CudaError;
use cudarc::driver::sys;
use libloading::Library;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Whose driver runs the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// NVIDIA's, as it is installed in the system.
    System,
    /// The one that simulates a GPU on the CPU, for tests on machines without one: the library that the environment variable
    /// [`SIMULATOR_VARIABLE`] names, or that lies beside the program.
    Simulator,
}

impl Driver {
    /// What `--device` calls a GPU that it runs.
    pub fn name(self) -> &'static str {
        match self {
            Driver::System => "cuda",
            Driver::Simulator => "sim",
        }
    }
}

/// The environment variable that names the simulating driver's library.
pub const SIMULATOR_VARIABLE: &str = "OCELLUS_CUDA_DRIVER";

/// What of the driver is called here. `cudarc` panics where one is missing, so they are looked for before.
const FUNCTIONS: [&str; 38] = [
    "cuCtxSetCurrent",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetCount",
    "cuDeviceGetName",
    "cuDevicePrimaryCtxRelease_v2",
    "cuDevicePrimaryCtxRetain",
    "cuDeviceTotalMem_v2",
    "cuDriverGetVersion",
    "cuEventCreate",
    "cuEventDestroy_v2",
    "cuEventRecord",
    "cuFuncSetAttribute",
    "cuGetErrorString",
    "cuGraphAddKernelNode_v2",
    "cuGraphCreate",
    "cuGraphDestroy",
    "cuGraphExecDestroy",
    "cuGraphExecKernelNodeSetParams_v2",
    "cuGraphInstantiateWithFlags",
    "cuGraphLaunch",
    "cuInit",
    "cuLaunchKernelEx",
    "cuMemAlloc_v2",
    "cuMemFreeHost",
    "cuMemFree_v2",
    "cuMemGetInfo_v2",
    "cuMemHostAlloc",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuModuleGetFunction",
    "cuModuleLoadDataEx",
    "cuModuleUnload",
    "cuPointerGetAttribute",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuStreamWaitEvent",
];

/// What of the driver is called where it has it: older ones lack it.
const EDGES: &str = "cuGraphAddDependencies_v2";

/// The driver that this process uses, once it uses one.
static IN_USE: Mutex<Option<Driver>> = Mutex::new(None);

/// Loads the library of a driver, and sees that it has all that is called. One process has one driver.
pub fn load(driver: Driver) -> Result<(), CudaError> {
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    match *in_use {
        Some(used) if used == driver => return Ok(()),
        Some(used) => {
            return Err(CudaError::OtherDriver { used: used.name(), asked: driver.name() });
        }
        None => {}
    }
    match driver {
        Driver::System => {
            // SAFETY: loading the driver's library runs its initializers, which every program that uses a GPU runs as well.
            if !unsafe { sys::is_culib_present() } {
                return Err(CudaError::NoDriver);
            }
        }
        Driver::Simulator => load_simulator()?,
    }
    check_functions()?;
    *in_use = Some(driver);
    Ok(())
}

/// Loads the simulating driver, and sees that `cudarc` takes it.
fn load_simulator() -> Result<(), CudaError> {
    let path = simulator_path();
    // SAFETY: the library's initializers are those of the driver that the user names, or of the program's own.
    let library = unsafe { Library::new(&path) };
    let library = library.map_err(|source| CudaError::NoSimulator { path, source })?;
    let of_library = address(&library, "cuInit");
    // Its kernels run for as long as the process does.
    std::mem::forget(library);
    // SAFETY: as above.
    let is_taken =
        unsafe { sys::is_culib_present() && address(sys::culib(), "cuInit") == of_library };
    match is_taken {
        true => Ok(()),
        false => Err(CudaError::SimulatorNotTaken),
    }
}

/// Where the simulating driver lies.
fn simulator_path() -> PathBuf {
    if let Some(path) = std::env::var_os(SIMULATOR_VARIABLE) {
        return path.into();
    }
    let file = format!("{DLL_PREFIX}ocellus_cuda_sim{DLL_SUFFIX}");
    let program = std::env::current_exe().unwrap_or_default();
    program.with_file_name(file)
}

/// Whether the driver, which is loaded, has edges of graphs with data.
pub fn has_edges() -> bool {
    // SAFETY: the library is there, as was seen before.
    address(unsafe { sys::culib() }, EDGES).is_some()
}

fn check_functions() -> Result<(), CudaError> {
    // SAFETY: the library is there, as was seen before.
    let library = unsafe { sys::culib() };
    match FUNCTIONS.into_iter().find(|name| address(library, name).is_none()) {
        None => Ok(()),
        Some(function) => Err(CudaError::OldDriver { function }),
    }
}

/// Where a function of the library lies.
fn address(library: &Library, name: &str) -> Option<*const ()> {
    // SAFETY: nothing is called.
    unsafe { library.get::<*const ()>(name.as_bytes()) }.ok().map(|symbol| *symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn all_that_is_called_is_looked_for_before() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/devices/cuda");
        let mut called = BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for call in text.split("sys::cu").skip(1) {
                let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                let name = call.split(is_end).next().unwrap();
                // `sys::culib` is `cudarc`'s own.
                if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                    called.insert(format!("cu{name}"));
                }
            }
        }
        let looked_for = FUNCTIONS.into_iter().chain([EDGES]);
        let looked_for: BTreeSet<String> = looked_for.map(String::from).collect();
        assert_eq!(called, looked_for);
    }
}
