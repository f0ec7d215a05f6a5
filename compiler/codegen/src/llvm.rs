//! LLVM: optimizes a module for a target, and writes its code.

use super::{CodegenError, Optimization};
use inkwell::OptimizationLevel;
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{CodeModel, FileType, RelocMode, Target, TargetMachine, TargetTriple};

/// What LLVM said, as an error of that stage.
fn refuse(stage: &'static str) -> impl Fn(inkwell::support::LLVMString) -> CodegenError {
    move |message| CodegenError::Llvm { stage, message: message.to_string() }
}

/// LLVM's code generator for a CPU of a triple, whose back end is there; its code may be loaded anywhere.
pub(super) fn target_machine(
    triple: &str,
    cpu: &str,
    features: &str,
) -> Result<TargetMachine, CodegenError> {
    let triple = TargetTriple::create(triple);
    let backend = Target::from_triple(&triple).map_err(refuse("finding the target"))?;
    let (level, relocation) = (OptimizationLevel::Aggressive, RelocMode::PIC);
    backend
        .create_target_machine(&triple, cpu, features, level, relocation, CodeModel::Default)
        .ok_or_else(|| CodegenError::Llvm {
            stage: "finding the target",
            message: format!("no code generator for {cpu} {features}").trim_end().to_string(),
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
