//! From kernels to code that the runtime loads: MLIR text, LLVM IR, and what the target makes of it.
//!
//! ```text
//! Kernel ──emit_modules─► MLIR ──mlir.rs──► LLVM IR ──llvm.rs─┬─► objects ──cpu/link.rs─► shared object
//!                                                             └─► PTX ──nvidia/assembler.rs──► cubin beside the PTX
//! ```

mod cpu;
mod llvm;
mod mlir;
mod nvidia;

pub use cpu::find_linker;
pub use nvidia::{Assembler, AssemblerError, Cubin, KernelResources};

use ocellus_dialects::plan::Plan;
use ocellus_kernels::{Kernel, Target, emit_module, emit_modules};
use ocellus_runtime::devices::cuda::CodeObjectError;
use ocellus_runtime::signature::plan_hash;
use rayon::prelude::*;

/// Kernels that are compiled as one module: so many that what a module takes by itself, some milliseconds, is little
/// beside them. It does not depend on the machine, so that the code does not either.
const KERNELS_A_MODULE: usize = 4;

/// Code that the runtime loads: each kernel by its symbol, the text of its [`Kernel::signature`] beside it, and the hash of
/// the plan that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeObject {
    /// For a CPU an ELF shared object, which imports nothing; for an NVIDIA GPU PTX and, where NVIDIA's assembler is found,
    /// a cubin, as [`ocellus_runtime::devices::cuda::CodeObject`] has them.
    pub bytes: Vec<u8>,
}

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// MLIR refuses what an emitter wrote, or a pass failed: a defect of ours.
    #[error("MLIR refuses the kernels ({stage}): {message}")]
    Mlir {
        /// What it was doing.
        stage: &'static str,
        /// What it says.
        message: String,
    },
    /// LLVM refuses what MLIR made of it, or lacks the target.
    #[error("LLVM refuses the kernels ({stage}): {message}")]
    Llvm {
        /// What it was doing.
        stage: &'static str,
        /// What it says.
        message: String,
    },
    /// There is no linker.
    #[error(
        "no linker was found: install lld (Debian: `apt install lld-22`) or a C compiler; tried {tried}"
    )]
    NoLinker {
        /// What was looked for.
        tried: String,
    },
    /// The linker failed, for example because code calls a library.
    #[error("`{linker}` failed: {message}")]
    Link {
        /// Which.
        linker: String,
        /// What it wrote.
        message: String,
    },
    /// NVIDIA's assembler is there and makes no machine code of the kernels.
    #[error(transparent)]
    Assembler(#[from] AssemblerError),
    /// Kernels that no driver could launch: a defect of ours.
    #[error(transparent)]
    Gpu(#[from] CodeObjectError),
    /// A file of the linker could not be read or written.
    #[error("while linking: {0}")]
    Io(#[from] std::io::Error),
}

/// What LLVM does to the kernels before its backend sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimization {
    /// Its own passes.
    Full,
    /// Nothing: slow code, to tell whether they are at fault.
    Off,
}

/// Compiles kernels into one code object. Kernels that are equal are compiled once. The object is for one plan alone
/// where that is given: the runtime then refuses it with another. An assembler is for a GPU: without one the code object
/// holds PTX alone, which a driver assembles when it loads it.
pub fn compile_kernels(
    kernels: &[Kernel],
    plan: Option<&Plan>,
    target: impl Into<Target>,
    optimization: Optimization,
    assembler: Option<&Assembler>,
) -> Result<CodeObject, CodegenError> {
    let (plan, target) = (plan.map(plan_hash), target.into());
    let modules = emit_modules(kernels, plan.as_deref(), KERNELS_A_MODULE);
    let bytes = match target {
        Target::Cpu(_) => {
            let objects = side_by_side(&modules, |text| {
                with_llvm_module(text, target, optimization, |module, machine| {
                    llvm::object(machine, module)
                })
            });
            cpu::shared_object(&objects?)
        }
        Target::Nvidia(nvidia) => {
            let parts = side_by_side(&modules, |text| {
                with_llvm_module(text, target, optimization, |module, machine| {
                    llvm::assembly(machine, module)
                })
            });
            let assembler = assembler.map(|assembler| (assembler, optimization));
            nvidia::code_object(kernels, plan, nvidia::joined(&parts?), &nvidia, assembler)
        }
    };
    Ok(CodeObject { bytes: bytes? })
}

/// Compiles modules on all cores. Of several errors it gives that of the first module.
fn side_by_side<T: Send>(
    modules: &[String],
    compile: impl Fn(&str) -> Result<T, CodegenError> + Sync,
) -> Result<Vec<T>, CodegenError> {
    let compiled: Vec<_> = modules.par_iter().map(|text| compile(text)).collect();
    compiled.into_iter().collect()
}

/// The kernels as LLVM IR: `--emit llvm`.
pub fn emit_llvm(
    kernels: &[Kernel],
    target: impl Into<Target>,
    optimization: Optimization,
) -> Result<String, CodegenError> {
    with_llvm_module(&emit_module(kernels, None), target.into(), optimization, |module, _| {
        Ok(module.print_to_string().to_string())
    })
}

/// The kernels as assembly, or as PTX: `--emit asm`.
pub fn emit_assembly(
    kernels: &[Kernel],
    target: impl Into<Target>,
    optimization: Optimization,
) -> Result<String, CodegenError> {
    let text = emit_module(kernels, None);
    with_llvm_module(&text, target.into(), optimization, |module, machine| {
        llvm::assembly(machine, module)
    })
}

/// The version of the LLVM that is linked in.
pub fn llvm_version() -> String {
    let (major, minor, patch) = inkwell::support::get_llvm_version();
    format!("{major}.{minor}.{patch}")
}

fn with_llvm_module<T>(
    text: &str,
    target: Target,
    optimization: Optimization,
    use_module: impl FnOnce(
        &inkwell::module::Module<'_>,
        &inkwell::targets::TargetMachine,
    ) -> Result<T, CodegenError>,
) -> Result<T, CodegenError> {
    let machine = match target {
        Target::Cpu(cpu) => cpu::target_machine(&cpu),
        Target::Nvidia(nvidia) => nvidia::target_machine(&nvidia),
    }?;
    let context = inkwell::context::Context::create();
    let module = mlir::to_llvm(text, &context)?;
    llvm::optimize(&machine, &module, optimization)?;
    use_module(&module, &machine)
}

#[cfg(test)]
mod tests;
