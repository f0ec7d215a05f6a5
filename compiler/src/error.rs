//! [`CompileError`]: why a model could not be compiled.

use crate::passes::PassError;
use ocellus_codegen::CodegenError;
use ocellus_dialects::symbolic::SymbolError;
use ocellus_dialects::venc::VencError;
use ocellus_explain::ExplanationError;
use ocellus_kernels::TargetError;
use ocellus_rewrite::RewriteError;
use ocellus_runtime::artifact::ArtifactError;

/// A model that could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The program is not well typed.
    #[error("the model's program is not valid: {0}")]
    Venc(#[from] VencError),
    /// A range for a symbol that the model does not have.
    #[error(
        "the model has no symbol `{symbol}` to give a range to: it has {known} (a side whose size was fixed when the \
         checkpoint was loaded is no symbol: give its range to `hf::load_with`)"
    )]
    UnknownSymbol {
        /// The symbol.
        symbol: String,
        /// The symbols that it has.
        known: String,
    },
    /// `--disable` of a rule or pass that is not there.
    #[error("there is no rule or pass `{name}`; {hint}")]
    UnknownSwitch {
        /// What was given.
        name: String,
        /// Rules and passes of a similar name.
        hint: String,
    },
    /// A range that no size lies in.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// No program could be chosen.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// No host program could be made.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// No code could be made.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
    /// No artifact could be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The artifact could not be loaded.
    #[error(transparent)]
    Load(#[from] ocellus_runtime::LoadError),
    /// The explanation could not be written.
    #[error(transparent)]
    Explanation(#[from] ExplanationError),
    /// Rates of a machine that runs other kernels.
    #[error(
        "the rates of `{machine}` are those of kernels for `{other}`, and what is compiled for is {targets}: give \
         `--target {other}`, or the rates of a machine that runs {targets}"
    )]
    OtherMachine {
        /// What the rates are called.
        machine: String,
        /// What its kernels are written for.
        other: String,
        /// What is compiled for.
        targets: String,
    },
    /// Several targets, where there is an answer for each.
    #[error(
        "this is asked for {0} together, and is another thing for each target: name one of them by `--target`"
    )]
    SeveralTargets(String),
    /// No such target.
    #[error(transparent)]
    Target(#[from] TargetError),
}
