//! [`CpuStream`]: a call on the CPU. The thread that calls does all of it at once, so there is nothing to wait for.

use super::Shared;
use super::scratch::Scratch;
use super::thread_pool::{Job, PoolCall};
use crate::devices::{DeviceError, Launch, Launches, Stream};
use std::sync::Arc;

/// The scratch memory of the calling thread, and what it shares with other calls.
pub struct CpuStream {
    shared: Arc<Shared>,
    scratch: Scratch,
}

impl CpuStream {
    /// A stream without scratch memory yet.
    pub fn new(shared: Arc<Shared>) -> Self {
        CpuStream { shared, scratch: Scratch::default() }
    }

    /// Scratch memory of at least that many bytes.
    fn scratch(&mut self, bytes: usize) -> Result<*mut u8, DeviceError> {
        let scratch = self.scratch.of(bytes);
        scratch.map_err(|source| DeviceError::OutOfMemory {
            what: "scratch memory",
            bytes,
            source: source.into(),
        })
    }
}

/// # Safety
/// As for [`Stream::launch`]; the scratch memory is as large as the launch says.
unsafe fn launch(
    shared: &Shared,
    call: &mut PoolCall<'_>,
    launch: Launch<'_>,
    scratch: *mut u8,
) -> Result<(), DeviceError> {
    let kernel = shared.code.kernel(launch.kernel).ok_or(DeviceError::NotLoaded(launch.kernel))?;
    let scratch_bytes = launch.scratch_bytes;
    let job = Job { kernel, arguments: launch.arguments.as_ptr(), scratch_bytes };
    // SAFETY: by the contract of this function.
    unsafe { call.run(job, launch.tiles, scratch) };
    Ok(())
}

impl Stream for CpuStream {
    fn reserve_scratch(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.scratch(bytes).map(drop)
    }

    unsafe fn upload(&mut self, bytes: &[u8], address: i64) -> Result<(), DeviceError> {
        // SAFETY: by the contract of this function; addresses are the host's.
        unsafe { (address as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    unsafe fn download(&mut self, address: i64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        // SAFETY: by the contract of this function; addresses are the host's.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(address as *const u8, bytes.len()) };
        Ok(())
    }

    unsafe fn launch(&mut self, next: Launch<'_>) -> Result<(), DeviceError> {
        let scratch = self.scratch(next.scratch_bytes)?;
        // SAFETY: by the contract of this function.
        unsafe { launch(&self.shared, &mut self.shared.pool.call(), next, scratch) }
    }

    unsafe fn run_program(&mut self, program: &Launches) -> Result<(), DeviceError> {
        let scratch = self.scratch(program.scratch_bytes())?;
        let mut call = self.shared.pool.call();
        for next in program.iter() {
            // SAFETY: by the contract of this function.
            unsafe { launch(&self.shared, &mut call, next, scratch) }?;
        }
        Ok(())
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}
