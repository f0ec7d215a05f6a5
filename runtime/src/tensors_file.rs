//! Reads inputs from a safetensors file, and writes outputs to one.

use crate::output::Output;
use crate::safetensors_bytes::{self, repeated_key};
use ocellus_dialects::{ElementType, HostTensor, MAX_INDEX};
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
    /// Two tensors of one name: one would count, and nobody knows which.
    #[error("`{}` has two tensors of the name `{name}`: write each once", path.display())]
    Repeated {
        /// The path.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A tensor whose elements the runtime does not take.
    #[error("the tensor `{name}` of `{}` has the type {found}: give {wanted}", path.display())]
    Element {
        /// The path.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
        /// The types that it may have.
        wanted: &'static str,
    },
    /// A whole number that f32 cannot hold.
    #[error(
        "the tensor `{name}` of `{}` holds {value}: whole numbers lie in -{MAX_INDEX}..={MAX_INDEX}",
        path.display()
    )]
    WholeNumber {
        /// The path.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The number.
        value: i64,
    },
    /// A tensor that does not fit in memory beside its file.
    #[error(
        "the tensor `{name}` of `{}` needs {bytes} bytes of memory in f32, and there are not as many",
        path.display()
    )]
    OutOfMemory {
        /// The path.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// How many bytes.
        bytes: usize,
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

/// The tensors of a safetensors file, by name. f16 and bf16 are widened to f32, f64 is rounded to it; i32 and i64 become whole numbers of it
/// where the tensor of that name `holds_indices`: as numbers they would be levels that nobody has normalized.
pub fn read_tensors(
    path: &Path,
    holds_indices: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, HostTensor>, TensorsFileError> {
    let bytes = safetensors_bytes::read(path)
        .map_err(|source| TensorsFileError::Read { path: path.to_path_buf(), source })?;
    if let Some(name) = safetensors_bytes::header(&bytes).and_then(repeated_key) {
        return Err(TensorsFileError::Repeated { path: path.to_path_buf(), name });
    }
    let format = |source| TensorsFileError::Format { path: path.to_path_buf(), source };
    let tensors = SafeTensors::deserialize(&bytes).map_err(format)?;
    let out_of_memory = |name: &str, view: &TensorView| TensorsFileError::OutOfMemory {
        path: path.to_path_buf(),
        name: name.to_string(),
        bytes: view.shape().iter().fold(4, |bytes: usize, dim| bytes.saturating_mul(*dim)),
    };
    tensors
        .iter()
        .map(|(name, view)| {
            let room = || {
                let elements = view.shape().iter().product();
                HostTensor::room_for(elements).ok_or_else(|| out_of_memory(name, &view))
            };
            let whole = match view.dtype() {
                _ if !holds_indices(name) => None,
                Dtype::I32 => {
                    Some(integers(room()?, view.data(), |b| i64::from(i32::from_le_bytes(b))))
                }
                Dtype::I64 => Some(integers(room()?, view.data(), i64::from_le_bytes)),
                _ => None,
            };
            if let Some(whole) = whole {
                let (path, tensor) = (path.to_path_buf(), name.to_string());
                let data = whole.map_err(|value| TensorsFileError::WholeNumber {
                    path,
                    name: tensor,
                    value,
                })?;
                let tensor = HostTensor::new(view.shape().to_vec(), data)
                    .ok_or_else(|| format(SafeTensorError::TensorInvalidInfo))?;
                return Ok((name.to_string(), tensor));
            }
            if view.dtype() == Dtype::F64 {
                let tensor = HostTensor::new(view.shape().to_vec(), rounded(room()?, view.data()))
                    .ok_or_else(|| format(SafeTensorError::TensorInvalidInfo))?;
                return Ok((name.to_string(), tensor));
            }
            let element = match view.dtype() {
                Dtype::F32 => ElementType::F32,
                Dtype::F16 => ElementType::F16,
                Dtype::BF16 => ElementType::BF16,
                other => {
                    return Err(TensorsFileError::Element {
                        path: path.to_path_buf(),
                        name: name.to_string(),
                        found: format!("{other:?}"),
                        wanted: if holds_indices(name) {
                            "i32, i64, f64, f32, f16 or bf16"
                        } else {
                            "f64, f32, f16 or bf16"
                        },
                    });
                }
            };
            // That the shape is one of the elements has been checked with the header.
            let tensor = HostTensor::from_bytes(view.shape().to_vec(), element, view.data())
                .ok_or_else(|| out_of_memory(name, &view))?;
            Ok((name.to_string(), tensor))
        })
        .collect()
}

/// Numbers of f64 as PyTorch casts them: to the nearest of f32, and to infinity beyond its range.
fn rounded(mut numbers: Vec<f32>, bytes: &[u8]) -> Vec<f32> {
    numbers.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32));
    numbers
}

