//! [`Provenance`]: what an artifact was made from, and by whom.

use super::FORMAT_VERSION;
use ocellus_dialects::plan::{SymbolEntry, SymbolSource};
use serde::{Deserialize, Serialize};

/// What an artifact was made from, and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of the format.
    pub format_version: u32,
    /// The version of the compiler.
    pub compiler_version: String,
    /// The sizes of the free symbols.
    pub ranges: Vec<DeclaredRange>,
    /// What the model was called when it was compiled, such as `siglip.vision`.
    pub tag: String,
}

impl Provenance {
    /// The provenance of what this version of Ocellus compiles. `symbols` are those of a plan; the free ones are those of
    /// every variant.
    pub fn new(tag: impl Into<String>, symbols: &[SymbolEntry]) -> Self {
        let ranges = symbols.iter().filter_map(|symbol| match symbol.source {
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
        }
    }
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
