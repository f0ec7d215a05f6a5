//! Models by their name on the Hugging Face hub.

use crate::diagnostic::Diagnostic;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const CONFIG: &str = "config.json";
const INDEX: &str = "model.safetensors.index.json";

/// Whether a name could be one of the hub: `name` or `owner/name`.
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match text.split_once('/') {
        Some((owner, name)) => part(owner) && part(name),
        None => part(text),
    }
}

/// The folder that holds a model's config and weights, fetched where they are not there yet.
pub fn fetch(name: &str) -> Result<PathBuf, Diagnostic> {
    let failed = |error: ApiError| {
        Diagnostic::new(format!(
            "`{name}` is no folder here, and fetching it from the hub failed: {error}"
        ))
        .help("check the name and the network, or give the path of a folder with `config.json`")
    };
    let progress = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let api = ApiBuilder::from_env().with_progress(progress).build().map_err(failed)?;
    let repository = api.model(name.to_string());
    let config = repository.get(CONFIG).map_err(failed)?;
    // Not every model has one; where it has none, images cannot be preprocessed, and `run --image` says so.
    let _ = repository.get("preprocessor_config.json");
    fetch_weights(&repository).map_err(failed)?;
    Ok(config.parent().map(Path::to_path_buf).unwrap_or_default())
}

fn fetch_weights(repository: &ApiRepo) -> Result<(), ApiError> {
    let Ok(index) = repository.get(INDEX) else {
        return repository.get("model.safetensors").map(|_| ());
    };
    for shard in shards(&std::fs::read_to_string(index)?) {
        repository.get(&shard)?;
    }
    Ok(())
}

/// The files that an index names. What is no index names none: loading it tells what is wrong.
fn shards(index: &str) -> BTreeSet<String> {
    let index: serde_json::Value = serde_json::from_str(index).unwrap_or_default();
    let files = index["weight_map"].as_object().into_iter().flat_map(|map| map.values());
    files.filter_map(|file| file.as_str().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        for name in ["google/siglip-base-patch16-224", "gpt2", "a/b.c_d"] {
            assert!(is_name(name), "{name}");
        }
        for path in ["./model", "../x/y", "a/b/c", "/abs", "a b", "", "a/", "a/../b"] {
            assert!(!is_name(path), "{path}");
        }
    }

    #[test]
    fn an_index_names_each_shard_once() {
        let index =
            r#"{"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}}"#;
        assert_eq!(
            shards(index).into_iter().collect::<Vec<_>>(),
            ["1.safetensors", "2.safetensors"]
        );
        assert!(shards("no json").is_empty());
    }
}
