//! [`NnError`]: a module that makes no program.

use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::{Dim, SymbolError};
use ocellus_dialects::venc::VencError;

/// What the functions of this module return.
pub type Result<T, E = NnError> = std::result::Result<T, E>;

/// A module that makes no program.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NnError {
    /// An operation on operands that it does not take.
    #[error(transparent)]
    Operation(#[from] VencError),
    /// A symbol that could not be declared.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// One name for two weights.
    #[error("the weight `{name}` is declared as {first} and again as {second}")]
    WeightRedeclared {
        /// The name.
        name: String,
        /// The first declaration.
        first: TensorType,
        /// The second.
        second: TensorType,
    },
    /// A repeated block that reaches for a tensor outside itself.
    #[error(
        "a tensor of another function is used: a repeated block has its argument and its own weights only"
    )]
    ForeignTensor,
    /// A size that has to be a number.
    #[error("{what} is `{dim}`, and must be a constant")]
    Symbolic {
        /// What the size is of.
        what: &'static str,
        /// The size.
        dim: Dim,
    },
    /// Patches asked of something else than images.
    #[error("patches are cut from [images, channels, height, width], not from {0}")]
    NotAnImage(TensorType),
    /// Inputs after the first operation, or twice.
    #[error("inputs are declared once, and before anything else")]
    LateInputs,
    /// An error with the module in which it happened.
    #[error("in `{path}`: {source}")]
    At {
        /// The module's path.
        path: String,
        /// What happened.
        source: Box<NnError>,
    },
}

impl NnError {
    /// Says where the error happened, unless something further in has said so already.
    pub(super) fn at(self, path: &str) -> NnError {
        match self {
            NnError::At { .. } => self,
            source if path.is_empty() => source,
            source => NnError::At { path: path.to_string(), source: Box::new(source) },
        }
    }
}
