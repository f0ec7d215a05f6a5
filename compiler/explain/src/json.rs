//! An explanation as JSON, and back.

use super::explanation::{Explanation, FORMAT};

/// An explanation that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExplanationError {
    /// It is no explanation.
    #[error("the explanation cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error("the explanation has format {0}, and this version of Ocellus reads format {FORMAT}")]
    Format(u64),
}

impl Explanation {
    /// JSON on one line.
    pub fn to_json(&self) -> Result<String, ExplanationError> {
        Ok(serde_json::to_string(self)?)
    }

    /// JSON for people.
    pub fn to_json_pretty(&self) -> Result<String, ExplanationError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub fn from_json(text: &str) -> Result<Explanation, ExplanationError> {
        let json: serde_json::Value = serde_json::from_str(text)?;
        match json.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format != u64::from(FORMAT) => Err(ExplanationError::Format(format)),
            _ => Ok(serde_json::from_value(json)?),
        }
    }
}
