//! How the tensors of a call get to a device whose memory is not the host's, and back.

use super::call_addresses::CallAddresses;
use crate::devices::{DeviceError, Stream};
use bytemuck::cast_slice_mut;
use ocellus_dialects::HostTensor;

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
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        // Whoever has not asked has met another error, or panics.
        let _ = self.0.synchronize();
    }
}

/// Copies the inputs to the device.
///
/// # Safety
/// Each has its memory at the address that is staged for it, and stays as it is until the stream is synchronized.
pub unsafe fn upload(
    stream: &mut dyn Stream,
    inputs: &[&[u8]],
    staged: &CallAddresses,
) -> Result<(), DeviceError> {
    for (input, address) in inputs.iter().zip(&staged.inputs) {
        // SAFETY: by the contract of this function.
        unsafe { stream.upload(input, *address) }?;
    }
    Ok(())
}

/// Copies the outputs from the device.
///
/// # Safety
/// Each has its memory at the address that is staged for it, and nobody looks at them until the stream is synchronized.
pub unsafe fn download(
    stream: &mut dyn Stream,
    staged: &CallAddresses,
    outputs: &mut [HostTensor],
) -> Result<(), DeviceError> {
    for (output, address) in outputs.iter_mut().zip(&staged.outputs) {
        // SAFETY: by the contract of this function.
        unsafe { stream.download(*address, cast_slice_mut(&mut output.data)) }?;
    }
    Ok(())
}
