//! [`InitError`]: why a model directory could not be made.

use super::hugging_face::LoadError;
use safetensors::tensor::SafeTensorError;
use std::path::PathBuf;

/// A model directory that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No architecture of that name.
    #[error("there is no architecture `{name}`; there are: {}", .known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A directory with something in it.
    #[error("{0} is there and not empty: give a new directory, nothing is overwritten")]
    NotEmpty(PathBuf),
    /// A file that cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Weights that cannot be written.
    #[error("{path}: {source}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: SafeTensorError,
    },
    /// A config of the table that makes no program.
    #[error("the built-in table of architectures: {0}")]
    Table(String),
    /// The same, found by the loader.
    #[error(transparent)]
    Config(#[from] LoadError),
}
