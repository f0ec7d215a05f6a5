//! The files of a checkpoint: where a model's weights come from, and JSON as Python writes it.
//!
//! A [`Checkpoint`] is a directory of memory-mapped safetensors files; [`check`](check::check) holds it against the
//! program that reads it. Any map of tensors is a [`WeightSource`] too. Configs are read by [`python_json`].

pub mod check;
mod checkpoint;
pub mod files;
mod finite;
mod input_file;
pub mod python_json;
mod random;
mod safetensors_file;

pub use checkpoint::Checkpoint;
pub use finite::{NonFiniteWeight, first_non_finite_weight, non_finite, non_finite_result};
pub use random::RandomWeights;
pub use safetensors_file::SafetensorsFile;

use ocellus_dialects::HostTensor;
use std::path::PathBuf;

/// A weight that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// No tensor has that name.
    #[error("the checkpoint has no tensor `{0}`")]
    Missing(String),
    /// Many tensors are missing.
    #[error(
        "the checkpoint lacks {count} tensor(s) that its config asks for: {}: is the config of another model?",
        .first.join(", ")
    )]
    ManyMissing {
        /// How many.
        count: usize,
        /// The first few.
        first: Vec<String>,
    },
    /// Tensors of the vision encoder that the program does not read.
    #[error(
        "the checkpoint has {count} tensor(s) that its config has no place for: {}: is the config of another model?",
        .first.join(", ")
    )]
    Unexpected {
        /// How many.
        count: usize,
        /// The first few.
        first: Vec<String>,
    },
    /// A tensor that is not what the model's config says.
    #[error("the tensor `{name}` has the shape {found:?}, and the config asks for {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that follows from the config.
        expected: Vec<usize>,
    },
    /// A tensor stored in a way that weights are not.
    #[error(
        "the tensor `{name}` in {file} is stored as {found}; weights are F64, F32, F16 or BF16: save those that are \
         quantized in one of these"
    )]
    Element {
        /// The tensor.
        name: String,
        /// Its file.
        file: PathBuf,
        /// How it is stored.
        found: String,
    },
    /// A tensor that two files have, or one file twice.
    #[error("the tensor `{name}` is there twice, in {first} and {second}")]
    Duplicate {
        /// The tensor.
        name: String,
        /// One of its files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A tensor that does not fit in memory.
    #[error("the tensor `{name}` needs {bytes} bytes of memory in f32, and there are not as many")]
    OutOfMemory {
        /// The tensor.
        name: String,
        /// How many bytes.
        bytes: usize,
    },
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Tensors by name, in f32: what is stored narrower is widened, and f64 is rounded.
pub trait WeightSource {
    /// The tensor of that name.
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError>;

    /// The dimensions of the tensor of that name.
    fn shape(&self, name: &str) -> Result<Vec<usize>, WeightError> {
        Ok(self.tensor(name)?.shape)
    }
}

/// Weights in memory.
impl WeightSource for std::collections::BTreeMap<String, HostTensor> {
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
        self.get(name).cloned().ok_or_else(|| WeightError::Missing(name.to_string()))
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, WeightError> {
        let tensor = self.get(name).ok_or_else(|| WeightError::Missing(name.to_string()))?;
        Ok(tensor.shape.clone())
    }
}
