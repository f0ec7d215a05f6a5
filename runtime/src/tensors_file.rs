//! Reads inputs from a safetensors file, and writes outputs to one.

use crate::plan::Element;
use crate::tensor::HostTensor;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why tensors could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TensorsFileError {
    /// The file cannot be read.
    #[error("cannot read the tensors of `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("`{}` is damaged, or no safetensors file", path.display())]
    Format {
        /// The path.
        path: PathBuf,
        /// What the parser says.
        #[source]
        source: SafeTensorError,
    },
    /// A tensor whose elements the runtime does not take.
    #[error("the tensor `{name}` of `{}` has the type {found}: give f32, f16 or bf16", path.display())]
    Element {
        /// The path.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// The file cannot be written.
    #[error("cannot write the tensors to `{}`", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// The tensors of a safetensors file, by name. f16 and bf16 are widened to f32.
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, HostTensor>, TensorsFileError> {
    let bytes = std::fs::read(path)
        .map_err(|source| TensorsFileError::Read { path: path.to_path_buf(), source })?;
    let format = |source| TensorsFileError::Format { path: path.to_path_buf(), source };
    let tensors = SafeTensors::deserialize(&bytes).map_err(format)?;
    tensors
        .iter()
        .map(|(name, view)| {
            let element = match view.dtype() {
                Dtype::F32 => Element::F32,
                Dtype::F16 => Element::F16,
                Dtype::BF16 => Element::BF16,
                other => {
                    return Err(TensorsFileError::Element {
                        path: path.to_path_buf(),
                        name: name.to_string(),
                        found: format!("{other:?}"),
                    });
                }
            };
            let tensor = HostTensor::from_bytes(view.shape().to_vec(), element, view.data())
                .ok_or_else(|| format(SafeTensorError::TensorInvalidInfo))?;
            Ok((name.to_string(), tensor))
        })
        .collect()
}

/// Writes f32 tensors to a safetensors file, whole or not at all.
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, HostTensor)],
) -> Result<(), TensorsFileError> {
    let write = |source| TensorsFileError::Write { path: path.to_path_buf(), source };
    let invalid = |error: SafeTensorError| write(std::io::Error::other(error));
    let mut views = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        // safetensors is little-endian, as are all machines that this runs on; tests would show another.
        let bytes = bytemuck::cast_slice(&tensor.data);
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(invalid)?;
        views.push((name.as_str(), view));
    }
    let bytes = safetensors::serialize(views, None).map_err(invalid)?;
    crate::new_file::write_file(path, &bytes).map_err(write)
}
