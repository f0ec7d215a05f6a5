//! [`Checkpoint`]: the tensors of a Hugging Face directory, in one file or in shards with an index.

use super::files::{self, ShardIndex, WeightFile};
use super::{SafetensorsFile, WeightError, WeightSource};
use crate::input_file;
use ocellus_dialects::HostTensor;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The tensors of a Hugging Face directory. Files are mapped, and numbers read when they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<SafetensorsFile>,
    /// Which file has a tensor.
    file_of: BTreeMap<String, usize>,
}

impl Checkpoint {
    /// Opens a directory: the first of [its files](WeightFile::candidates) that is there, else every `.safetensors` file
    /// in it. A path to a file is that file alone.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        if path.is_file() {
            return Self::from_files([path.to_path_buf()]);
        }
        let candidates = WeightFile::candidates(path)?;
        for candidate in &candidates {
            let file = path.join(candidate.name());
            let length = input_file::length(&file)
                .map_err(|source| WeightError::Io { path: file.clone(), source })?;
            match (length, candidate) {
                (None, _) => {}
                (Some(_), WeightFile::Whole(_)) => return Self::from_files([file]),
                (Some(_), WeightFile::Index(_)) => return Self::from_index(path, &file),
            }
        }
        let names = file_names(path)?;
        let files: Vec<PathBuf> = names
            .iter()
            .filter(|name| name.ends_with(".safetensors"))
            .map(|name| path.join(name))
            .collect();
        if files.is_empty() {
            return Err(no_weights(path, &candidates, &names));
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

    fn from_index(directory: &Path, path: &Path) -> Result<Self, WeightError> {
        let index = ShardIndex::read(path)?;
        let shards = index.shards().into_iter().map(|shard| directory.join(shard));
        let checkpoint = Self::from_files(shards)?;
        for (name, shard) in index.tensors() {
            let found = checkpoint.file_of.get(name).and_then(|file| checkpoint.files.get(*file));
            if found.is_none_or(|file| file.path() != directory.join(shard)) {
                let reason = format!("it says that `{name}` is in `{shard}`, and it is not");
                return Err(WeightError::Malformed { path: path.to_path_buf(), reason });
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

/// The names of the files in a directory, sorted.
fn file_names(directory: &Path) -> Result<Vec<String>, WeightError> {
    let io = |source| WeightError::Io { path: directory.to_path_buf(), source };
    let mut names = vec![];
    for entry in std::fs::read_dir(directory).map_err(io)? {
        // A name that is no text ends in nothing that is looked for.
        names.extend(entry.map_err(io)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

fn no_weights(directory: &Path, candidates: &[WeightFile], names: &[String]) -> WeightError {
    let looked_for: Vec<String> =
        candidates.iter().map(|candidate| format!("`{}`", candidate.name())).collect();
    let looked_for = looked_for.join(" nor ");
    let reason = match files::other_formats(names.iter().map(String::as_str)).as_slice() {
        [] => format!("there is neither {looked_for} nor any other `.safetensors` file here"),
        [other, ..] => format!(
            "there is neither {looked_for} nor any other `.safetensors` file here, and `{other}` is in a format that is \
             not read; if the weights are pickled, {}",
            files::CONVERSION
        ),
    };
    WeightError::Malformed { path: directory.to_path_buf(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::{Dtype, TensorView};

    const SINGLE: &str = "model.safetensors";
    const INDEX: &str = "model.safetensors.index.json";

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
    }

    #[test]
    fn the_whole_file_comes_before_the_shards() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), SINGLE, &["whole"]);
        write(directory.path(), "a.safetensors", &["x"]);
        let index = r#"{"weight_map":{"x":"a.safetensors"}}"#;
        std::fs::write(directory.path().join(INDEX), index).unwrap();
        let names = || {
            let checkpoint = Checkpoint::open(directory.path()).unwrap();
            checkpoint.names().map(str::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["whole"]);
        let config = format!(r#"{{"transformers_weights": "{INDEX}"}}"#);
        std::fs::write(directory.path().join("config.json"), config).unwrap();
        assert_eq!(names(), ["x"]);
    }

    #[test]
    fn weights_that_are_there_and_cannot_be_read_are_not_passed_over() {
        for name in [SINGLE, INDEX] {
            let directory = tempfile::tempdir().unwrap();
            write(directory.path(), "other.safetensors", &["x"]);
            std::os::unix::fs::symlink("nowhere", directory.path().join(name)).unwrap();
            let error = Checkpoint::open(directory.path()).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("link"), "{error}");
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
        let error = || Checkpoint::open(directory.path()).unwrap_err().to_string();
        let empty = error();
        assert!(
            empty.contains("neither `model.safetensors` nor") && !empty.contains("python"),
            "{empty}"
        );
        std::fs::write(directory.path().join("pytorch_model.bin"), "").unwrap();
        let pickled = error();
        assert!(
            pickled.contains("`pytorch_model.bin` is in a format") && pickled.contains("save_file"),
            "{pickled}"
        );
    }
}
