//! Whether this CPU can run code that was compiled for another.

use super::features::{TILES, missing_features};
use super::tile_permission;
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
    /// A system that does not let this process use the CPU's matrix tiles.
    #[error(
        "the artifact was compiled for `{target}`, and {}: Linux has had them since 5.16, and a sandbox must allow \
         `arch_prctl`; or compile the model again with `--target cpu:x86-64-v4`", self.why()
    )]
    Tiles {
        /// The artifact's target.
        target: String,
        /// What the system answered.
        answer: String,
    },
}

impl UnfitCpu {
    /// The target that it does not fit.
    pub fn target(&self) -> &str {
        match self {
            UnfitCpu::Architecture { target, .. }
            | UnfitCpu::Features { target, .. }
            | UnfitCpu::Tiles { target, .. } => target,
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
            UnfitCpu::Tiles { answer, .. } => {
                format!(
                    "the system does not let this process use the AMX tiles that it multiplies in ({answer})"
                )
            }
        }
    }
}

/// Whether this CPU has the architecture, as [`std::env::consts::ARCH`] names it, and all features; see
/// [`host_features`](super::host_features). Where matrix tiles are among them, this asks the system for the permission
/// to use them, which the whole process has from then on.
pub fn check(target: &TargetRequirements) -> Result<(), UnfitCpu> {
    let name = target.name.clone();
    if target.architecture != std::env::consts::ARCH {
        return Err(UnfitCpu::Architecture { target: name, expected: target.architecture.clone() });
    }
    match missing_features(&target.features) {
        missing if missing.is_empty() => {
            if target.features.iter().any(|feature| feature == TILES) {
                let refused = |answer: std::io::Error| answer.to_string();
                return tile_permission::request()
                    .map_err(refused)
                    .map_err(|answer| UnfitCpu::Tiles { target: name, answer });
            }
            Ok(())
        }
        missing => Err(UnfitCpu::Features { target: name, missing }),
    }
}
