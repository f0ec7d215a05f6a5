//! [`Stages`]: a compilation up to the code, with every stage in it.

use crate::passes::HostProgram;
use ocellus_codegen::{self as codegen, Assembler, CodeObject, CodegenError, Optimization};
use ocellus_dialects::venc;
use ocellus_explain::Explanation;
use ocellus_kernels::Target;
use ocellus_rewrite as rewrite;
use ocellus_rewrite::PieceProgram;

/// All stages of a compilation up to the code: what `--emit` prints and `explain` explains.
#[derive(Clone, Debug)]
pub struct Stages {
    /// The model's program, under the ranges that were asked for.
    pub venc: venc::Module,
    /// What was chosen, for each piece of the range.
    pub pieces: Vec<PieceProgram>,
    /// How it was chosen, for each piece.
    pub reports: Vec<rewrite::Report>,
    /// What the host does.
    pub host: HostProgram,
    /// What there is to say about all this.
    pub explanation: Explanation,
    /// What it is for.
    pub target: Target,
    /// What LLVM does to its kernels.
    pub optimization: Optimization,
    /// Whether NVIDIA's assembler, where it is found, makes machine code of those for a GPU.
    pub assembles: bool,
}

impl Stages {
    /// The kernels as the artifact has them.
    pub fn code(&self) -> Result<CodeObject, CodegenError> {
        let HostProgram { kernels, plan, .. } = &self.host;
        let assembler = match (self.target, self.assembles) {
            (Target::Nvidia(_), true) => Assembler::find(),
            (Target::Nvidia(_), false) | (Target::Cpu(_), _) => None,
        };
        let (plan, assembler) = (Some(plan), assembler.as_ref());
        codegen::compile_kernels(kernels, plan, self.target, self.optimization, assembler)
    }

    /// The kernels as LLVM IR.
    pub fn llvm(&self) -> Result<String, CodegenError> {
        codegen::emit_llvm(&self.host.kernels, self.target, self.optimization)
    }

    /// The kernels as assembly.
    pub fn assembly(&self) -> Result<String, CodegenError> {
        codegen::emit_assembly(&self.host.kernels, self.target, self.optimization)
    }
}
