//! Which of a model's files hold its weights: the same in a folder and on the hub, and the same as in `transformers`.
//!
//! The names of files come from outside: from the config, and from an index of shards. Each is checked before it is made
//! a path, so that no file is read, and none written, but beside the config.

use super::WeightError;
use crate::python_json::{self, JsonFileError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CONFIG: &str = "config.json";

/// The key of the config that names the file of weights, where it is not the usual one.
const NAMED: &str = "transformers_weights";

const SUFFIX: &str = ".safetensors";
const INDEX_SUFFIX: &str = ".safetensors.index.json";

/// The longest name of a file, in bytes, of the file systems of Linux.
const MAX_NAME_LENGTH: usize = 255;

/// Files of weights that are not read here, by how their names end.
const OTHER_FORMATS: [&str; 6] = [".bin", ".pt", ".pth", ".h5", ".msgpack", ".gguf"];

/// How pickled weights become ones that are read, without a model around them that could change them.
pub const CONVERSION: &str = "convert them where they lie, with `python -c \"import torch; from safetensors.torch import \
    save_file; w = torch.load('pytorch_model.bin', weights_only=True); save_file({k: v.clone().contiguous() for k, v in \
    w.items()}, 'model.safetensors')\"`";

/// A file by which the weights of a model are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightFile {
    /// All weights, in this file.
    Whole(String),
    /// An index of the files that have them.
    Index(String),
}

impl WeightFile {
    /// The files that may have the weights of the model whose config lies in `directory`. The first that is there has
    /// them.
    ///
    /// # Errors
    /// The config cannot be read, or names a file that could not be one of weights.
    pub fn candidates(directory: &Path) -> Result<Vec<WeightFile>, WeightError> {
        let config = directory.join(CONFIG);
        let named = python_json::read(&config)?.and_then(|config| config.get(NAMED).cloned());
        let malformed = |reason| WeightError::Malformed { path: config.clone(), reason };
        match named {
            None | Some(Value::Null) => Ok(vec![
                WeightFile::Whole("model.safetensors".to_string()),
                WeightFile::Index("model.safetensors.index.json".to_string()),
            ]),
            Some(Value::String(name)) if is_name_of(&name, INDEX_SUFFIX) => {
                Ok(vec![WeightFile::Index(name)])
            }
            Some(Value::String(name)) if is_name_of(&name, SUFFIX) => {
                Ok(vec![WeightFile::Whole(name)])
            }
            Some(other) => Err(malformed(format!(
                "`{NAMED}` is {other}: it must be the name of a file beside the config that ends in `{SUFFIX}` or \
                 `{INDEX_SUFFIX}`"
            ))),
        }
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        match self {
            WeightFile::Whole(name) | WeightFile::Index(name) => name,
        }
    }
}

/// The file of each tensor, as an index says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardIndex {
    shard_of: BTreeMap<String, String>,
}

impl ShardIndex {
    /// Reads an index.
    ///
    /// # Errors
    /// It cannot be read, is none, lists nothing, or names a file that is not beside it.
    pub fn read(path: &Path) -> Result<Self, WeightError> {
        let malformed =
            |reason: String| WeightError::Malformed { path: path.to_path_buf(), reason };
        let no_index = |what: &str| malformed(format!("this is no index of shards: {what}"));
        let index = python_json::read_required(path)?;
        let Some(Value::Object(listed)) = index.get("weight_map") else {
            return Err(no_index("it has no object `weight_map`"));
        };
        let mut shard_of = BTreeMap::new();
        for (tensor, shard) in listed {
            let Value::String(shard) = shard else {
                return Err(no_index(&format!(
                    "the shard of {tensor:?} is {shard}, which is no name"
                )));
            };
            if !is_name_of(shard, SUFFIX) {
                return Err(malformed(format!(
                    "it names the shard {shard:?}: a shard is a file in the same directory whose name ends in `{SUFFIX}`"
                )));
            }
            shard_of.insert(tensor.clone(), shard.clone());
        }
        if shard_of.is_empty() {
            return Err(malformed("it lists no tensor".to_string()));
        }
        Ok(ShardIndex { shard_of })
    }

