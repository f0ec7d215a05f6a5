//! [`Module`]: the kernels of a code object, loaded by the driver.

use super::capability::Capability;
use super::code_object::{CodeObject, KernelEntry};
use super::context::Context;
use super::error::CudaError;
use crate::devices::{DeviceError, Launch};
use crate::signature::Signature;
use cudarc::driver::sys::{
    self, CUfunction, CUfunction_attribute, CUjit_option, CUmodule, CUresult,
};
use ocellus_dialects::plan::Plan;
use std::ffi::{CString, c_void};
use std::sync::Arc;

/// Bytes for what a driver writes of PTX that it refuses.
const LOG_BYTES: usize = 16 << 10;

/// The most blocks of a grid.
const MAX_BLOCKS: u32 = i32::MAX as u32;

/// The kernels of a plan.
pub struct Module {
    handle: CUmodule,
    kernels: Vec<Kernel>,
    /// The context that it is loaded in.
    pub context: Arc<Context>,
}

// SAFETY: the driver's modules and functions may be used by any thread.
unsafe impl Send for Module {}
// SAFETY: as above, and by several at once.
unsafe impl Sync for Module {}

/// A kernel, and how it is launched.
pub struct Kernel {
    /// Its entry point.
    pub function: CUfunction,
    /// What the code object says of it.
    pub entry: KernelEntry,
}

impl Module {
    /// Loads the kernels of a plan: their machine code where it is for this GPU, and else their PTX. Says what should be known
    /// of that.
    pub fn load(
        context: &Arc<Context>,
        code: &CodeObject,
        plan: &Plan,
    ) -> Result<(Self, Option<String>), DeviceError> {
        context.enter()?;
        let (handle, note) = load_code(context, code)?;
        let mut module = Module { handle, kernels: Vec::new(), context: context.clone() };
        for kernel in &plan.kernels {
            let entry = code.kernels.iter().find(|entry| entry.symbol == kernel.symbol);
            let loaded = module.kernel(&kernel.symbol, entry)?;
            module.kernels.push(loaded);
        }
        Ok((module, note))
    }

    /// The kernel at that position of the plan.
    pub fn at(&self, index: usize) -> Result<&Kernel, DeviceError> {
        self.kernels.get(index).ok_or(DeviceError::NotLoaded(index))
    }

    /// What the kernels do with their arguments, in the plan's order.
    pub fn signatures(&self) -> Vec<Signature> {
        self.kernels.iter().map(|kernel| kernel.entry.signature.clone()).collect()
    }

    /// Finds a kernel, and lets it have the shared memory that it needs.
    fn kernel(&self, symbol: &str, entry: Option<&KernelEntry>) -> Result<Kernel, DeviceError> {
        let missing = |source| DeviceError::MissingKernel { symbol: symbol.to_string(), source };
        let entry = entry.ok_or_else(|| missing("the list of its kernels lacks it".into()))?;
        let name = CString::new(symbol).map_err(|error| missing(error.into()))?;
        let mut function = std::ptr::null_mut();
        // SAFETY: the driver writes an address there; the module is loaded, and the name ends with a zero byte.
        let result = unsafe { sys::cuModuleGetFunction(&mut function, self.handle, name.as_ptr()) };
        self.context.check("cuModuleGetFunction", result).map_err(|error| missing(error.into()))?;
        let kernel = Kernel { function, entry: entry.clone() };
        self.allow_shared_memory(&kernel)?;
        Ok(kernel)
    }

    /// Lets the launches of a kernel give its blocks as much shared memory as it needs.
    fn allow_shared_memory(&self, kernel: &Kernel) -> Result<(), CudaError> {
        let (gpu, bytes) = (&self.context.gpu, kernel.entry.shared_bytes);
        if bytes > gpu.shared_bytes {
            return Err(CudaError::SharedMemory {
                kernel: kernel.entry.symbol.clone(),
                bytes,
                gpu: gpu.name.clone(),
                limit: gpu.shared_bytes,
            });
        }
        if bytes == 0 {
            return Ok(());
        }
        let limit = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: the function is one of the module.
        let result = unsafe { sys::cuFuncSetAttribute(kernel.function, limit, bytes as i32) };
        let set = self.context.check("cuFuncSetAttribute", result);
        set.map_err(|error| kernel.refused(error))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: it was loaded in this context, and streams that run its kernels hold it.
            let _ = unsafe { sys::cuModuleUnload(self.handle) };
        }
    }
}

