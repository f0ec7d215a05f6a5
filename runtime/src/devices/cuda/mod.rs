//! NVIDIA's GPUs, by the driver's own interface.
//!
//! # Calling convention
//! Each kernel is an entry of a PTX module:
//!
//! ```text
//! .entry symbol(.param .align 8 .b8 arguments[8 * words], .param .b64 tiles)
//! ```
//!
//! `arguments` is the launch's argument block: addresses and numbers, one 64-bit word each. It is passed by value, so that a
//! node of a graph takes another one without a copy. The grid is a line of blocks, each of which computes so many tiles as the
//! [`KernelEntry`] says; a block behind the last tile does nothing. Scratch memory is the kernel's own affair.
//!
//! # Tensors of the caller
//! Those that lie on the GPU are read and written there, if they begin at a multiple of 16 bytes. A call on a stream of the
//! caller runs on one of the session's, which waits for an event of the caller's stream and is waited for by it in turn: so a
//! workspace is used by one call after the other whatever streams their callers have, and nobody waits but the GPU.

mod address;
mod call;
mod capability;
mod code_object;
mod context;
mod description;
mod edges;
mod error;
mod event;
mod gpus;
mod graph;
mod kernel_arguments;
mod library;
mod memory;
mod module;
mod staging;
mod stream;
#[cfg(test)]
mod tests;

use super::{Device, DeviceError, Memory, MemorySpace, Stream};
use crate::signature::{Signature, plan_hash};
pub use call::CallError;
pub use capability::Capability;
pub use code_object::{CodeObject, CodeObjectError, KernelEntry};
use context::Context;
pub use description::describe;
pub use error::CudaError;
pub use gpus::{DriverReport, Gpu, examine};
pub use library::{Driver, SIMULATOR_VARIABLE};
use memory::GpuMemory;
use module::Module;
use ocellus_dialects::plan::Plan;
use std::sync::Arc;
use stream::CudaStream;

/// A GPU with the kernels of a plan.
pub struct CudaDevice {
    module: Arc<Module>,
    note: Option<String>,
}

impl CudaDevice {
    /// The GPU of that number with the kernels of a plan, and what each of them does with its arguments.
    ///
    /// # Safety
    /// As for [`DeviceKind::load`](super::DeviceKind::load).
    pub unsafe fn load(
        code: &[u8],
        plan: &Plan,
        (driver, ordinal): (Driver, u32),
    ) -> Result<(Self, Vec<Signature>), DeviceError> {
        let code = CodeObject::from_bytes(code).map_err(CudaError::CodeObject)?;
        if code.plan.as_ref().is_some_and(|hash| *hash != plan_hash(plan)) {
            return Err(DeviceError::OtherPlan);
        }
        let context = Context::of(driver, ordinal)?;
        let (module, note) = Module::load(&context, &code, plan)?;
        let signatures = module.signatures();
        Ok((CudaDevice { module: Arc::new(module), note }, signatures))
    }
}

impl Device for CudaDevice {
    fn name(&self) -> String {
        self.module.context.gpu.name.clone()
    }

    fn memory_space(&self) -> MemorySpace {
        MemorySpace::Device
    }

    /// One copies while another computes.
    fn calls_at_once(&self) -> usize {
        2
    }

    fn allocate(&self, bytes: usize) -> Result<Memory, DeviceError> {
        let memory = GpuMemory::new(&self.module.context, bytes)?;
        Ok(Memory::new(memory.address(), bytes, memory))
    }

    /// Kernels read up to so many bytes at once.
    fn tensor_alignment(&self) -> usize {
        16
    }

    fn check_address(&self, address: u64) -> Result<(), DeviceError> {
        Ok(address::check(&self.module.context, address)?)
    }

    fn stream(&self) -> Result<Box<dyn Stream>, DeviceError> {
        Ok(Box::new(CudaStream::new(self.module.clone())?))
    }

    fn notes(&self) -> Vec<String> {
        self.note.clone().into_iter().collect()
    }
}
