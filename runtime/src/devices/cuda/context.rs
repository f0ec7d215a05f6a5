//! [`Context`]: the primary context of a GPU, which all sessions of a process share, and other libraries too.

use super::call::{CallError, check};
use super::edges;
use super::error::CudaError;
use super::gpus::{self, Gpu};
use super::library::Driver;
use cudarc::driver::sys::{self, CUcontext, CUresult};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The contexts that sessions are in, while there are any, by the numbers of their GPUs.
static CURRENT: Mutex<BTreeMap<u32, Weak<Context>>> = Mutex::new(BTreeMap::new());

/// The primary context of a GPU. A kernel that goes wrong takes it with it: the driver then refuses whatever is asked, until
/// nobody holds the context any more.
pub struct Context {
    handle: CUcontext,
    /// The GPU.
    pub gpu: Gpu,
    /// The newest CUDA that the driver knows.
    pub driver_version: String,
    /// Whether the driver has edges of graphs behind which a launch begins before the one before has ended.
    pub has_programmatic_edges: bool,
    /// What broke it.
    failure: OnceLock<String>,
}

// SAFETY: the driver's contexts may be used by any thread.
unsafe impl Send for Context {}
// SAFETY: as above, and by several at once.
unsafe impl Sync for Context {}

impl Context {
    /// The context of the GPU of that number.
    pub fn of(driver: Driver, ordinal: u32) -> Result<Arc<Self>, CudaError> {
        let (gpu, driver_version) = gpus::numbered(driver, ordinal)?;
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = current.get(&ordinal).and_then(Weak::upgrade) {
            return Ok(context);
        }
        let mut handle = std::ptr::null_mut();
        // SAFETY: the driver writes an address there; the device is one of its own.
        let result = unsafe { sys::cuDevicePrimaryCtxRetain(&mut handle, gpu.device) };
        check("cuDevicePrimaryCtxRetain", result)?;
        let context = Arc::new(Context {
            handle,
            gpu,
            has_programmatic_edges: edges::are_programmatic(&driver_version),
            driver_version,
            failure: OnceLock::new(),
        });
        current.insert(ordinal, Arc::downgrade(&context));
        Ok(context)
    }

    /// Makes it the one in which this thread's calls of the driver are done. One that is broken is refused, in the words of
    /// what broke it.
    pub fn enter(&self) -> Result<(), CudaError> {
        if let Some(before) = self.failure.get() {
            return Err(CudaError::Broken { before: before.clone() });
        }
        // SAFETY: the context is retained.
        Ok(check("cuCtxSetCurrent", unsafe { sys::cuCtxSetCurrent(self.handle) })?)
    }

    /// What a call gave in this context.
    pub fn check(&self, function: &'static str, result: CUresult) -> Result<(), CudaError> {
        self.check_running(function, result, Vec::new)
    }

    /// What a call gave in this context while kernels may be running there. They are named where one went wrong: any call may
    /// be the one to tell of it.
    pub fn check_running(
        &self,
        function: &'static str,
        result: CUresult,
        kernels: impl FnOnce() -> Vec<String>,
    ) -> Result<(), CudaError> {
        check(function, result).map_err(|source| self.error(source, kernels))
    }

    /// What a call that failed says.
    fn error(&self, source: CallError, kernels: impl FnOnce() -> Vec<String>) -> CudaError {
        if !source.breaks_context() {
            return CudaError::Call(source);
        }
        let description = source.to_string();
        let error = CudaError::Kernel { kernels: kernels(), source };
        // The first one is the cause of all others.
        let _ = self.failure.set(format!("{error} ({description})"));
        error
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it was retained once, and nobody uses it any more. A driver that is being shut down refuses.
        let _ = unsafe { sys::cuDevicePrimaryCtxRelease_v2(self.gpu.device) };
    }
}
