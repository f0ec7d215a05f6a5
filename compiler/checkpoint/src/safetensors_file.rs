//! [`SafetensorsFile`]: one memory-mapped file of tensors.
//!
//! The header is untrusted: everything it says is checked against the length of the file before it is believed.

use super::WeightError;
use half::{bf16, f16};
use memmap2::Mmap;
use ocellus_dialects::HostTensor;
use ocellus_runtime::{open_regular, repeated_key};
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, TensorInfo};
use std::path::{Path, PathBuf};

/// Bytes whose pages are given back together; whole elements of any storage.
const BYTES_AT_ONCE: usize = 4 << 20;

/// One memory-mapped file of tensors.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    map: Mmap,
    metadata: Metadata,
    /// Where the tensors' bytes begin.
    data: usize,
}

impl SafetensorsFile {
    /// Maps a file and reads its header.
    ///
    /// The file must not be cut short while it is open: the operating system answers a read past its end with a
    /// signal.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        let io = |source| WeightError::Io { path: path.to_path_buf(), source };
        let malformed = |reason| WeightError::Malformed { path: path.to_path_buf(), reason };
        let file = open_regular(path).map_err(io)?;
        // SAFETY: the map is read only. Another process that writes to the file changes numbers, never their count;
        // one that cuts it short ends this process by a signal, which is documented above.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let (header, metadata) = SafeTensors::read_metadata(&map)
            .map_err(|error| malformed(explain(&error, map.len())))?;
        if let Some(name) = map.get(8..8 + header).and_then(repeated_key) {
            let first = path.to_path_buf();
            return Err(WeightError::Duplicate { name, second: first.clone(), first });
        }
        Ok(SafetensorsFile { path: path.to_path_buf(), data: 8 + header, map, metadata })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the tensors, in no order.
    pub fn names(&self) -> Vec<String> {
        self.metadata.tensors().into_keys().collect()
    }

    /// The dimensions of a tensor, which is stored as weights are.
    pub fn shape(&self, name: &str) -> Result<&[usize], WeightError> {
        let info = self.info(name)?;
        match info.dtype {
            Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16 => Ok(&info.shape),
            other => Err(self.no_weight(name, other)),
        }
    }

    /// A tensor in f32. From f64 it is rounded as PyTorch does it: to the nearest, and to infinity beyond the range.
    pub fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
        let missing = || WeightError::Missing(name.to_string());
        let info = self.info(name)?;
        let bytes = self.bytes(info).ok_or_else(missing)?;
        let read: fn(&mut Vec<f32>, &[u8]) = match info.dtype {
            Dtype::F64 => |data, bytes| convert(data, bytes, |b| f64::from_le_bytes(b) as f32),
            Dtype::F32 => |data, bytes| convert(data, bytes, f32::from_le_bytes),
            Dtype::F16 => |data, bytes| convert(data, bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => |data, bytes| convert(data, bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => return Err(self.no_weight(name, other)),
        };
        let elements = info.shape.iter().product();
        let mut data = HostTensor::room_for(elements).ok_or_else(|| {
            let bytes = elements.saturating_mul(size_of::<f32>());
            WeightError::OutOfMemory { name: name.to_string(), bytes }
        })?;
        for bytes in bytes.chunks(BYTES_AT_ONCE) {
            read(&mut data, bytes);
            self.forget_pages(bytes);
        }
        HostTensor::new(info.shape.clone(), data).ok_or_else(missing)
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, WeightError> {
        self.metadata.info(name).ok_or_else(|| WeightError::Missing(name.to_string()))
    }

    fn no_weight(&self, name: &str, found: Dtype) -> WeightError {
        let (name, file) = (name.to_string(), self.path.clone());
        WeightError::Element { name, file, found: format!("{found:?}") }
    }

    /// Gives the pages of bytes that were read back to the system: they are read once, and would lie in memory beside
    /// their copy.
    fn forget_pages(&self, bytes: &[u8]) {
        #[cfg(unix)]
        {
            use memmap2::UncheckedAdvice::DontNeed;
            let start = bytes.as_ptr().addr().saturating_sub(self.map.as_ptr().addr());
            // SAFETY: the map is read only, so its pages are those of the file, and whoever reads them again gets the
            // same. Where the advice is not taken, nothing changes.
            let _ = unsafe { self.map.unchecked_advise_range(DontNeed, start, bytes.len()) };
        }
    }

    fn bytes(&self, info: &TensorInfo) -> Option<&[u8]> {
        let (start, end) = info.data_offsets;
        self.map.get(self.data.checked_add(start)?..self.data.checked_add(end)?)
    }
}

/// Stored numbers as f32, behind those that are there; room for them has been made.
fn convert<const BYTES: usize>(
    data: &mut Vec<f32>,
    bytes: &[u8],
    read: impl Fn([u8; BYTES]) -> f32,
) {
    data.extend(bytes.as_chunks::<BYTES>().0.iter().map(|chunk| read(*chunk)));
}

/// What is wrong, with what it most often means.
fn explain(error: &SafeTensorError, bytes: usize) -> String {
    let meaning = match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => {
            "the file was cut short, or its header speaks of other data than it has"
        }
        _ => "its header does not describe tensors",
    };
    format!("no safetensors file of {bytes} bytes: {error}: {meaning}; download or write it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn write(directory: &Path, bytes: &[u8]) -> PathBuf {
        let path = directory.join("model.safetensors");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn one_tensor(dtype: Dtype, bytes: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, vec![2], bytes).unwrap();
        safetensors::serialize([("w", view)], None).unwrap()
    }

    fn with_header(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
    }

    #[test]
    fn every_storage_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let half: Vec<u8> =
            [1.5, -2.0].map(f16::from_f32).iter().flat_map(|x| x.to_le_bytes()).collect();
        let brain: Vec<u8> =
            [1.5, -2.0].map(bf16::from_f32).iter().flat_map(|x| x.to_le_bytes()).collect();
        let single: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let double: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let stored = [(Dtype::F16, half), (Dtype::BF16, brain)];
        for (dtype, bytes) in stored.into_iter().chain([(Dtype::F32, single), (Dtype::F64, double)])
        {
            let file = write(directory.path(), &one_tensor(dtype, &bytes));
            let tensor = SafetensorsFile::open(&file).unwrap().tensor("w").unwrap();
            assert_eq!(tensor, HostTensor { shape: vec![2], data: vec![1.5, -2.0] });
        }
    }

