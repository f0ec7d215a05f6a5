//! From LLVM IR to a shared object for a CPU.

mod link;

pub use link::find_linker;
pub(super) use link::shared_object;

use super::{CodegenError, llvm};
use inkwell::targets::{InitializationConfig, Target, TargetMachine};
use ocellus_kernels::CpuTarget;

const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// LLVM's code generator.
pub(super) fn target_machine(target: &CpuTarget) -> Result<TargetMachine, CodegenError> {
    Target::initialize_x86(&InitializationConfig::default());
    llvm::target_machine(TRIPLE, target.cpu, target.features)
}
