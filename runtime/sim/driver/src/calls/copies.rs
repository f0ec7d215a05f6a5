//! Copies between host and device, and within the device.

use crate::abi::Anything;
use crate::arguments::In;
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::execution::synchronize_mark;
use crate::handles::Handle;
use crate::objects::work::{Source, Work};
use std::sync::Arc;

driver_functions! {
    fn cuMemcpyHtoD_v2(to: u64, from: In<u8>, bytes: usize) {
        let work = Work::Upload { to, from: Source::Host(from.address()), bytes };
        copy(work, bytes, 0, true)
    }

    fn cuMemcpyHtoDAsync_v2(to: u64, from: In<u8>, bytes: usize, stream: Handle) {
        let work = Work::Upload { to, from: Source::Host(from.address()), bytes };
        copy(work, bytes, stream, false)
    }

    fn cuMemcpyDtoH_v2(to: Anything, from: u64, bytes: usize) {
        copy(Work::Download { to: to.address(), from, bytes }, bytes, 0, true)
    }

    fn cuMemcpyDtoHAsync_v2(to: Anything, from: u64, bytes: usize, stream: Handle) {
        copy(Work::Download { to: to.address(), from, bytes }, bytes, stream, false)
    }

    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) {
        copy(Work::Copy { to, from, bytes }, bytes, 0, false)
    }

    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) {
        copy(Work::Copy { to, from, bytes }, bytes, stream, false)
    }

    fn cuMemcpy(to: u64, from: u64, bytes: usize) {
        copy_anywhere(to, from, bytes, 0, true)
    }

    fn cuMemcpyAsync(to: u64, from: u64, bytes: usize, stream: Handle) {
        copy_anywhere(to, from, bytes, stream, false)
    }
}

/// Copies between addresses of either side.
fn copy_anywhere(to: u64, from: u64, bytes: usize, stream: Handle, waits: bool) -> Result<()> {
    let state = lock();
    let memory = state.memory(state.usable()?)?;
    drop(state);
    let is_device = |address| memory.allocation_at(address).is_some();
    let work = match (is_device(to), is_device(from)) {
        (true, true) => Work::Copy { to, from, bytes },
        (true, false) => Work::Upload { to, from: Source::Host(from as usize), bytes },
        (false, true) => Work::Download { to: to as usize, from, bytes },
        (false, false) => return Err(Error::INVALID_VALUE),
    };
    copy(work, bytes, stream, waits)
}

/// Gives a copy to a stream, and waits for it where it must. What is pageable is read at once and written before the call ends,
/// as a driver does; what is page-locked is used when the stream comes to it.
fn copy(work: Work, bytes: usize, stream: Handle, waits: bool) -> Result<()> {
    let mut state = lock();
    let stream = state.stream(stream)?;
    if bytes == 0 {
        return Ok(());
    }
    let context = state.streams.get(stream)?.context;
    state.check_copy(context, &work)?;
    let is_captured = state.streams.get(stream)?.capture.is_some();
    if waits {
        state.refuse_in_capture()?;
    }
    let mut waits = waits;
    let work = match work {
        _ if is_captured => work,
        Work::Upload { to, from: Source::Host(address), bytes }
            if !waits && !state.host_memory.holds(&(address..address.saturating_add(bytes))) =>
        {
            let from = std::ptr::with_exposed_provenance::<u8>(address);
            // SAFETY: whoever asks for a copy vouches for the memory that it is made from.
            let taken: Arc<[u8]> = unsafe { std::slice::from_raw_parts(from, bytes) }.into();
            Work::Upload { to, from: Source::Taken(taken), bytes }
        }
        Work::Download { to, .. } => {
            waits |= !state.host_memory.holds(&(to..to.saturating_add(bytes)));
            work
        }
        work => work,
    };
    let mark = state.submit(stream, work)?;
    drop(state);
    match waits && !is_captured {
        true => synchronize_mark(mark),
        false => Ok(()),
    }
}

impl State {
    /// Refuses a copy that leaves its memory.
    pub(super) fn check_copy(&self, context: Handle, work: &Work) -> Result<()> {
        let present = |address: usize| match address {
            0 => Err(Error::INVALID_VALUE),
            _ => Ok(()),
        };
        match work {
            Work::Upload { to, from, bytes } => {
                self.check_range(context, *to, *bytes as u64)?;
                match from {
                    Source::Host(address) => present(*address),
                    Source::Taken(_) => Ok(()),
                }
            }
            Work::Download { to, from, bytes } => {
                self.check_range(context, *from, *bytes as u64)?;
                present(*to)
            }
            Work::Copy { to, from, bytes } => {
                self.check_range(context, *to, *bytes as u64)?;
                self.check_range(context, *from, *bytes as u64)
            }
            _ => Ok(()),
        }
    }
}
