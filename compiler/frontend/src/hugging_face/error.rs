//! [`LoadError`]: a checkpoint that makes no model.

use crate::feature_layer::NoSuchLayer;
use crate::nn::NnError;
use ocellus_checkpoint::WeightError;
use ocellus_checkpoint::python_json::JsonFileError;
use ocellus_preprocess::PreprocessError;
use std::path::PathBuf;

/// A checkpoint that makes no model.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A feature layer that the encoder has not.
    #[error("{path}: {source}")]
    FeatureLayer {
        /// The directory.
        path: PathBuf,
        /// Which layers there are.
        source: NoSuchLayer,
    },
    /// A file that is no JSON object.
    #[error("{path}: this is no JSON object: {reason}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A value of the config that makes no model.
    #[error("{path}: `{key}` is {value}: {allowed}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key, with those of the objects it lies in.
        key: String,
        /// What the config says.
        value: String,
        /// What it may say.
        allowed: String,
    },
    /// No vision encoder, or more than one, among the checkpoint's tensors.
    #[error("{path}: {reason}")]
    Encoder {
        /// The checkpoint.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Files that say how images are preprocessed, and that cannot be read.
    #[error(transparent)]
    Preprocessor(#[from] PreprocessError),
    /// Weights that cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// Weights that are not those of the config.
    #[error("{path}: {source}{}", hint(.defaults))]
    Mismatch {
        /// The checkpoint.
        path: PathBuf,
        /// The disagreement.
        source: Box<WeightError>,
        /// Keys that the config does not set, each with the value that was taken instead.
        defaults: Vec<String>,
    },
    /// A range for a symbol that the model does not have.
    #[error(
        "there is no symbol `{0}` to give a range to: a vision encoder has `images`, `height` and `width`"
    )]
    UnknownSymbol(String),
    /// A range that reaches below one patch.
    #[error(
        "the range {range} of `{symbol}` reaches below one patch of {patch} pixels: begin at {patch}"
    )]
    BelowOnePatch {
        /// The symbol.
        symbol: &'static str,
        /// Its range.
        range: String,
        /// Pixels in a patch along that side.
        patch: i64,
    },
    /// A program that does not fit together.
    #[error(transparent)]
    Program(#[from] NnError),
}

impl From<JsonFileError> for LoadError {
    fn from(error: JsonFileError) -> Self {
        match error {
            JsonFileError::Unreadable { path, source } => LoadError::Io { path, source },
            JsonFileError::Malformed { path, reason } => LoadError::Json { path, reason },
        }
    }
}

fn hint(defaults: &[String]) -> String {
    if defaults.is_empty() {
        return String::new();
    }
    format!(
        " (the config does not set {}; these are the defaults of its model type)",
        defaults.join(", ")
    )
}
