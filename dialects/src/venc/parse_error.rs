//! [`ParseError`]: why a text is no module.

use super::VencError;
use crate::syntax::{Place, SyntaxError};

/// A text that is no module of `venc`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It is not of the form of the dialects' text.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// An operation, attribute or type that `venc` does not have.
    #[error("{place}: {message}")]
    Meaning {
        /// Where it stands.
        place: Place,
        /// What is wrong, and what to write.
        message: String,
    },
    /// Shapes or calls that do not fit.
    #[error(transparent)]
    Venc(#[from] VencError),
}