impl Kernel {
    /// Names the kernel where the driver does not take a launch of it.
    pub fn refused(&self, error: CudaError) -> CudaError {
        match error {
            CudaError::Call(source) => {
                CudaError::Launch { kernel: self.entry.symbol.clone(), source }
            }
            other => other,
        }
    }

    /// How many blocks compute all tiles of a launch.
    pub fn blocks(&self, launch: &Launch<'_>) -> Result<u32, CudaError> {
        match launch.tiles.div_ceil(self.entry.tiles) {
            blocks @ 0..=MAX_BLOCKS => Ok(blocks),
            blocks => Err(CudaError::Grid { kernel: self.entry.symbol.clone(), blocks }),
        }
    }
}

/// Loads machine code or PTX, whichever this GPU can run.
fn load_code(
    context: &Context,
    code: &CodeObject,
) -> Result<(CUmodule, Option<String>), CudaError> {
    let gpu = &context.gpu;
    let written_for = code.capability()?;
    if !gpu.capability.runs_ptx_of(written_for) {
        return Err(CudaError::OldGpu {
            architecture: code.architecture.clone(),
            gpu: gpu.name.clone(),
            capability: gpu.capability,
        });
    }
    let note = match &code.cubin {
        None => None,
        Some(cubin) if gpu.capability.runs_machine_code_of(written_for) => {
            match load_image(context, cubin) {
                Ok(module) => return Ok((module, None)),
                Err(error) if is_for_another_gpu(&error) => Some(note(context, written_for)),
                Err(error) => return Err(error),
            }
        }
        Some(_) => Some(note(context, written_for)),
    };
    let text = [code.ptx.as_bytes(), b"\0"].concat();
    let module = load_image(context, &text).map_err(|error| explain(context, code, error))?;
    Ok((module, note))
}

/// Why the driver assembles PTX though there is machine code: that is for another GPU, or the driver takes none, as one that
/// simulates does.
fn note(context: &Context, written_for: Capability) -> String {
    let gpu = &context.gpu;
    let (architecture, own) = (written_for.architecture(), gpu.capability.architecture());
    let why = match gpu.capability.runs_machine_code_of(written_for) {
        false => format!("is for `{architecture}`, and not for the GPU `{}` (`{own}`)", gpu.name),
        true => format!("for `{architecture}` is none that the driver takes"),
    };
    format!(
        "the machine code of the artifact {why}: the driver assembles its PTX, which takes longer to load"
    )
}

/// Whether a driver says that there is no code in the image that this GPU can run.
fn is_for_another_gpu(error: &CudaError) -> bool {
    let result = refusal(error);
    result == Some(CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU)
        || result == Some(CUresult::CUDA_ERROR_INVALID_IMAGE)
}

/// What a driver gave that refuses an image.
fn refusal(error: &CudaError) -> Option<CUresult> {
    match error {
        CudaError::Refused { source, .. } => Some(source.result()),
        _ => None,
    }
}

/// Says more of PTX that a driver refuses since it is too new for it.
fn explain(context: &Context, code: &CodeObject, error: CudaError) -> CudaError {
    if refusal(&error) != Some(CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION) {
        return error;
    }
    let version = code.ptx.lines().find_map(|line| line.trim().strip_prefix(".version"));
    CudaError::OldForPtx {
        driver: context.driver_version.clone(),
        ptx: version.unwrap_or("unknown").trim().to_string(),
        architecture: context.gpu.capability.architecture(),
    }
}

/// Loads a cubin, or PTX that ends with a zero byte.
fn load_image(context: &Context, image: &[u8]) -> Result<CUmodule, CudaError> {
    let mut log = vec![0u8; LOG_BYTES];
    let mut options =
        [CUjit_option::CU_JIT_ERROR_LOG_BUFFER, CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
    // A number stands where an address would.
    let mut values: [*mut c_void; 2] =
        [log.as_mut_ptr().cast(), std::ptr::without_provenance_mut(LOG_BYTES - 1)];
    let mut module = std::ptr::null_mut();
    // SAFETY: the driver writes an address there; there are as many options as values, and the log has so many bytes.
    let result = unsafe {
        sys::cuModuleLoadDataEx(
            &mut module,
            image.as_ptr().cast(),
            options.len() as u32,
            options.as_mut_ptr(),
            values.as_mut_ptr(),
        )
    };
    match context.check("cuModuleLoadDataEx", result) {
        Ok(()) => Ok(module),
        Err(CudaError::Call(source)) => {
            let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
            log.truncate(end);
            let log = String::from_utf8_lossy(&log).into_owned();
            Err(CudaError::Refused { log, source })
        }
        Err(error) => Err(error),
    }
}