    /// The names of the shards, each once.
    pub fn shards(&self) -> BTreeSet<&str> {
        self.shard_of.values().map(String::as_str).collect()
    }

    /// Each tensor with its shard.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.shard_of.iter().map(|(tensor, shard)| (tensor.as_str(), shard.as_str()))
    }
}

/// Which of those names are of weights in a format that is not read here.
pub fn other_formats<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let is_other = |name: &&str| OTHER_FORMATS.iter().any(|suffix| name.ends_with(suffix));
    names.into_iter().filter(is_other).collect()
}

/// Whether a text is the name of a file with that ending, and no path that leads elsewhere, here or on another system.
fn is_name_of(name: &str, suffix: &str) -> bool {
    let is_plain = |c: char| !matches!(c, '/' | '\\' | ':') && !c.is_control();
    name.len() <= MAX_NAME_LENGTH
        && name.chars().all(is_plain)
        && name.strip_suffix(suffix).is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.'))
}

impl From<JsonFileError> for WeightError {
    fn from(error: JsonFileError) -> Self {
        match error {
            JsonFileError::Unreadable { path, source } => WeightError::Io { path, source },
            JsonFileError::Malformed { path, reason } => {
                WeightError::Malformed { path, reason: format!("this is no JSON: {reason}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 16] = [
        "../a.safetensors",
        "..",
        ".",
        "",
        "/etc/passwd",
        "/a.safetensors",
        "sub/a.safetensors",
        "./a.safetensors",
        "..\\a.safetensors",
        "C:a.safetensors",
        "a\u{0}.safetensors",
        "a\n.safetensors",
        ".safetensors",
        "..safetensors",
        "config.json",
        "a.safetensors/",
    ];

    fn index(text: &str) -> Result<ShardIndex, WeightError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.safetensors.index.json");
        std::fs::write(&path, text).unwrap();
        ShardIndex::read(&path)
    }

    fn candidates(config: &Value) -> Result<Vec<WeightFile>, WeightError> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        WeightFile::candidates(directory.path())
    }

    #[test]
    fn an_index_names_each_shard_once() {
        let text = r#"{"metadata": {"total_size": NaN},
            "weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}}"#;
        let index = index(text).unwrap();
        assert_eq!(
            index.shards().into_iter().collect::<Vec<_>>(),
            ["1.safetensors", "2.safetensors"]
        );
    }

    #[test]
    fn an_index_does_not_lead_out_of_its_directory() {
        let long = format!("{}.safetensors", "a".repeat(300));
        for shard in HOSTILE.into_iter().chain([long.as_str()]) {
            let text = serde_json::json!({"weight_map": {"x": "a.safetensors", "y": shard}});
            let error = index(&text.to_string()).unwrap_err().to_string();
            assert!(error.contains("a shard is a file in the same directory"), "{error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn what_is_no_index_is_told() {
        for (text, expected) in [
            ("[]", "no object `weight_map`"),
            (r#"{"weight_map": ["a.safetensors"]}"#, "no object `weight_map`"),
            (r#"{"weight_map": {"x": NaN}}"#, "a shard is a file"),
            (r#"{"weight_map": {"x": 3}}"#, "the shard of \"x\" is 3"),
            (r#"{"weight_map": {}}"#, "lists no tensor"),
            ("no json", "no JSON"),
        ] {
            let error = index(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_config_may_name_the_file() {
        use serde_json::json;
        let usual = candidates(&json!({})).unwrap();
        let names: Vec<&str> = usual.iter().map(WeightFile::name).collect();
        assert_eq!(names, ["model.safetensors", "model.safetensors.index.json"]);
        assert_eq!(candidates(&json!({NAMED: null})).unwrap(), usual);
        let whole = candidates(&json!({NAMED: "b.safetensors"})).unwrap();
        assert_eq!(whole, [WeightFile::Whole("b.safetensors".to_string())]);
        let index = candidates(&json!({NAMED: "b.safetensors.index.json"})).unwrap();
        assert_eq!(index, [WeightFile::Index("b.safetensors.index.json".to_string())]);
        for hostile in HOSTILE {
            let error = candidates(&json!({NAMED: hostile})).unwrap_err().to_string();
            assert!(error.contains("config.json") && error.contains(NAMED), "{error}");
        }
    }
}
