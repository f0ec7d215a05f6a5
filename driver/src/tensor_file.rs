//! The safetensors files that a user gives and gets: inputs under the names of the Hugging Face forward, outputs in f32.

use crate::diagnostic::{Diagnostic, Explained};
use ocellus_runtime::HostTensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads every tensor of a file, widened to f32.
pub fn read(path: &Path) -> Result<BTreeMap<String, HostTensor>, Diagnostic> {
    let bytes = std::fs::read(path).within(path.display())?;
    let file = SafeTensors::deserialize(&bytes)
        .within(path.display())
        .help("the inputs must be a safetensors file, with tensors such as `pixel_values`")?;
    file.iter()
        .map(|(name, view)| Ok((name.to_string(), widened(name, &view)?)))
        .collect::<Result<_, Diagnostic>>()
        .within(path.display())
}

fn widened(name: &str, view: &TensorView<'_>) -> Result<HostTensor, Diagnostic> {
    let bytes = view.data();
    let data = match view.dtype() {
        Dtype::F32 => elements(bytes, f32::from_le_bytes),
        Dtype::BF16 => elements(bytes, |word| half::bf16::from_le_bytes(word).to_f32()),
        Dtype::F16 => elements(bytes, |word| half::f16::from_le_bytes(word).to_f32()),
        other => {
            return Err(Diagnostic::new(format!("the tensor `{name}` is stored as {other:?}"))
                .help("inputs are stored as F32, BF16 or F16"));
        }
    };
    HostTensor::new(view.shape().to_vec(), data).ok_or_else(|| {
        Diagnostic::new(format!("the tensor `{name}` has not as many elements as its shape says"))
    })
}

fn elements<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|word| decode(*word)).collect()
}

/// The bytes of a file that holds those tensors.
pub fn serialise(tensors: &BTreeMap<String, HostTensor>) -> Result<Vec<u8>, Diagnostic> {
    let data: Vec<Vec<u8>> = tensors
        .values()
        .map(|tensor| tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|((name, tensor), data)| {
            Ok((name, TensorView::new(Dtype::F32, tensor.shape.clone(), data)?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(safetensors::serialize(views, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tensor = HostTensor::new(vec![2, 1], vec![1.5, -2.0]).unwrap();
        let tensors = BTreeMap::from([("pixel_values".to_string(), tensor)]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), serialise(&tensors).unwrap()).unwrap();
        assert_eq!(read(file.path()).unwrap(), tensors);
    }

    #[test]
    fn damage_and_foreign_types_are_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"\xff\xff\xff\xff\xff\xff\xff\xff{}").unwrap();
        assert!(read(file.path()).unwrap_err().to_string().contains("must be a safetensors file"));
        let view = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
        std::fs::write(
            file.path(),
            safetensors::serialize([("image_grid_thw", view)], None).unwrap(),
        )
        .unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.contains("`image_grid_thw` is stored as I64"), "{error}");
    }
}
