//! What there is of each kind of device on this machine, in words.

use super::cuda;
use super::kind::DeviceKind;

impl DeviceKind {
    /// What there is of this kind, a line each: the CPU; or a driver and its GPUs, or why there are none. The driver of a GPU is
    /// loaded, and a process has only one.
    pub fn describe(self) -> Vec<String> {
        match self {
            DeviceKind::Cpu => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                vec![format!("{}, {cores} cores", std::env::consts::ARCH)]
            }
            DeviceKind::Cuda { driver } => cuda::describe(&cuda::examine(driver)),
        }
    }
}
