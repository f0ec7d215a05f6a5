//! [`CallError`]: a call of the driver that failed.

use cudarc::driver::sys::{self, CUresult};
use std::ffi::CStr;

/// A call of the driver that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function} gives {result:?}: {description}")]
pub struct CallError {
    /// The function of the driver.
    pub function: &'static str,
    /// What the driver says of it.
    pub description: String,
    result: CUresult,
}

/// What a function of the driver gave.
pub(super) fn check(function: &'static str, result: CUresult) -> Result<(), CallError> {
    match result {
        CUresult::CUDA_SUCCESS => Ok(()),
        result => Err(CallError { function, description: description(result), result }),
    }
}

impl CallError {
    /// What the function gave.
    pub(super) fn result(&self) -> CUresult {
        self.result
    }

    /// Whether nothing runs in the context after it: a kernel went wrong on the GPU, or the GPU itself.
    pub(super) fn breaks_context(&self) -> bool {
        matches!(
            self.result,
            CUresult::CUDA_ERROR_ASSERT
                | CUresult::CUDA_ERROR_ECC_UNCORRECTABLE
                | CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR
                | CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
                | CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION
                | CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE
                | CUresult::CUDA_ERROR_INVALID_PC
                | CUresult::CUDA_ERROR_LAUNCH_FAILED
                | CUresult::CUDA_ERROR_LAUNCH_TIMEOUT
                | CUresult::CUDA_ERROR_MISALIGNED_ADDRESS
        )
    }
}

fn description(result: CUresult) -> String {
    let mut text = std::ptr::null();
    // SAFETY: the driver writes an address there, of a text of its own that ends with a zero byte and stays.
    unsafe {
        match sys::cuGetErrorString(result, &mut text) {
            CUresult::CUDA_SUCCESS if !text.is_null() => {
                CStr::from_ptr(text).to_string_lossy().into_owned()
            }
            _ => "the driver has no words for it".to_string(),
        }
    }
}
