//! What a call reads: image files or a file of tensors.

use crate::diagnostic::Diagnostic;
use crate::subject::Subject;
use ocellus::runtime::{HostTensor, read_tensors};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The inputs of one call. One of the two must be given.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct RequiredInputs {
    /// Image files, preprocessed as the model's processor config says
    #[arg(long, value_name = "FILE", num_args = 1..)]
    image: Vec<PathBuf>,

    /// A safetensors file, or a pipe with one, with the inputs under their names, such as `pixel_values`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// As [`RequiredInputs`], for commands that can make inputs of their own.
#[derive(Clone, Debug, clap::Args)]
#[group(required = false, multiple = false)]
pub struct OptionalInputs {
    /// Image files, preprocessed as the model's processor config says
    #[arg(long, value_name = "FILE", num_args = 1..)]
    image: Vec<PathBuf>,

    /// A safetensors file with the inputs under their names, such as `pixel_values`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// Tensors by the names of the Hugging Face forward.
pub type Inputs = BTreeMap<String, HostTensor>;

impl RequiredInputs {
    /// The files that hold them.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.image.iter().chain(&self.input)
    }

    /// Reads them, with that many threads or one for each core.
    pub fn read(
        &self,
        subject: &Subject,
        threads: Option<NonZeroUsize>,
    ) -> Result<Inputs, Diagnostic> {
        read(&self.image, self.input.as_ref(), subject, threads)
    }
}

impl OptionalInputs {
    /// Reads them, where any are given, with that many threads or one for each core.
    pub fn read(
        &self,
        subject: &Subject,
        threads: Option<NonZeroUsize>,
    ) -> Result<Option<Inputs>, Diagnostic> {
        if self.image.is_empty() && self.input.is_none() {
            return Ok(None);
        }
        read(&self.image, self.input.as_ref(), subject, threads).map(Some)
    }
}

fn read(
    images: &[PathBuf],
    file: Option<&PathBuf>,
    subject: &Subject,
    threads: Option<NonZeroUsize>,
) -> Result<Inputs, Diagnostic> {
    match file {
        Some(file) => Ok(read_tensors(file, |name| subject.holds_indices(name))?),
        None => {
            let pixels = subject.preprocess(images, threads)?;
            Ok(BTreeMap::from([("pixel_values".to_string(), pixels)]))
        }
    }
}

/// The inputs as a session takes them.
pub fn borrowed(inputs: &Inputs) -> Vec<(&str, &HostTensor)> {
    inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect()
}
