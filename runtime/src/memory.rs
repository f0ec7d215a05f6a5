//! Memory in pages of its own: zeroed, aligned to a page, given by the system on first touch.

use memmap2::MmapMut;

/// Memory of that many bytes; an error where the system has not so much.
pub fn map_memory(bytes: usize) -> std::io::Result<MmapMut> {
    may_fail()?;
    let memory = MmapMut::map_anon(bytes)?;
    // Large pages save address translation. A system without them loses nothing.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}

/// A step of a call that can fail where the system has not enough. The tests of this crate make it fail.
#[cfg(not(test))]
pub fn may_fail() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub use faults::may_fail;

/// Makes one of the steps that can fail do so.
#[cfg(test)]
pub mod faults {
    use std::cell::Cell;
    use std::io::{Error, ErrorKind};

    thread_local! {
        static STEPS_BEFORE_FAULT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Runs `call`, in which the step behind `steps` of this thread fails; says whether there was such a step.
    pub fn with_fault_behind<T>(steps: usize, call: impl FnOnce() -> T) -> (T, bool) {
        STEPS_BEFORE_FAULT.set(Some(steps));
        let result = call();
        (result, STEPS_BEFORE_FAULT.take().is_none())
    }

    pub fn may_fail() -> std::io::Result<()> {
        match STEPS_BEFORE_FAULT.get() {
            None => Ok(()),
            Some(0) => {
                STEPS_BEFORE_FAULT.set(None);
                Err(Error::from(ErrorKind::OutOfMemory))
            }
            Some(steps) => {
                STEPS_BEFORE_FAULT.set(Some(steps - 1));
                Ok(())
            }
        }
    }
}
