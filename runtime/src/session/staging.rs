//! How the tensors of a call get to a device whose memory is not the host's, and back.

use super::call_addresses::CallAddresses;
use super::destination::Destination;
use super::given::Prepared;
use crate::devices::{DeviceError, DeviceStream, Stream};
use bytemuck::cast_slice_mut;

/// A stream with a call's work in it. Whatever becomes of the call, its work is waited for: it is done on memory that
/// the call gives up.
pub struct InFlight<'a>(&'a mut dyn Stream);

impl<'a> InFlight<'a> {
    /// A stream with nothing in it yet.
    pub fn new(stream: &'a mut dyn Stream) -> Self {
        InFlight(stream)
    }

    /// The stream.
    pub fn stream(&mut self) -> &mut dyn Stream {
        &mut *self.0
    }

    /// Waits for the work, and says whether it could be done.
    pub fn finish(self) -> Result<(), DeviceError> {
        self.0.synchronize()
    }

    /// Leaves the work to a stream of the caller, which waits for it: it is done on memory that stays.
    ///
    /// # Safety
    /// As for [`Stream::lead`].
    pub unsafe fn leave_to(mut self, caller: DeviceStream) -> Result<(), DeviceError> {
        // SAFETY: by the contract of this function.
        unsafe { self.stream().lead(caller) }?;
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        // Whoever has not asked has met another error, or panics.
        let _ = self.0.synchronize();
    }
}

/// Copies the inputs to the device that do not lie there.
///
/// # Safety
/// Each has its memory at the address that is staged for it, which stays until the stream is synchronized.
pub unsafe fn upload(
    stream: &mut dyn Stream,
    inputs: &[Prepared],
    staged: &CallAddresses,
) -> Result<(), DeviceError> {
    for (input, address) in inputs.iter().zip(&staged.inputs) {
        if let Some(bytes) = input.bytes() {
            // SAFETY: by the contract of this function.
            unsafe { stream.upload(bytes, *address) }?;
        }
    }
    Ok(())
}

/// Copies the outputs from the device that are to go to the host.
///
/// # Safety
/// Each has its memory at the address that is staged for it, and nobody looks at them until the stream is synchronized.
pub unsafe fn download(
    stream: &mut dyn Stream,
    staged: &CallAddresses,
    outputs: &mut [Destination],
) -> Result<(), DeviceError> {
    for (output, address) in outputs.iter_mut().zip(&staged.outputs) {
        if let Destination::Host(output) = output {
            // SAFETY: by the contract of this function.
            unsafe { stream.download(*address, cast_slice_mut(&mut output.data)) }?;
        }
    }
    Ok(())
}
