//! [`Device`]: where kernels run.

use crate::signature::Signature;
use ocellus_dialects::plan::Plan;

/// One launch, all addresses and sizes resolved.
#[derive(Clone, Copy, Debug)]
pub struct LaunchCommand<'a> {
    /// Which kernel, by its position in the plan given to [`Device::load`].
    pub kernel: usize,
    /// The argument block.
    pub arguments: &'a [i64],
    /// How many tiles there are.
    pub tiles: u32,
}

/// A home for kernels: the CPU today. Each device documents the calling convention of its code object.
pub trait Device: Send {
    /// What it is called on the command line.
    fn name(&self) -> &'static str;

    /// Takes a code object and finds the kernels of the plan in it, replacing what it had. Gives what each does with its
    /// arguments, as the code object says. One that was compiled for another plan is refused.
    ///
    /// # Safety
    /// The code object is machine code, and loading it may run it: it must be one that the compiler wrote.
    unsafe fn load(&mut self, code: &[u8], plan: &Plan) -> Result<Vec<Signature>, DeviceError>;

    /// Makes sure that every worker has that many bytes of scratch memory. It only grows.
    fn reserve_scratch(&mut self, bytes: usize) -> Result<(), DeviceError>;

    /// Runs a kernel over all its tiles, and returns when their results can be read.
    ///
    /// # Safety
    /// The arguments and the tiles must be such as the kernel's [`Signature`] allows, every address must be valid for what
    /// that says is done there, and the scratch memory that it needs must have been reserved.
    unsafe fn launch(&mut self, command: LaunchCommand<'_>) -> Result<(), DeviceError>;
}

/// What a device could not do.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No worker threads.
    #[error("cannot start the worker threads")]
    Threads(#[source] std::io::Error),
    /// The code object could not be put where the loader takes it from.
    #[error(
        "cannot hand the code object to the dynamic loader ({tried}): mount /proc, or set TMPDIR to a folder from which \
         code may be run"
    )]
    CodeObject {
        /// Each place that was tried, with what was said there.
        tried: String,
    },
    /// The loader does not take the code object.
    #[error("the dynamic loader refuses the code object")]
    Load(#[source] libloading::Error),
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
        source: libloading::Error,
    },
    /// The code object does not say what a kernel does with its arguments.
    #[error("the code object does not say what its kernel `{symbol}` does with its arguments")]
    MissingSignature {
        /// The symbol of the kernel.
        symbol: String,
        /// What the loader says.
        #[source]
        source: libloading::Error,
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
    /// A launch of a kernel that was not loaded.
    #[error("kernel {0} is not loaded")]
    NotLoaded(usize),
    /// No memory for scratch.
    #[error("cannot allocate {bytes} bytes of scratch memory for each of {workers} workers")]
    Scratch {
        /// The size for one.
        bytes: usize,
        /// How many need it.
        workers: usize,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}
