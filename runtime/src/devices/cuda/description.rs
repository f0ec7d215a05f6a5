//! What a driver finds, in words.

use super::error::CudaError;
use super::gpus::{DriverReport, Gpu};
use std::fmt::{Display, Formatter};

/// What a driver finds, a line each: the driver and its GPUs, or why there are none.
pub fn describe(found: &Result<DriverReport, CudaError>) -> Vec<String> {
    match found {
        Ok(DriverReport { version, gpus }) => {
            let count = match gpus.len() {
                1 => "1 GPU".to_string(),
                many => format!("{many} GPUs"),
            };
            let driver = format!("a driver for CUDA {version}, {count}");
            std::iter::once(driver).chain(gpus.iter().map(Gpu::to_string)).collect()
        }
        // Nothing is wrong with a machine that has none.
        Err(CudaError::NoDriver) => {
            vec!["none: NVIDIA's driver (`libcuda.so.1`) is not installed".to_string()]
        }
        Err(error) => vec![error.to_string()],
    }
}

impl Display for Gpu {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let gibibytes = self.memory_bytes as f64 / f64::from(1 << 30);
        let (architecture, count) = (self.capability.architecture(), self.multiprocessors);
        write!(f, "{} ({architecture}), {gibibytes:.1} GiB, {count} multiprocessors", self.name)
    }
}