/// Whole numbers as f32, in that room; the first that f32 does not hold is the error.
fn integers<const BYTES: usize>(
    mut numbers: Vec<f32>,
    bytes: &[u8],
    read: impl Fn([u8; BYTES]) -> i64,
) -> Result<Vec<f32>, i64> {
    let max = i64::from(MAX_INDEX);
    let number = |bytes: &[u8; BYTES]| match read(*bytes) {
        number if (-max..=max).contains(&number) => Ok(number as f32),
        number => Err(number),
    };
    for bytes in bytes.as_chunks().0 {
        numbers.push(number(bytes)?);
    }
    Ok(numbers)
}

/// Writes f32 tensors to a safetensors file, whole or not at all.
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, HostTensor)],
) -> Result<(), TensorsFileError> {
    let output = Output::open(path)
        .map_err(|source| TensorsFileError::Write { path: path.to_path_buf(), source })?;
    write_tensors_to(output, tensors)
}

/// As [`write_tensors`], to a place that was opened before the tensors were computed.
pub fn write_tensors_to(
    output: Output,
    tensors: &[(String, HostTensor)],
) -> Result<(), TensorsFileError> {
    let path = output.path().to_path_buf();
    let write = |source| TensorsFileError::Write { path: path.clone(), source };
    let invalid = |error: SafeTensorError| write(std::io::Error::other(error));
    let mut views = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        // safetensors is little-endian, as are all machines that this runs on; tests would show another.
        let bytes = bytemuck::cast_slice(&tensor.data);
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(invalid)?;
        views.push((name.as_str(), view));
    }
    let bytes = safetensors::serialize(views, None).map_err(invalid)?;
    output.write(&bytes).map_err(write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::error::Error;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn serialized(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        safetensors::serialize([("x", view)], None).unwrap()
    }

    #[test]
    fn widens_what_is_half_as_wide() {
        for (dtype, bytes) in
            [(Dtype::F16, [0x00, 0x3c, 0x00, 0xc0]), (Dtype::BF16, [0x80, 0x3f, 0x00, 0xc0])]
        {
            let file = file(&serialized(dtype, &[2, 1], &bytes));
            let tensors = read_tensors(file.path(), |_| false).unwrap();
            assert_eq!(tensors["x"], HostTensor { shape: vec![2, 1], data: vec![1.0, -2.0] });
        }
    }

    #[test]
    fn f64_is_rounded_as_pytorch_casts_it() {
        let numbers = [0.1, -2.5, 1.0 + 3.0 / f64::from(1 << 25), 1e39, -1e39, 1e-50, f64::NAN];
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let file = file(&serialized(Dtype::F64, &[7], &bytes));
        for holds_indices in [true, false] {
            let read = &read_tensors(file.path(), |_| holds_indices).unwrap()["x"];
            // `torch.tensor(numbers, dtype=torch.float64).float()`
            let one_more = 1.0 + f32::EPSILON;
            assert_eq!(read.data[..6], [0.1, -2.5, one_more, f32::INFINITY, -f32::INFINITY, 0.0]);
            assert!(read.data[6].is_nan());
        }
    }

    #[test]
    fn other_types_are_named() {
        let file = file(&serialized(Dtype::I64, &[1], &[0; 8]));
        let error = read_tensors(file.path(), |name| name != "x").unwrap_err().to_string();
        assert!(error.ends_with("has the type I64: give f64, f32, f16 or bf16"), "{error}");
    }

    #[test]
    fn whole_numbers_are_read_as_far_as_f32_holds_them() {
        let read = |dtype, bytes: &[u8]| {
            let shape = [bytes.len() / if dtype == Dtype::I64 { 8 } else { 4 }];
            read_tensors(file(&serialized(dtype, &shape, bytes)).path(), |name| name == "x")
        };
        let numbers: Vec<u8> = [7i64, -(1 << 24)].into_iter().flat_map(i64::to_le_bytes).collect();
        assert_eq!(read(Dtype::I64, &numbers).unwrap()["x"].data, [7.0, -16_777_216.0]);
        assert_eq!(read(Dtype::I32, &3i32.to_le_bytes()).unwrap()["x"].data, [3.0]);
        let error = read(Dtype::I32, &((1i32 << 24) + 1).to_le_bytes()).unwrap_err().to_string();
        assert!(error.contains("`x`") && error.contains("holds 16777217"), "{error}");
    }

    #[test]
    fn two_tensors_of_one_name_are_refused() {
        let entry = |start: usize| {
            format!(r#""x":{{"dtype":"F32","shape":[1],"data_offsets":[{start},{}]}}"#, start + 4)
        };
        for header in [[entry(0), entry(4)], [entry(0), entry(0)]] {
            let header = format!("{{{}}}", header.join(","));
            let length = (header.len() as u64).to_le_bytes();
            let file = file(&[&length, header.as_bytes(), &[0; 8]].concat());
            let error = read_tensors(file.path(), |_| false).unwrap_err().to_string();
            assert!(error.ends_with("has two tensors of the name `x`: write each once"), "{error}");
        }
    }

    #[test]
    fn missing_folders_are_named() {
        let path = Path::new("/no/such/folder/out.safetensors");
        let error = write_tensors(path, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write the tensors to `/no/such/folder/out.safetensors`"
        );
        assert!(error.source().is_some());
        assert!(read_tensors(path, |_| false).unwrap_err().to_string().starts_with("cannot read"));
    }

    #[test]
    fn tensors_whose_elements_are_too_few_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let lying = HostTensor { shape: vec![3], data: vec![0.0] };
        let path = folder.path().join("out");
        assert!(write_tensors(&path, &[("x".to_string(), lying)]).is_err());
        assert!(!path.exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Bit by bit, NaN too.
        #[test]
        fn reads_what_was_written(
            data in prop::collection::vec(any::<u32>().prop_map(f32::from_bits), 0..50),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out");
            let tensor = HostTensor { shape: vec![data.len()], data };
            write_tensors(&path, &[("x".to_string(), tensor.clone())]).unwrap();
            let read = read_tensors(&path, |_| false).unwrap();
            let bits = |tensor: &HostTensor| -> Vec<u32> {
                tensor.data.iter().map(|x| x.to_bits()).collect()
            };
            prop_assert_eq!(&read["x"].shape, &tensor.shape);
            prop_assert_eq!(bits(&read["x"]), bits(&tensor));
        }

        #[test]
        fn a_damaged_file_is_no_panic(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            length in any::<prop::sample::Index>(),
        ) {
            let mut bytes = serialized(Dtype::F32, &[2, 3], &[0; 24]);
            for (index, byte) in edits {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            let _ = read_tensors(file(&bytes).path(), |_| true);
            bytes.truncate(length.index(bytes.len()));
            prop_assert!(read_tensors(file(&bytes).path(), |_| true).is_err());
        }
    }
}
