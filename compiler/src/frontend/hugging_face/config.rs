//! [`Config`]: `config.json`, read key by key. A key that is missing or `null` has the default of `transformers`;
//! a value that makes no model is an error that says what is allowed.

use super::LoadError;
use crate::python_json;
use ocellus_dialects::venc::Activation;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The longest extract of a wrong value that an error shows.
const SHOWN: usize = 80;

/// An object of a config file.
#[derive(Clone, Debug)]
pub(super) struct Config {
    path: PathBuf,
    /// The keys that lead to this object: `vision_config.`, or nothing.
    within: String,
    object: Map<String, Value>,
    defaults: RefCell<Vec<String>>,
}

impl Config {
    /// Reads a file that holds one JSON object.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        match python_json::read_required(path)? {
            Value::Object(object) => Ok(Config::new(path, "", object)),
            other => Err(LoadError::Json { path: path.to_path_buf(), reason: shown(&other) }),
        }
    }

    /// The object that lies in `path`, under the keys `within`.
    pub fn new(path: &Path, within: &str, object: Map<String, Value>) -> Self {
        let (path, within) = (path.to_path_buf(), within.to_string());
        Config { path, within, object, defaults: RefCell::default() }
    }

    /// The object under `key`, where there is one.
    pub fn nested(&self, key: &str) -> Result<Option<Config>, LoadError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(object)) => {
                let within = format!("{}{key}.", self.within);
                Ok(Some(Config::new(&self.path, &within, object.clone())))
            }
            Some(_) => Err(self.wrong(key, "give an object")),
        }
    }

    /// An object under `key` that says nothing.
    pub fn empty(&self, key: &str) -> Config {
        Config::new(&self.path, &format!("{}{key}.", self.within), Map::new())
    }

    /// The value of a key, if it is there and not `null`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// A string, where there is one.
    pub fn text(&self, key: &str) -> Result<Option<&str>, LoadError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "give a string")),
        }
    }

    /// An integer in `range`.
    pub fn integer(
        &self,
        key: &str,
        default: i64,
        range: RangeInclusive<i64>,
    ) -> Result<i64, LoadError> {
        let Some(value) = self.get(key) else { return Ok(self.default(key, default)) };
        value.as_i64().filter(|value| range.contains(value)).ok_or_else(|| {
            self.wrong(key, format!("give an integer from {} to {}", range.start(), range.end()))
        })
    }

    /// A number in `range`.
    pub fn number(
        &self,
        key: &str,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> Result<f64, LoadError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_f64().filter(|value| range.contains(value)).ok_or_else(|| {
            self.wrong(key, format!("give a number from {} to {}", range.start(), range.end()))
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, LoadError> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "give true or false")),
        }
    }

    /// Two integers in `range`, downwards and across: `[h, w]`, or one for both.
    pub fn pair(
        &self,
        key: &str,
        default: i64,
        range: RangeInclusive<i64>,
    ) -> Result<(i64, i64), LoadError> {
        let Some(value) = self.get(key) else {
            let side = self.default(key, default);
            return Ok((side, side));
        };
        let side = |value: &Value| value.as_i64().filter(|side| range.contains(side));
        let pair = match value {
            Value::Array(sides) => match sides.as_slice() {
                [height, width] => side(height).zip(side(width)),
                _ => None,
            },
            both => side(both).map(|side| (side, side)),
        };
        pair.ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            self.wrong(
                key,
                format!("give an integer from {low} to {high}, or two of them in a list"),
            )
        })
    }

    /// An activation by its name in `transformers`.
    pub fn activation(&self, key: &str, default: Activation) -> Result<Activation, LoadError> {
        const NAMES: [(&str, Activation); 9] = [
            ("gelu", Activation::Gelu),
            ("gelu_python", Activation::Gelu),
            ("gelu_new", Activation::GeluTanh),
            ("gelu_pytorch_tanh", Activation::GeluTanh),
            ("quick_gelu", Activation::QuickGelu),
            ("relu", Activation::Relu),
            ("silu", Activation::Silu),
            ("swish", Activation::Silu),
            ("tanh", Activation::Tanh),
        ];
        let Some(name) = self.text(key)? else { return Ok(default) };
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, activation)| *activation).ok_or_else(|| {
            self.wrong(key, format!("give one of {}", NAMES.map(|(name, _)| name).join(", ")))
        })
    }

    /// Whether the checkpoint was saved from that class.
    pub fn is_architecture(&self, class: &str) -> bool {
        let classes = self.get("architectures").and_then(Value::as_array);
        classes.is_some_and(|classes| classes.iter().any(|name| name == class))
    }

    /// The error for a value that is not allowed.
    pub fn wrong(&self, key: &str, allowed: impl Into<String>) -> LoadError {
        LoadError::Value {
            path: self.path.clone(),
            key: format!("{}{key}", self.within),
            value: self.get(key).map_or("missing".to_string(), shown),
            allowed: allowed.into(),
        }
    }

    /// The keys that were asked for and are not there, each with the value that was taken instead.
    pub fn defaults(&self) -> Vec<String> {
        self.defaults.take()
    }

    fn default(&self, key: &str, value: i64) -> i64 {
        self.defaults.borrow_mut().push(format!("`{}{key}` = {value}", self.within));
        value
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
