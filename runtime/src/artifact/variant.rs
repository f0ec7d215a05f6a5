//! [`Variant`]: the program of an artifact for one target. All variants are of one model, take the same inputs and give the same
//! outputs; they differ in plan, code, and how weights are packed.

use super::ArtifactError;
use ocellus_dialects::plan::{Plan, SymbolSource};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// What the code object needs of a machine; see [`DeviceKind::of`](crate::devices::DeviceKind::of).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRequirements {
    /// The target as `--target` names it: a kind of device, and behind a colon which of them; or `sm_80`.
    pub name: String,
    /// The architecture, such as `x86_64` or `sm_80`.
    pub architecture: String,
    /// The features that the code uses, as LLVM names them: `avx512f`. Only those that the runtime knows can be
    /// satisfied.
    pub features: Vec<String>,
}

/// The program of an artifact for one target. The artifact has its [code](super::Artifact::code) and its
/// [weights](super::Artifact::weight).
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What its code needs of a machine. No other variant of the artifact has this name.
    pub target: TargetRequirements,
    /// The host program.
    pub plan: Arc<Plan>,
}

/// Checks what holds of all variants of an artifact together: there is one, each target has one, and none takes other inputs or
/// gives other outputs than the first, so that a caller need not know which of them runs.
pub(super) fn check_variants(variants: &[Variant]) -> Result<(), ArtifactError> {
    let first = variants.first().ok_or(ArtifactError::NoVariant)?;
    let mut names = HashSet::new();
    for Variant { target, plan } in variants {
        if !names.insert(&target.name) {
            return Err(ArtifactError::TwoVariants(target.name.clone()));
        }
        if !have_same_interface(plan, &first.plan) {
            let (target, other) = (target.name.clone(), first.target.name.clone());
            return Err(ArtifactError::OtherInterface { target, other });
        }
    }
    Ok(())
}

fn have_same_interface(a: &Plan, b: &Plan) -> bool {
    let free = |plan: &Plan| -> Vec<_> {
        let symbols = plan.symbols.iter().enumerate();
        symbols
            .filter(|(_, symbol)| matches!(symbol.source, SymbolSource::Free { .. }))
            .map(|(position, symbol)| (position, symbol.clone()))
            .collect()
    };
    a.inputs == b.inputs && a.outputs == b.outputs && free(a) == free(b)
}
