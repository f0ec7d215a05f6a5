//! Why a module could not be evaluated.

use ocellus_checkpoint::WeightError;
use ocellus_dialects::symbolic::{Symbol, SymbolError};
use ocellus_dialects::venc::{EvaluationError, VencError};

/// Why a module could not be evaluated. Messages name the input, the dimension and the symbol.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The module is not well-formed.
    #[error(transparent)]
    Module(#[from] VencError),
    /// An operation has no value for what it was given.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A weight could not be had.
    #[error(transparent)]
    Weight(#[from] WeightError),
    /// An input that the module needs and the caller did not give.
    #[error("the input `{name}` is missing: give a tensor of the dims {dims}")]
    MissingInput {
        /// The input.
        name: String,
        /// Its declared dimensions.
        dims: String,
    },
    /// An input that the module does not have.
    #[error("the model has no input `{name}`; its inputs are: {known}")]
    UnknownInput {
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// An input whose elements are not as many as its dimensions say.
    #[error("the input `{name}` holds {elements} elements, and its dims are {shape:?}")]
    ElementCount {
        /// The input.
        name: String,
        /// How many elements it holds.
        elements: usize,
        /// Its dimensions.
        shape: Vec<usize>,
    },
    /// An input with the wrong number of dimensions.
    #[error("the input `{name}` has the dims {given:?}, and must have {rank} of them: {dims}")]
    Rank {
        /// The input.
        name: String,
        /// The dimensions that were given.
        given: Vec<usize>,
        /// How many there must be.
        rank: usize,
        /// The declared dimensions.
        dims: String,
    },
    /// A dimension that is not what the declaration and the other dimensions make it.
    #[error("the input `{name}` has {given} as dim {dim}, where `{declared}` is {expected}{}", bound_by(.first))]
    Size {
        /// The input.
        name: String,
        /// Which of its dimensions.
        dim: usize,
        /// Its size.
        given: i64,
        /// The declared dimension.
        declared: String,
        /// What that is in this call.
        expected: i64,
        /// The input and the dimension that decided so, where one did.
        first: Option<(String, usize)>,
    },
    /// A size outside its symbol's range.
    #[error("the input `{name}`, dim {dim}: {source}")]
    OutOfRange {
        /// The input.
        name: String,
        /// Which of its dimensions.
        dim: usize,
        /// The symbol, its size and its range.
        source: SymbolError,
    },
    /// A symbol that no input brings.
    #[error("no input has `{0}` as a dimension, so its size is not known")]
    Unbound(Symbol),
}

fn bound_by(first: &Option<(String, usize)>) -> String {
    first
        .as_ref()
        .map(|(name, dim)| format!(" (by dim {dim} of the input `{name}`)"))
        .unwrap_or_default()
}