    /// `torch.tensor(numbers, dtype=torch.float64).float()`
    #[test]
    fn f64_is_rounded_as_pytorch_casts_it() {
        let directory = tempfile::tempdir().unwrap();
        for (numbers, rounded) in [
            ([0.1, 1.0 + 3.0 / f64::from(1 << 25)], [0.1, 1.0 + f32::EPSILON]),
            ([1e39, -1e39], [f32::INFINITY, f32::NEG_INFINITY]),
            ([1e-50, 3.4028235677973366e38], [0.0, f32::INFINITY]),
        ] {
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            let file = write(directory.path(), &one_tensor(Dtype::F64, &bytes));
            let tensor = SafetensorsFile::open(&file).unwrap().tensor("w").unwrap();
            assert_eq!(tensor.data, rounded);
        }
    }

    #[test]
    fn what_is_whole_or_quantized_is_no_weight() {
        let directory = tempfile::tempdir().unwrap();
        for (dtype, bytes) in [(Dtype::I64, 16), (Dtype::F8_E4M3, 2), (Dtype::U8, 2)] {
            let file = write(directory.path(), &one_tensor(dtype, &vec![0; bytes]));
            let file = SafetensorsFile::open(&file).unwrap();
            let error = file.tensor("w").unwrap_err().to_string();
            let expected = format!("is stored as {dtype:?}; weights are F64, F32, F16 or BF16: ");
            assert!(error.contains("`w`") && error.contains(&expected), "{error}");
            assert_eq!(file.shape("w").unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let whole = one_tensor(Dtype::F32, &[0; 8]);
        let tensor = |shape: &str, offsets: &str| {
            with_header(
                &format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#),
                8,
            )
        };
        let cases = [
            (vec![], "0 bytes"),
            (vec![1, 2, 3], "header too small"),
            (whole[..whole.len() - 1].to_vec(), "cut short"),
            (u64::MAX.to_le_bytes().to_vec(), "header too large"),
            (1000u64.to_le_bytes().to_vec(), "invalid header length"),
            (with_header("not json", 0), "invalid JSON in header"),
            (tensor("[3]", "[0,8]"), "invalid shape"),
            (tensor("[2]", "[8,0]"), "invalid"),
            (tensor("[4611686018427387904,4]", "[0,8]"), "overflow"),
            (tensor("[-1]", "[0,8]"), "invalid JSON"),
        ];
        let directory = tempfile::tempdir().unwrap();
        for (bytes, expected) in cases {
            let file = write(directory.path(), &bytes);
            let error = SafetensorsFile::open(&file).unwrap_err().to_string();
            assert!(error.contains("model.safetensors") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_name_twice_in_one_header_is_refused() {
        let entry = r#""w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
        let directory = tempfile::tempdir().unwrap();
        let file = write(directory.path(), &with_header(&format!("{{{entry},{entry}}}"), 8));
        let error = SafetensorsFile::open(&file).unwrap_err().to_string();
        assert!(error.contains("`w` is there twice"), "{error}");
    }
}
