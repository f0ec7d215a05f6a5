//! [`Config`]: `config.json`, read key by key. A key that is missing has the default of `transformers`; a value that
//! makes no model, `null` among them, is an error that says what is allowed.

use super::{LoadError, activations, similar};
use ocellus_checkpoint::python_json;
use ocellus_dialects::venc::Activation;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest extract of a wrong value that an error shows.
const SHOWN: usize = 80;

/// The keys whose value no weight's name or shape confirms: a default that is wrong would give wrong features.
const UNCONFIRMED: [&str; 5] =
    ["num_attention_heads", "hidden_act", "pooler_act", "layer_norm_eps", "vision_config"];

/// An object of a config file.
#[derive(Clone, Debug)]
pub(super) struct Config {
    path: PathBuf,
    /// The keys that lead to this object: `vision_config.`, or nothing.
    within: String,
    object: Map<String, Value>,
    defaults: RefCell<Vec<String>>,
    /// What a user should know of a config that is not wrong; of the whole file.
    warnings: Rc<RefCell<Vec<String>>>,
}

impl Config {
    /// Reads a file that holds one JSON object.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        match python_json::read_required(path)? {
            Value::Object(object) => Ok(Config::new(path, object)),
            other => Err(LoadError::Json { path: path.to_path_buf(), reason: shown(&other) }),
        }
    }

    /// The object that is all of the file at `path`.
    pub fn new(path: &Path, object: Map<String, Value>) -> Self {
        Config {
            path: path.to_path_buf(),
            within: String::new(),
            object,
            defaults: RefCell::default(),
            warnings: Rc::default(),
        }
    }

    /// The object under `key`, where there is one.
    pub fn nested(&self, key: &str) -> Result<Option<Config>, LoadError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(self.under(key, object.clone()))),
            Some(_) => Err(self.wrong(key, "give an object")),
        }
    }

    /// The object that a missing `key` stands for: it says nothing, so that all in it has a default.
    pub fn empty(&self, key: &str) -> Config {
        self.note_default(key, "the default of its type");
        self.under(key, Map::new())
    }

    fn under(&self, key: &str, object: Map<String, Value>) -> Config {
        let within = format!("{}{key}.", self.within);
        Config { within, object, defaults: RefCell::default(), ..self.clone() }
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
        let allowed = format!("give an integer from {} to {}", range.start(), range.end());
        let Some(value) = self.given(key, &allowed)? else {
            return Ok(self.default(key, default));
        };
        let value = value.as_i64().filter(|value| range.contains(value));
        value.ok_or_else(|| self.wrong(key, allowed))
    }

    /// An integer in `range`; nothing where the key is missing, `null` or 0, which Python's `if` takes for false.
    pub fn integer_if_any(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, LoadError> {
        match self.get(key) {
            None => Ok(None),
            Some(zero) if zero.as_i64() == Some(0) => Ok(None),
            Some(_) => self.integer(key, 0, range).map(Some),
        }
    }

    /// A number in `range`.
    pub fn number(
        &self,
        key: &str,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> Result<f64, LoadError> {
        let allowed = format!("give a number from {} to {}", range.start(), range.end());
        let Some(value) = self.given(key, &allowed)? else {
            return Ok(self.default(key, default));
        };
        let value = value.as_f64().filter(|value| range.contains(value));
        value.ok_or_else(|| self.wrong(key, allowed))
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, LoadError> {
        match self.given(key, "give true or false")? {
            None => Ok(self.default(key, default)),
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
        let (low, high) = (range.start(), range.end());
        let allowed = format!("give an integer from {low} to {high}, or two of them in a list");
        let Some(value) = self.given(key, &allowed)? else {
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
        pair.ok_or_else(|| self.wrong(key, allowed))
    }

    /// An activation by its name in `transformers`, as the default is; `None` for the identity.
    pub fn activation(&self, key: &str, default: &str) -> Result<Option<Activation>, LoadError> {
        let name = match self.given(key, "give the name of an activation")? {
            None => {
                self.note_default(key, &format!("`{default}`"));
                default
            }
            Some(Value::String(name)) => name,
            Some(_) => return Err(self.wrong(key, "give a string")),
        };
        activations::named(name).map_err(|allowed| self.wrong(key, allowed))
    }

    /// Whether the checkpoint was saved from that class.
    pub fn is_architecture(&self, class: &str) -> bool {
        let classes = self.get("architectures").and_then(Value::as_array);
        classes.is_some_and(|classes| classes.iter().any(|name| name == class))
    }

    /// The error for a value that is not allowed.
    pub fn wrong(&self, key: &str, allowed: impl Into<String>) -> LoadError {
        let value = match (self.object.get(key), self.similar(key)) {
            (Some(value), _) => shown(value),
            (None, None) => "missing".to_string(),
            (None, Some(similar)) => format!("missing, but there is `{similar}`"),
        };
        let (path, key) = (self.path.clone(), format!("{}{key}", self.within));
        LoadError::Value { path, key, value, allowed: allowed.into() }
    }

    /// The keys that were asked for and are not there, each with the value that was taken instead.
    pub fn defaults(&self) -> Vec<String> {
        self.defaults.take()
    }

    /// What a user should know of the file, though it is not wrong.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    /// The value of a key, if it is there. Not even `transformers` makes a model of `null`.
    fn given(&self, key: &str, allowed: &str) -> Result<Option<&Value>, LoadError> {
        match self.object.get(key) {
            Some(Value::Null) => {
                let allowed = format!("{allowed}, or leave the key out to have the default");
                Err(self.wrong(key, allowed))
            }
            value => Ok(value),
        }
    }

    fn default<T: Clone + Into<Value>>(&self, key: &str, value: T) -> T {
        self.note_default(key, &value.clone().into().to_string());
        value
    }

    /// A default was taken for a missing key. Where weights confirm it, an error about weights will name it; where they do
    /// not, it is worth a warning if another key may have been meant for this one.
    fn note_default(&self, key: &str, value: &str) {
        let within = &self.within;
        let similar =
            self.similar(key).map(|similar| format!("`{within}{similar}`, which nothing reads"));
        match (UNCONFIRMED.contains(&key), similar) {
            (false, similar) => {
                let similar = similar.map(|similar| format!(", but {similar}")).unwrap_or_default();
                self.defaults.borrow_mut().push(format!("`{within}{key}` = {value}{similar}"));
            }
            (true, Some(similar)) => self.warnings.borrow_mut().push(format!(
                "{}: `{within}{key}` is missing, so {value} is taken, and no weight can confirm it; there is {similar}: \
                 rename it if it was meant",
                self.path.display()
            )),
            (true, None) => {}
        }
    }

    /// A key that may have been meant for `key`.
    fn similar(&self, key: &str) -> Option<&str> {
        self.object.keys().map(String::as_str).find(|other| similar::may_mean(other, key))
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
