//! From LLVM IR to a shared object for a CPU.

mod link;

pub use link::find_linker;
pub(super) use link::shared_object;

use super::CodegenError;
use super::llvm::refuse;
use inkwell::OptimizationLevel;
use inkwell::targets::{
    CodeModel, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
};
use ocellus_kernels::CpuTarget;

const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// LLVM's code generator for a target; its code may be loaded anywhere.
pub(super) fn target_machine(target: &CpuTarget) -> Result<TargetMachine, CodegenError> {
    Target::initialize_x86(&InitializationConfig::default());
    let triple = TargetTriple::create(TRIPLE);
    let backend = Target::from_triple(&triple).map_err(refuse("finding the target"))?;
    backend
        .create_target_machine(
            &triple,
            target.cpu,
            target.features,
            OptimizationLevel::Aggressive,
            RelocMode::PIC,
            CodeModel::Default,
        )
        .ok_or_else(|| CodegenError::Llvm {
            stage: "finding the target",
            message: format!("no code generator for {} {}", target.cpu, target.features),
        })
}
