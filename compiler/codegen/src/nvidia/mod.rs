//! From LLVM IR to PTX, and to a cubin where NVIDIA's assembler is found.

mod assembler;
mod code_object;
mod join;

pub use assembler::{Assembler, AssemblerError, Cubin, KernelResources};
pub(super) use code_object::code_object;
pub(super) use join::joined;

use super::{CodegenError, llvm};
use inkwell::targets::{InitializationConfig, Target, TargetMachine};
use ocellus_kernels::NvidiaTarget;
use std::sync::Once;

#[cfg(test)]
mod attention_tests;
#[cfg(test)]
mod batched_gemm_tests;
#[cfg(test)]
mod gemm_tests;
#[cfg(test)]
mod tests;

const TRIPLE: &str = "nvptx64-nvidia-cuda";

/// LLVM's code generator. It writes the oldest PTX that the architecture has, so that drivers of any age take it.
pub(super) fn target_machine(target: &NvidiaTarget) -> Result<TargetMachine, CodegenError> {
    keep_shared_addresses_short();
    Target::initialize_nvptx(&InitializationConfig::default());
    llvm::target_machine(TRIPLE, target.name, "")
}

/// Addresses of shared memory take 32 bits. LLVM has a switch for it, and no other way to say so; it concerns nothing but
/// NVPTX.
fn keep_shared_addresses_short() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let arguments = [c"ocellus".as_ptr(), c"--nvptx-short-ptr".as_ptr()];
        // SAFETY: so many strings, each ended by a zero byte, and an empty overview; `Once` keeps other threads out.
        unsafe {
            inkwell::llvm_sys::support::LLVMParseCommandLineOptions(
                arguments.len() as i32,
                arguments.as_ptr(),
                c"".as_ptr(),
            );
        }
    });
}
