//! [`Event`]: a place in the work of a stream, for which other streams wait.

use super::context::Context;
use super::error::CudaError;
use cudarc::driver::sys::{self, CUevent, CUevent_flags, CUstream};
use std::sync::Arc;

/// An event of the driver that takes no time.
pub struct Event {
    handle: CUevent,
    context: Arc<Context>,
}

// SAFETY: an event belongs to whoever has it, on whichever thread.
unsafe impl Send for Event {}

impl Event {
    /// An event that is nowhere yet. The context has been entered.
    pub fn new(context: &Arc<Context>) -> Result<Self, CudaError> {
        let mut handle = std::ptr::null_mut();
        let flags = CUevent_flags::CU_EVENT_DISABLE_TIMING as u32;
        // SAFETY: the driver writes an address there.
        context.check("cuEventCreate", unsafe { sys::cuEventCreate(&mut handle, flags) })?;
        Ok(Event { handle, context: context.clone() })
    }

    /// Lets what is put into one stream from here on wait for all that is in another one. The event may be used again at once.
    ///
    /// # Safety
    /// Both streams are there.
    pub unsafe fn order(&self, before: CUstream, behind: CUstream) -> Result<(), CudaError> {
        // SAFETY: the event is there, and so is the stream.
        let recorded = unsafe { sys::cuEventRecord(self.handle, before) };
        self.context.check("cuEventRecord", recorded)?;
        // SAFETY: as above.
        let waits = unsafe { sys::cuStreamWaitEvent(behind, self.handle, 0) };
        self.context.check("cuStreamWaitEvent", waits)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: it was made in this context; streams that wait for it have what they need.
            let _ = unsafe { sys::cuEventDestroy_v2(self.handle) };
        }
    }
}
