//! [`Provenance`]: what an artifact was made from, by whom, and for which machine.

use super::FORMAT_VERSION;
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
