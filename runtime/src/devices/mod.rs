//! [`Device`]: where kernels run. Each kind is a folder here, and nothing outside of this one names any.

mod choice;
pub mod cpu;
mod error;

pub use choice::{DeviceKind, UnfitMachine};
pub use error::DeviceError;

/// One launch, all addresses and sizes resolved.
#[derive(Clone, Copy, Debug)]
pub struct LaunchCommand<'a> {
    /// Which kernel, by its position in the plan that the device was [loaded](DeviceKind::load) with.
    pub kernel: usize,
    /// The argument block.
    pub arguments: &'a [i64],
    /// How many tiles there are.
    pub tiles: u32,
}

/// A home for kernels, with those of one plan loaded. Each kind documents the calling convention of its code object.
pub trait Device: Send {
    /// What it is called on the command line.
    fn name(&self) -> &'static str;

    /// Makes sure that every worker has that many bytes of scratch memory. It only grows.
    fn reserve_scratch(&mut self, bytes: usize) -> Result<(), DeviceError>;

    /// Runs a kernel over all its tiles, and returns when their results can be read.
    ///
    /// # Safety
    /// The arguments and the tiles must be such as the kernel's [`Signature`](crate::signature::Signature) allows, every address must be valid for what
    /// that says is done there, and the scratch memory that it needs must have been reserved.
    unsafe fn launch(&mut self, command: LaunchCommand<'_>) -> Result<(), DeviceError>;
}
