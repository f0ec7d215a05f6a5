//! Devices: where kernels run. Each kind is a folder here, and nothing outside of this one names any.
//!
//! A [`Device`] has the kernels of one plan loaded, and allocates memory that they address. A [`Stream`] of it does what one
//! call asks for, in order: it copies, launches, copies back. Calls that run at once have a stream each.
//!
//! A session treats all devices alike, save for one thing that it asks: whose memory kernels address
//! ([`Device::memory_space`]). Where it is the host's, tensors and weights are used where they lie; where it is not, they
//! are copied by the stream.

mod caller_stream;
mod choice;
pub mod cpu;
pub mod cuda;
mod description;
#[cfg(test)]
pub(crate) mod detached;
mod error;
mod kind;
mod launches;
mod memory;

pub use caller_stream::DeviceStream;
pub use choice::UnfitMachine;
pub use error::DeviceError;
pub use kind::{DeviceKind, DeviceName, UnknownDevice};
pub use launches::{Changes, Launch, Launches};
pub use memory::{Memory, MemorySpace};

/// A machine with the kernels of one plan. Each kind documents the calling convention of its code object.
pub trait Device: Send + Sync {
    /// What the machine calls itself, such as `NVIDIA H100 80GB HBM3`: one that calls itself otherwise may be as fast
    /// otherwise.
    fn name(&self) -> String;

    /// Whose memory kernels address.
    fn memory_space(&self) -> MemorySpace;

    /// How many calls at once are faster than the same calls one by one.
    fn calls_at_once(&self) -> usize;

    /// Memory for kernels, aligned to [`Memory::ALIGNMENT`].
    fn allocate(&self, bytes: usize) -> Result<Memory, DeviceError>;

    /// What the address of a tensor in its memory must be a multiple of, for kernels to read and write it there.
    fn tensor_alignment(&self) -> usize;

    /// Whether an address lies in memory of this device, as far as that can be known.
    fn check_address(&self, address: u64) -> Result<(), DeviceError>;

    /// A stream of its own for a call.
    fn stream(&self) -> Result<Box<dyn Stream>, DeviceError>;

    /// What whoever loads code should know of how that went, a sentence each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a call does on a device, one thing after the other. Each function may return before what it asked for is done:
/// [`synchronize`](Self::synchronize) waits for all of it, and so does a stream that is dropped.
pub trait Stream: Send {
    /// Gets ready for launches that need up to that many bytes of scratch memory a worker. It is called before any of them,
    /// so that a program which does not fit fails before it has begun.
    fn reserve_scratch(&mut self, bytes: usize) -> Result<(), DeviceError>;

    /// Copies bytes of the host to an address of the device.
    ///
    /// # Safety
    /// There is that much memory at the address, which stays until the stream is synchronized. The bytes are the caller's again
    /// when this returns.
    unsafe fn upload(&mut self, bytes: &[u8], address: i64) -> Result<(), DeviceError>;

    /// Copies from an address of the device into bytes of the host.
    ///
    /// # Safety
    /// There is that much memory at the address, all of it written. Bytes and memory stay, and nobody looks at the bytes,
    /// until the stream is synchronized.
    unsafe fn download(&mut self, address: i64, bytes: &mut [u8]) -> Result<(), DeviceError>;

    /// Runs a kernel over all its tiles.
    ///
    /// # Safety
    /// The arguments and the tiles are such as the kernel's [`Signature`](crate::signature::Signature) allows, every
    /// address stays valid for what that says is done there until the stream is synchronized, and the scratch memory was
    /// reserved.
    unsafe fn launch(&mut self, launch: Launch<'_>) -> Result<(), DeviceError>;

    /// Runs all launches of a program in order. A device that can take them as a whole, as a graph, makes it once and then
    /// tells it what [changed](Launches::changes_since).
    ///
    /// # Safety
    /// As for [`launch`](Self::launch), for each of them where its turn comes.
    unsafe fn run_program(&mut self, program: &Launches) -> Result<(), DeviceError> {
        for launch in program.iter() {
            // SAFETY: by the contract of this function.
            unsafe { self.launch(launch) }?;
        }
        Ok(())
    }

    /// Lets what is asked for from here on wait for all that is in a stream of the caller.
    ///
    /// # Safety
    /// The other stream is there.
    unsafe fn follow(&mut self, _other: DeviceStream) -> Result<(), DeviceError> {
        Err(DeviceError::NoStreams)
    }

    /// Lets what is put into a stream of the caller from here on wait for all that was asked for.
    ///
    /// # Safety
    /// The other stream is there.
    unsafe fn lead(&mut self, _other: DeviceStream) -> Result<(), DeviceError> {
        Err(DeviceError::NoStreams)
    }

    /// Waits until all is done, and says whether it was.
    fn synchronize(&mut self) -> Result<(), DeviceError>;
}
