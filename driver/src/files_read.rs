//! Which files a command reads: none of them may be where its result goes, for the weights of a model are mapped while
//! they are used, and no result is worth a checkpoint.

use crate::options::CompileOptions;
use serde_json::Value;
use std::path::{Path, PathBuf};

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// What of a model's folder is read beside its weights.
const CONFIGS: [&str; 4] =
    ["config.json", "preprocessor_config.json", "processor_config.json", INDEX];

/// The files behind MODEL or ARTIFACT, and those that options name.
pub fn of_subject(path: &Path, options: &CompileOptions) -> Vec<PathBuf> {
    let mut files = of_model(path);
    files.extend(options.machine.clone());
    files
}

fn of_model(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        // The weights of a `.mlir` file lie beside it.
        return vec![path.to_path_buf(), path.with_extension("safetensors")];
    }
    let mut files: Vec<PathBuf> = CONFIGS.iter().map(|config| path.join(config)).collect();
    files.extend(weights(path));
    files
}

/// The files that hold a folder's weights, whichever of them the loader prefers.
fn weights(folder: &Path) -> Vec<PathBuf> {
    let named: Vec<PathBuf> = std::iter::once(WEIGHTS.to_string())
        .chain(shards(&folder.join(INDEX)))
        .map(|file| folder.join(file))
        .filter(|file| file.is_file())
        .collect();
    if !named.is_empty() {
        return named;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_weights = |file: &PathBuf| file.extension().is_some_and(|end| end == "safetensors");
    entries.map(|entry| entry.path()).filter(is_weights).collect()
}

fn shards(index: &Path) -> Vec<String> {
    let text = std::fs::read(index).unwrap_or_default();
    let index: Value = serde_json::from_slice(&text).unwrap_or_default();
    let files = index["weight_map"].as_object().into_iter().flat_map(|map| map.values());
    files.filter_map(|file| file.as_str().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_configs_and_its_weights_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |file: &str| folder.path().join(file);
        for file in ["a.safetensors", "b.safetensors"] {
            std::fs::write(path(file), "").unwrap();
        }
        let read = || of_model(folder.path());
        assert!(read().contains(&path("a.safetensors")) && read().contains(&path("config.json")));
        std::fs::write(path(INDEX), r#"{"weight_map": {"x": "b.safetensors"}}"#).unwrap();
        assert!(!read().contains(&path("a.safetensors")));
        assert!(read().contains(&path("b.safetensors")) && read().contains(&path(INDEX)));
        std::fs::write(path(WEIGHTS), "").unwrap();
        assert!(read().contains(&path(WEIGHTS)) && read().contains(&path("b.safetensors")));
        let mlir = of_model(Path::new("toy.mlir"));
        assert_eq!(mlir, [Path::new("toy.mlir"), Path::new("toy.safetensors")]);
    }
}
