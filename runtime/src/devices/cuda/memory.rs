//! Memory of the GPU, and memory of the host from which it copies without the driver's help.

use super::context::Context;
use super::error::CudaError;
use crate::devices::DeviceError;
use cudarc::driver::sys::{self, CUdeviceptr, CUresult};
use std::sync::Arc;

/// Memory of the GPU. An arena is allocated when a call needs a larger one than was there before, and weights once, so that
/// no pool stands in between; to give memory back waits for all that runs on the GPU.
pub struct GpuMemory {
    context: Arc<Context>,
    address: CUdeviceptr,
}

impl GpuMemory {
    /// So many bytes, at a multiple of 256.
    pub fn new(context: &Arc<Context>, bytes: usize) -> Result<Self, DeviceError> {
        context.enter()?;
        let mut address = 0;
        // SAFETY: the driver writes an address there.
        let result = unsafe { sys::cuMemAlloc_v2(&mut address, bytes.max(1)) };
        match context.check("cuMemAlloc", result) {
            Ok(()) => Ok(GpuMemory { context: context.clone(), address }),
            Err(error) => Err(no_memory(context, "memory of the GPU", bytes, error)),
        }
    }

    /// Where it starts.
    pub fn address(&self) -> i64 {
        self.address as i64
    }
}

impl Drop for GpuMemory {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: it was allocated in this context, and its owner says that nobody uses it any more.
            let _ = unsafe { sys::cuMemFree_v2(self.address) };
        }
    }
}

/// Memory of the host whose pages stay where they are, so that the GPU reads and writes it while the host does something else.
pub struct PinnedMemory {
    context: Arc<Context>,
    address: *mut u8,
    bytes: usize,
}

// SAFETY: it belongs to whoever has it, on whichever thread.
unsafe impl Send for PinnedMemory {}

impl PinnedMemory {
    /// So many bytes.
    pub fn new(context: &Arc<Context>, bytes: usize) -> Result<Self, DeviceError> {
        context.enter()?;
        let mut address = std::ptr::null_mut();
        // SAFETY: the driver writes an address there.
        let result = unsafe { sys::cuMemHostAlloc(&mut address, bytes.max(1), 0) };
        match context.check("cuMemHostAlloc", result) {
            Ok(()) => Ok(PinnedMemory { context: context.clone(), address: address.cast(), bytes }),
            Err(error) => Err(no_memory(context, "memory that the GPU copies from", bytes, error)),
        }
    }

    /// Where it starts, as the host addresses it.
    pub fn address(&self) -> *mut u8 {
        self.address
    }

    /// Its size.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for PinnedMemory {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: it was allocated in this context, and its owner says that nobody uses it any more.
            let _ = unsafe { sys::cuMemFreeHost(self.address.cast()) };
        }
    }
}

/// Says how much was needed where there is too little, and how much there is.
fn no_memory(context: &Context, what: &'static str, bytes: usize, error: CudaError) -> DeviceError {
    match error {
        CudaError::Call(source) if source.result() == CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
            let (mut free, mut total) = (0, 0);
            // SAFETY: the driver writes two numbers there. Where it does not, nothing is free as far as anybody knows.
            let _ = unsafe { sys::cuMemGetInfo_v2(&mut free, &mut total) };
            let gpu = context.gpu.name.clone();
            let source = CudaError::Memory { gpu, free, total, source }.into();
            DeviceError::OutOfMemory { what, bytes, source }
        }
        other => other.into(),
    }
}
