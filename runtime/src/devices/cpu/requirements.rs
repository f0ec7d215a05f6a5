//! Whether this CPU can run code that was compiled for another.

use super::features::missing_features;
use crate::artifact::TargetRequirements;

/// A CPU that cannot run an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCpu {
    /// Another architecture.
    #[error(
        "the artifact was compiled for `{target}`, and {}: compile the model again on this machine, with `--target cpu`",
        self.why()
    )]
    Architecture {
        /// The artifact's target.
        target: String,
        /// Its architecture.
        expected: String,
    },
    /// A CPU that lacks instructions.
    #[error(
        "the artifact was compiled for `{target}`, and {}: compile the model again with `--target cpu` on this machine, or \
         with `--target cpu:x86-64-v3` for every x86 CPU with AVX2", self.why()
    )]
    Features {
        /// The artifact's target.
        target: String,
        /// What the CPU lacks, as LLVM names it.
        missing: Vec<String>,
    },
}

impl UnfitCpu {
    /// The target that it does not fit.
    pub fn target(&self) -> &str {
        match self {
            UnfitCpu::Architecture { target, .. } | UnfitCpu::Features { target, .. } => target,
        }
    }

    /// What is in the way, as a clause.
    pub fn why(&self) -> String {
        match self {
            UnfitCpu::Architecture { expected, .. } => {
                let own = std::env::consts::ARCH;
                format!("that is {expected}, while this machine is {own}")
            }
            UnfitCpu::Features { missing, .. } => format!("this CPU lacks {}", missing.join(", ")),
        }
    }
}

/// Whether this CPU has the architecture, as [`std::env::consts::ARCH`] names it, and all features; see
/// [`host_features`](super::host_features).
pub fn check(target: &TargetRequirements) -> Result<(), UnfitCpu> {
    let name = target.name.clone();
    if target.architecture != std::env::consts::ARCH {
        return Err(UnfitCpu::Architecture { target: name, expected: target.architecture.clone() });
    }
    match missing_features(&target.features) {
        missing if missing.is_empty() => Ok(()),
        missing => Err(UnfitCpu::Features { target: name, missing }),
    }
}
