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
mod processor;
mod requirements;
mod scratch;
mod stream;
mod thread_pool;
mod tile_permission;

use super::{Device, DeviceError, Memory, MemorySpace, Stream};
use crate::memory::map_memory;
use crate::options::{MAX_THREADS, Options};
use crate::signature::Signature;
use code_object::CodeObject;
pub use error::CpuError;
pub use features::{host_features, missing_features};
use ocellus_dialects::plan::Plan;
pub use processor::processor_name;
pub use requirements::{UnfitCpu, check};
use std::sync::Arc;
use stream::CpuStream;
use thread_pool::ThreadPool;

/// A kernel's entry point; see [the calling convention](self#calling-convention).
pub type KernelFunction = unsafe extern "C" fn(*const i64, i64, i64, *mut u8);

/// The CPU.
pub struct CpuDevice {
    shared: Arc<Shared>,
}

/// What the device and its streams have in common.
struct Shared {
    pool: ThreadPool,
    code: CodeObject,
}

impl CpuDevice {
    /// The CPU with the kernels of a plan, and what each of them does with its arguments.
    ///
    /// # Safety
    /// As for [`DeviceKind::load`](super::DeviceKind::load).
    pub unsafe fn load(
        code: &[u8],
        plan: &Plan,
        options: &Options,
    ) -> Result<(Self, Vec<Signature>), DeviceError> {
        // SAFETY: by the contract of this function.
        let (code, signatures) = unsafe { CodeObject::load(code, plan) }?;
        let threads = options.threads.clamp(1, MAX_THREADS);
        let pool = ThreadPool::new(threads).map_err(CpuError::Threads)?;
        Ok((CpuDevice { shared: Arc::new(Shared { pool, code }) }, signatures))
    }
}

impl Device for CpuDevice {
    fn name(&self) -> String {
        let processor = processor_name().unwrap_or_else(|| std::env::consts::ARCH.to_string());
        format!("{processor}, {} threads", self.shared.pool.threads())
    }

    fn memory_space(&self) -> MemorySpace {
        MemorySpace::Host
    }

    /// Each call has a thread of its own, so as many as there are cores, or as many as the user counts on.
    fn calls_at_once(&self) -> usize {
        self.shared.pool.threads().max(Options::default().threads)
    }

    fn allocate(&self, bytes: usize) -> Result<Memory, DeviceError> {
        let mut memory = map_memory(bytes.max(1)).map_err(|source| DeviceError::OutOfMemory {
            what: "memory",
            bytes,
            source: source.into(),
        })?;
        let address = memory.as_mut_ptr() as i64;
        Ok(Memory::new(address, bytes, memory))
    }

    /// Kernels take tensors of the caller as they lie, elements as these do.
    fn tensor_alignment(&self) -> usize {
        size_of::<f32>()
    }

    /// All memory is the host's.
    fn check_address(&self, _: u64) -> Result<(), DeviceError> {
        Ok(())
    }

    fn stream(&self) -> Result<Box<dyn Stream>, DeviceError> {
        Ok(Box::new(CpuStream::new(self.shared.clone())))
    }
}
