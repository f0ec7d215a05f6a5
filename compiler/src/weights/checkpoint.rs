//! [`Checkpoint`]: the tensors of a Hugging Face directory, in one file or in shards with an index.

use super::{SafetensorsFile, WeightError, WeightSource};
use ocellus_runtime::HostTensor;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The tensors of a Hugging Face directory. Files are mapped, and numbers read when they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<SafetensorsFile>,
    /// Which file has a tensor.
    file_of: BTreeMap<String, usize>,
}

impl Checkpoint {
    /// Opens a directory: its `model.safetensors`, else the shards that its `model.safetensors.index.json` lists,
    /// else every `.safetensors` file in it. A path to a file is that file alone.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        if path.is_file() {
            return Self::from_files([path.to_path_buf()]);
        }
        let (single, index) = (path.join(SINGLE), path.join(INDEX));
        if single.is_file() {
            return Self::from_files([single]);
        }
        if index.is_file() {
            return Self::from_index(path, &index);
        }
        let files = safetensors_files(path)?;
        if files.is_empty() {
            let reason = format!(
                "there is neither `{SINGLE}`, nor `{INDEX}`, nor any other `.safetensors` file here; pickled weights \
                 (`.bin`, `.pt`) are not read: convert them with `save_pretrained`"
            );
            return Err(WeightError::Malformed { path: path.to_path_buf(), reason });
        }
        Self::from_files(files)
    }

    /// The names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.file_of.keys().map(String::as_str)
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.file_of.contains_key(name)
    }

    fn from_files(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, WeightError> {
        let (mut files, mut file_of) = (Vec::<SafetensorsFile>::new(), BTreeMap::new());
        for path in paths {
            let file = SafetensorsFile::open(&path)?;
            for name in file.names() {
                if let Some(first) = file_of.insert(name.clone(), files.len()) {
                    let first = files.get(first).map(|file| file.path().to_path_buf());
                    let first = first.unwrap_or_default();
                    return Err(WeightError::Duplicate { name, first, second: path });
                }
            }
            files.push(file);
        }
        Ok(Checkpoint { files, file_of })
    }

    fn from_index(directory: &Path, index: &Path) -> Result<Self, WeightError> {
        let listed = read_index(index)?;
        let shards: BTreeSet<&String> = listed.values().collect();
        let checkpoint = Self::from_files(shards.into_iter().map(|shard| directory.join(shard)))?;
        for (name, shard) in &listed {
            let found = checkpoint.file_of.get(name).and_then(|file| checkpoint.files.get(*file));
            if found.is_none_or(|file| file.path() != directory.join(shard)) {
                let reason = format!("it says that `{name}` is in `{shard}`, and it is not");
                return Err(WeightError::Malformed { path: index.to_path_buf(), reason });
            }
        }
        Ok(checkpoint)
    }

    fn file(&self, name: &str) -> Result<&SafetensorsFile, WeightError> {
        let file = self.file_of.get(name).and_then(|file| self.files.get(*file));
        file.ok_or_else(|| WeightError::Missing(name.to_string()))
    }
}

impl WeightSource for Checkpoint {
    fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
        self.file(name)?.tensor(name)
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, WeightError> {
        self.file(name)?.shape(name).map(<[usize]>::to_vec)
    }
}

fn safetensors_files(directory: &Path) -> Result<Vec<PathBuf>, WeightError> {
    let io = |source| WeightError::Io { path: directory.to_path_buf(), source };
    let mut files = vec![];
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The file of each tensor, as the index says. A shard lies in the index's own directory: a name that leads out of it
/// is refused.
fn read_index(path: &Path) -> Result<BTreeMap<String, String>, WeightError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let malformed = |reason| WeightError::Malformed { path: path.to_path_buf(), reason };
    let text = std::fs::read_to_string(path)
        .map_err(|source| WeightError::Io { path: path.to_path_buf(), source })?;
    let index: Index = serde_json::from_str(&text)
        .map_err(|error| malformed(format!("this is no index of shards: {error}")))?;
    for shard in index.weight_map.values() {
        let mut components = Path::new(shard).components();
        let plain = matches!(components.next(), Some(Component::Normal(_)));
        if !plain || components.next().is_some() {
            return Err(malformed(format!(
                "it names the shard `{shard}`: a shard is a file in the same directory"
            )));
        }
    }
    if index.weight_map.is_empty() {
        return Err(malformed("it lists no tensor".into()));
    }
    Ok(index.weight_map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::{Dtype, TensorView};

    fn write(directory: &Path, file: &str, names: &[&str]) {
        let view =
            |name: &&'static str| (*name, TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap());
        let names: Vec<&'static str> =
            names.iter().map(|name| &*Box::leak(name.to_string().into_boxed_str())).collect();
        let bytes = safetensors::serialize(names.iter().map(view), None).unwrap();
        std::fs::write(directory.join(file), bytes).unwrap();
    }

    fn error_with_index(index: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "a.safetensors", &["x"]);
        write(directory.path(), "b.safetensors", &["y"]);
        std::fs::write(directory.path().join(INDEX), index).unwrap();
        Checkpoint::open(directory.path()).unwrap_err().to_string()
    }

    #[test]
    fn shards_are_one_checkpoint() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "a.safetensors", &["x"]);
        write(directory.path(), "b.safetensors", &["y"]);
        let index = r#"{"metadata":{},"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}"#;
        std::fs::write(directory.path().join(INDEX), index).unwrap();
        let checkpoint = Checkpoint::open(directory.path()).unwrap();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(checkpoint.shape("y").unwrap(), [1]);
        assert!(matches!(checkpoint.tensor("z"), Err(WeightError::Missing(_))));
    }

    #[test]
    fn an_index_that_lies_is_refused() {
        let missing_file = error_with_index(r#"{"weight_map":{"x":"c.safetensors"}}"#);
        assert!(missing_file.contains("c.safetensors: No such file"), "{missing_file}");
        let wrong_file =
            error_with_index(r#"{"weight_map":{"x":"a.safetensors","y":"a.safetensors"}}"#);
        assert!(wrong_file.contains("`y` is in `a.safetensors`, and it is not"), "{wrong_file}");
        let shapeless = error_with_index("[]");
        assert!(shapeless.contains("this is no index of shards"), "{shapeless}");
        let empty = error_with_index(r#"{"weight_map":{}}"#);
        assert!(empty.contains("it lists no tensor"), "{empty}");
    }

    #[test]
    fn an_index_does_not_lead_out_of_its_directory() {
        for shard in ["../a.safetensors", "/etc/passwd", "..", "sub/a.safetensors", ""] {
            let error = error_with_index(&format!(r#"{{"weight_map":{{"x":"{shard}"}}}}"#));
            assert!(error.contains("a shard is a file in the same directory"), "{error}");
        }
    }

    #[test]
    fn a_tensor_in_two_files_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "a.safetensors", &["x"]);
        write(directory.path(), "b.safetensors", &["x"]);
        let error = Checkpoint::open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("`x` is there twice"), "{error}");
    }

    #[test]
    fn a_directory_without_weights_says_what_is_read() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("pytorch_model.bin"), "").unwrap();
        let error = Checkpoint::open(directory.path()).unwrap_err().to_string();
        assert!(
            error.contains("neither `model.safetensors`") && error.contains("save_pretrained"),
            "{error}"
        );
    }
}
