//! The dialects of Ocellus as MLIR knows them. Each is an IRDL file that MLIR loads at run time; [`Context`] holds a text
//! against them by MLIR's own parser and verifier. What these say is captured and returned, never printed.
//!
//! The dialects themselves, their printers and parsers, are `ocellus-dialects`, which needs no MLIR.

mod context;
mod diagnostics;
mod nesting;

pub use context::{Context, MlirError};
