//! LLVM: optimizes a module for a target, and writes its code.

use super::{CodegenError, Optimization};
use inkwell::OptimizationLevel;
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{
    CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
};
use ocellus_kernels::CpuTarget;

const TRIPLE: &str = "x86_64-unknown-linux-gnu";

fn refuse(stage: &'static str) -> impl Fn(inkwell::support::LLVMString) -> CodegenError {
    move |message| CodegenError::Llvm { stage, message: message.to_string() }
}

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

/// Runs LLVM's own passes. Vectors and unrolling are the emitters' choice, so LLVM adds none.
pub(super) fn optimize(
    machine: &TargetMachine,
    module: &Module<'_>,
    optimization: Optimization,
) -> Result<(), CodegenError> {
    module.set_triple(&machine.get_triple());
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    module.verify().map_err(refuse("verification"))?;
    let options = PassBuilderOptions::create();
    options.set_loop_vectorization(false);
    options.set_loop_slp_vectorization(false);
    options.set_loop_unrolling(false);
    options.set_loop_interleaving(false);
    let passes = match optimization {
        Optimization::Full => "default<O2>",
        Optimization::Off => "default<O0>",
    };
    module.run_passes(passes, machine, options).map_err(refuse("optimization"))
}

/// An ELF object.
pub(super) fn object(
    machine: &TargetMachine,
    module: &Module<'_>,
) -> Result<Vec<u8>, CodegenError> {
    Ok(write(machine, module, FileType::Object)?.as_slice().to_vec())
}

/// Assembly.
pub(super) fn assembly(
    machine: &TargetMachine,
    module: &Module<'_>,
) -> Result<String, CodegenError> {
    let text = write(machine, module, FileType::Assembly)?;
    Ok(String::from_utf8_lossy(text.as_slice()).trim_end_matches('\0').to_string())
}

fn write(
    machine: &TargetMachine,
    module: &Module<'_>,
    kind: FileType,
) -> Result<MemoryBuffer<'static>, CodegenError> {
    machine.write_to_memory_buffer(module, kind).map_err(refuse("writing code"))
}
