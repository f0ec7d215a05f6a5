//! [`ProcessorConfig`]: which of a checkpoint's files says how its images are preprocessed.
//!
//! Since version 5 `transformers` writes all processors of a model into `processor_config.json`, that of images under
//! `image_processor`; before, an image processor had `preprocessor_config.json` to itself. Where both are there, the
//! old one may be stale, and `transformers` takes the new one. All that asks how images are preprocessed asks here: the
//! preprocessor itself, the range that follows from it, and what is attached to an artifact.

use super::PreprocessError;
use ocellus_checkpoint::python_json;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

const NEW: &str = "processor_config.json";
const OLD: &str = "preprocessor_config.json";
const NESTED: &str = "image_processor";
const MODEL: &str = "config.json";

/// The key that names a processor's class, and that of the time when processors were called feature extractors.
pub(super) const CLASS: [&str; 2] = ["image_processor_type", "feature_extractor_type"];

/// The key by which a model's type stands in for a class that nothing names.
pub(super) const MODEL_TYPE: &str = "model_type";

/// What a checkpoint's files say of its image processor.
#[derive(Clone, Debug)]
pub struct ProcessorConfig {
    /// The file that says it.
    pub(super) file: PathBuf,
    /// What leads to the keys in that file: `image_processor.`, or nothing.
    pub(super) within: &'static str,
    pub(super) keys: Map<String, Value>,
}

impl ProcessorConfig {
    /// The files of a checkpoint that say how images are preprocessed: where it has none of them, it has no
    /// preprocessor.
    pub const FILES: [&str; 2] = [NEW, OLD];

    /// The config in a checkpoint's directory; `None` where no file there has one.
    ///
    /// Where the config names no class, `config.json` decides, as in `transformers`: by its own `image_processor_type`,
    /// or by its `model_type`.
    ///
    /// # Errors
    /// A file that is there and cannot be read, or is not what it should be.
    pub fn load(directory: &Path) -> Result<Option<Self>, PreprocessError> {
        let Some(mut config) = ProcessorConfig::find(directory)? else { return Ok(None) };
        if !CLASS.into_iter().any(|key| config.has(key)) {
            config.take_class_from(read(&directory.join(MODEL))?.unwrap_or_default());
        }
        Ok(Some(config))
    }

    /// The config as an artifact carries it. `file` is for messages.
    pub fn from_json(text: &str, file: &Path) -> Result<Self, PreprocessError> {
        let value = python_json::parse(text).map_err(|reason| not_json(file, reason))?;
        let keys = object(value, file)?;
        Ok(ProcessorConfig { file: file.to_path_buf(), within: "", keys })
    }

    /// The config as an artifact carries it: complete, whatever file it came from.
    pub fn into_json(self) -> Value {
        Value::Object(self.keys)
    }

    fn find(directory: &Path) -> Result<Option<Self>, PreprocessError> {
        let file = directory.join(NEW);
        match read(&file)?.and_then(|mut processors| processors.remove(NESTED)) {
            Some(Value::Object(keys)) => {
                return Ok(Some(ProcessorConfig { file, within: "image_processor.", keys }));
            }
            // Such a file is of the time when it had the keys of processors of text alone.
            None | Some(Value::Null) => {}
            Some(other) => {
                let problem = format!("is {other}; it must be an object");
                return Err(PreprocessError::Config { file, key: NESTED.to_string(), problem });
            }
        }
        let file = directory.join(OLD);
        Ok(read(&file)?.map(|keys| ProcessorConfig { file, within: "", keys }))
    }

    fn has(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|value| !value.is_null())
    }

    fn take_class_from(&mut self, mut model: Map<String, Value>) {
        for key in [CLASS[0], MODEL_TYPE] {
            if let Some(value) = model.remove(key).filter(|value| !value.is_null()) {
                self.keys.insert(key.to_string(), value);
                return;
            }
        }
    }
}

/// The object in a file; `None` where there is no such file.
fn read(file: &Path) -> Result<Option<Map<String, Value>>, PreprocessError> {
    python_json::read(file)?.map(|value| object(value, file)).transpose()
}

fn object(value: Value, file: &Path) -> Result<Map<String, Value>, PreprocessError> {
    match value {
        Value::Object(keys) => Ok(keys),
        _ => Err(not_json(file, "it holds another kind of value".to_string())),
    }
}

fn not_json(file: &Path, reason: String) -> PreprocessError {
    PreprocessError::NotJson { file: file.to_path_buf(), reason }
}
