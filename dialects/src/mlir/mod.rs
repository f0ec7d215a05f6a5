//! MLIR as the text form of the dialects: printing, and reading what a person or another tool wrote.
//!
//! Each dialect is an IRDL file that MLIR loads at run time. Text is always judged by MLIR's own parser and verifier;
//! what they say is captured and returned, never printed.

mod context;
mod diagnostics;
mod nesting;
pub(crate) mod read;
pub mod text;

pub use context::{Context, MlirError};
