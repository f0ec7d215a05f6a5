//! The CPU: kernels from a shared object, run by a pool of threads.
//!
//! # Calling convention
//! Each kernel is a symbol of the shared object, with the C signature
//!
//! ```c
//! void symbol(const int64_t *arguments, int64_t first_tile, int64_t end_tile, uint8_t *scratch);
//! ```
//!
//! `arguments` is the launch's argument block: addresses and numbers, one 64-bit word each. The tiles `first_tile ..
//! end_tile` are the part that this call computes. Tiles of one launch are independent: any worker may run any interval
//! of them, at the same time as the others. `scratch` belongs to the worker, is aligned to 64 bytes, has at least
//! [`Launch::scratch_bytes`](ocellus_dialects::plan::Launch::scratch_bytes), and keeps what it holds until the launch is over: a
//! worker computes its part in many calls, and what a kernel prepares for one may serve the next. At the start of a launch
//! its first eight bytes are -1, and the rest is rubbish.
//!
//! Beside each kernel lies a text, its [`Signature`]: what it does with its arguments.
//!
//! Weights and buffers of the arena are aligned to 64 bytes. Inputs and outputs are the caller's, and are aligned to 4.

mod code_object;
mod error;
mod features;
mod requirements;
mod thread_pool;

use super::{Device, DeviceError, LaunchCommand};
use crate::memory::map_memory;
use crate::options::{MAX_THREADS, Options};
use crate::signature::Signature;
use code_object::CodeObject;
pub use error::CpuError;
pub use features::{host_features, missing_features};
use memmap2::MmapMut;
use ocellus_dialects::plan::Plan;
pub use requirements::{UnfitCpu, check};
use thread_pool::{Job, ThreadPool};

/// A kernel's entry point; see [the calling convention](self#calling-convention).
pub type KernelFunction = unsafe extern "C" fn(*const i64, i64, i64, *mut u8);

/// Every worker has at least so many bytes of scratch, for the word that a launch begins with.
const MIN_SCRATCH: usize = 64;

/// The CPU.
pub struct CpuDevice {
    pool: ThreadPool,
    code: CodeObject,
    scratch: Vec<MmapMut>,
    scratch_addresses: Vec<*mut u8>,
}

// SAFETY: the addresses point into the mappings that the device itself owns.
unsafe impl Send for CpuDevice {}

impl CpuDevice {
    /// The CPU with the kernels of a plan, and what each of them does with its arguments.
    ///
    /// # Safety
    /// As for [`DeviceKind::load`](super::DeviceKind::load).
    pub unsafe fn load(
        code: &[u8],
        plan: &Plan,
        options: Options,
    ) -> Result<(Self, Vec<Signature>), DeviceError> {
        let threads = options.threads.clamp(1, MAX_THREADS);
        // SAFETY: by the contract of this function.
        let (code, signatures) = unsafe { CodeObject::load(code, plan) }?;
        let mut device = CpuDevice {
            pool: ThreadPool::new(threads).map_err(CpuError::Threads)?,
            code,
            scratch: Vec::new(),
            scratch_addresses: vec![std::ptr::null_mut(); threads],
        };
        device.reserve_scratch(MIN_SCRATCH)?;
        Ok((device, signatures))
    }
}

impl Device for CpuDevice {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn reserve_scratch(&mut self, bytes: usize) -> Result<(), DeviceError> {
        if self.scratch.first().is_some_and(|scratch| scratch.len() >= bytes) {
            return Ok(());
        }
        let workers = self.scratch_addresses.len();
        // Fresh pages are given on first touch, so each lies near the worker that uses it.
        let mut scratch = (0..workers)
            .map(|_| map_memory(bytes))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| DeviceError::Scratch { bytes, workers, source })?;
        for (address, scratch) in self.scratch_addresses.iter_mut().zip(&mut scratch) {
            *address = scratch.as_mut_ptr();
        }
        self.scratch = scratch;
        Ok(())
    }

    unsafe fn launch(&mut self, command: LaunchCommand<'_>) -> Result<(), DeviceError> {
        let kernel =
            self.code.kernel(command.kernel).ok_or(DeviceError::NotLoaded(command.kernel))?;
        let job = Job {
            kernel,
            arguments: command.arguments.as_ptr(),
            scratch: self.scratch_addresses.as_ptr(),
        };
        // SAFETY: the caller vouches for kernel and arguments; there is one scratch address a thread of the pool, and
        // the mappings live as long as the device.
        unsafe { self.pool.run(job, command.tiles) };
        Ok(())
    }
}
