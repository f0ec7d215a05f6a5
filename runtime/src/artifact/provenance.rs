//! [`Provenance`]: what an artifact was made from, by whom, and for which machine.

use super::FORMAT_VERSION;
use crate::cpu::missing_features;
use ocellus_dialects::plan::{Plan, SymbolSource};
use serde::{Deserialize, Serialize};

/// What an artifact was made from, by whom, and for which machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of the format.
    pub format_version: u32,
    /// The version of the compiler.
    pub compiler_version: String,
    /// The machine.
    pub target: TargetRequirements,
    /// The sizes of the free symbols.
    pub ranges: Vec<DeclaredRange>,
    /// What the model was called when it was compiled, such as `siglip.vision`.
    pub tag: String,
}

impl Provenance {
    /// The provenance of what this version of Ocellus compiles.
    pub fn new(target: TargetRequirements, tag: impl Into<String>, plan: &Plan) -> Self {
        let ranges = plan.symbols.iter().filter_map(|symbol| match symbol.source {
            SymbolSource::Free { min, max, step } => {
                Some(DeclaredRange { symbol: symbol.name.clone(), min, max, step })
            }
            SymbolSource::Defined(_) => None,
        });
        Provenance {
            format_version: FORMAT_VERSION,
            compiler_version: env!("CARGO_PKG_VERSION").to_string(),
            ranges: ranges.collect(),
            tag: tag.into(),
            target,
        }
    }
}

/// What the code object needs of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRequirements {
    /// The target as `--target` names it, such as `cpu:x86-64-v4`.
    pub name: String,
    /// The architecture as [`std::env::consts::ARCH`] names it, such as `x86_64`.
    pub architecture: String,
    /// The features that the code uses, as LLVM names them: `avx512f`. Only those that the runtime knows can be
    /// satisfied; see [`host_features`](crate::cpu::host_features).
    pub features: Vec<String>,
}

impl TargetRequirements {
    /// Whether this machine can run the code.
    pub fn check(&self) -> Result<(), UnfitMachine> {
        if self.architecture != std::env::consts::ARCH {
            return Err(UnfitMachine::Architecture {
                target: self.name.clone(),
                expected: self.architecture.clone(),
            });
        }
        let missing = missing_features(&self.features);
        if missing.is_empty() {
            return Ok(());
        }
        Err(UnfitMachine::Features { target: self.name.clone(), missing })
    }
}

/// A machine that cannot run an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitMachine {
    /// Another architecture.
    #[error(
        "the artifact was compiled for `{target}`, which is {expected}, and this machine is {}: compile the model \
         again on this machine, with `--target cpu`",
        std::env::consts::ARCH
    )]
    Architecture {
        /// The artifact's target.
        target: String,
        /// Its architecture.
        expected: String,
    },
    /// A CPU that lacks instructions.
    #[error(
        "the artifact was compiled for `{target}`, and this CPU lacks {}: compile the model again with `--target cpu` \
         on this machine, or with `--target cpu:x86-64-v3` for every x86 CPU with AVX2", missing.join(", ")
    )]
    Features {
        /// The artifact's target.
        target: String,
        /// What the CPU lacks, as LLVM names it.
        missing: Vec<String>,
    },
}

/// The sizes that a free symbol may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredRange {
    /// The symbol.
    pub symbol: String,
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// Every value is a multiple of this.
    pub step: i64,
}
