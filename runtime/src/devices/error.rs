//! [`DeviceError`]: what a device could not do.

use super::cpu::CpuError;
use super::cuda::CudaError;
use std::error::Error;

/// What a device's own interface says of an error.
type Cause = Box<dyn Error + Send + Sync>;

/// What a device could not do.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The CPU.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// A GPU.
    #[error(transparent)]
    Cuda(#[from] CudaError),
    /// The code object is for another plan.
    #[error("the code object was compiled for another plan: compile the model again")]
    OtherPlan,
    /// The code object lacks a kernel.
    #[error("the code object has no kernel `{symbol}`")]
    MissingKernel {
        /// The symbol that the plan names.
        symbol: String,
        /// What the loader says.
        #[source]
        source: Cause,
    },
    /// The code object does not say what a kernel does with its arguments.
    #[error("the code object does not say what its kernel `{symbol}` does with its arguments")]
    MissingSignature {
        /// The symbol of the kernel.
        symbol: String,
        /// What the loader says.
        #[source]
        source: Cause,
    },
    /// What the code object says of a kernel is no signature.
    #[error("what the code object says of its kernel `{symbol}` cannot be understood")]
    Signature {
        /// The symbol of the kernel.
        symbol: String,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// A stream of the caller, on a device that has none.
    #[error(
        "the device has no streams that a call could run in the order of: leave the stream out"
    )]
    NoStreams,
    /// A launch of a kernel that was not loaded.
    #[error("kernel {0} is not loaded")]
    NotLoaded(usize),
    /// No memory.
    #[error("cannot allocate {bytes} bytes of {what}")]
    OutOfMemory {
        /// What the memory is for.
        what: &'static str,
        /// How much.
        bytes: usize,
        /// What the system says.
        #[source]
        source: Cause,
    },
}

impl DeviceError {
    /// What is in the way of this machine running the code that it was given, as a clause, where it may run other code of the
    /// same model; `None` where something is wrong with the code or with the machine as a whole.
    pub fn unfit(&self) -> Option<String> {
        match self {
            DeviceError::Cuda(error) => error.unfit(),
            _ => None,
        }
    }
}
