//! Which files a command reads: none of them may be where its result goes, for the weights of a model are mapped while
//! they are used, and no result is worth a checkpoint.

use crate::options::CompileOptions;
use ocellus::weights::files::{ShardIndex, WeightFile};
use std::path::{Path, PathBuf};

/// What of a model's folder is read beside its weights.
const CONFIGS: [&str; 3] = ["config.json", "preprocessor_config.json", "processor_config.json"];

/// The files behind MODEL or ARTIFACT, and those that options name.
pub fn of_subject(path: &Path, options: &CompileOptions) -> Vec<PathBuf> {
    let mut files = of_model(path);
    files.extend(options.machine.clone());
    files
}

fn of_model(path: &Path) -> Vec<PathBuf> {
    if path.extension().is_some_and(|end| end == "mlir") {
        // Its weights lie beside it.
        return vec![path.to_path_buf(), path.with_extension("safetensors")];
    }
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let mut files: Vec<PathBuf> = CONFIGS.iter().map(|config| path.join(config)).collect();
    files.extend(weights(path));
    files
}

/// The files by which a folder's weights are found, whichever of them the loader prefers.
fn weights(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    // The model was loaded by now: what cannot be read holds nothing of it.
    for file in WeightFile::candidates(folder).unwrap_or_default() {
        let path = folder.join(file.name());
        if !path.is_file() {
            continue;
        }
        if let WeightFile::Index(_) = file
            && let Ok(index) = ShardIndex::read(&path)
        {
            files.extend(index.shards().into_iter().map(|shard| folder.join(shard)));
        }
        files.push(path);
    }
    if !files.is_empty() {
        return files;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_weights = |file: &PathBuf| file.extension().is_some_and(|end| end == "safetensors");
    entries.map(|entry| entry.path()).filter(is_weights).collect()
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
        std::fs::write(
            path("model.safetensors.index.json"),
            r#"{"weight_map": {"x": "b.safetensors"}}"#,
        )
        .unwrap();
        assert!(!read().contains(&path("a.safetensors")));
        assert!(
            read().contains(&path("b.safetensors"))
                && read().contains(&path("model.safetensors.index.json"))
        );
        std::fs::write(path("model.safetensors"), "").unwrap();
        assert!(
            read().contains(&path("model.safetensors")) && read().contains(&path("b.safetensors"))
        );
        let mlir = of_model(Path::new("toy.mlir"));
        assert_eq!(mlir, [Path::new("toy.mlir"), Path::new("toy.safetensors")]);
        assert_eq!(of_model(Path::new("toy.ocellus")), [Path::new("toy.ocellus")]);
    }
}
