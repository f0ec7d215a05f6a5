//! JSON as Python writes and reads it: the configs and indexes of checkpoints.
//!
//! Python's `json` takes more than the standard does. It writes `NaN`, `Infinity` and `-Infinity`, reads a number
//! beyond any float as infinite, and keeps half of a surrogate pair in a string. Such a value most often stands under
//! a key that nobody reads, and does not keep a file from being read. Here a number that is none becomes the *string*
//! of that name, which no reader takes for a number, and which can be written as JSON again. In all else Python is as
//! strict as the standard, and so are we; of two equal keys the last counts for both.

use crate::input_file;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes. Indexes of the largest checkpoints have a few megabytes.
const LONGEST: u64 = 1 << 28;

/// A file that is there, and from which no JSON can be had.
#[derive(Debug, thiserror::Error)]
pub enum JsonFileError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error("{path}: this is no JSON: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        reason: String,
    },
}

/// The value in a file; `None` where there is no such file.
pub fn read(path: &Path) -> Result<Option<Value>, JsonFileError> {
    let unreadable = |source| JsonFileError::Unreadable { path: path.to_path_buf(), source };
    let malformed = |reason| JsonFileError::Malformed { path: path.to_path_buf(), reason };
    let Some(length) = input_file::length(path).map_err(unreadable)? else { return Ok(None) };
    if length > LONGEST {
        return Err(malformed(format!("it has {length} bytes, and at most {LONGEST} are read")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
    parse(&text).map(Some).map_err(malformed)
}

/// The value in a file that has to be there.
pub fn read_required(path: &Path) -> Result<Value, JsonFileError> {
    read(path)?.ok_or_else(|| {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "No such file or directory");
        JsonFileError::Unreadable { path: path.to_path_buf(), source }
    })
}

/// The value of a text, or what is wrong with it.
pub fn parse(text: &str) -> Result<Value, String> {
    if text.starts_with('\u{feff}') {
        return Err("it begins with a byte order mark: save it as UTF-8 without one".to_string());
    }
    serde_json::from_str(text).or_else(|error: serde_json::Error| match standard(text) {
        Some(standard) => serde_json::from_str(&standard).map_err(|error| error.to_string()),
        None => Err(error.to_string()),
    })
}

/// The text in standard JSON; `None` where nothing in it is Python's own.
fn standard(text: &str) -> Option<String> {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' => rest.split_at(end_of_string(rest)),
            '-' | '0'..='9' | 'A'..='Z' => {
                let in_number = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
                rest.split_at(rest.find(|c| !in_number(c)).unwrap_or(rest.len()))
            }
            _ => rest.split_at(first.len_utf8()),
        };
        match first {
            '"' => whole_surrogates(token, &mut written),
            _ => match name_of_no_number(token) {
                // As a key it would be an error for Python too.
                Some(name) if !after.trim_start().starts_with(':') => {
                    written.extend(["\"", name, "\""]);
                }
                _ => written.push_str(token),
            },
        }
        rest = after;
    }
    (written != text).then_some(written)
}

/// What a number that no float holds is called.
fn name_of_no_number(token: &str) -> Option<&'static str> {
    match token {
        "NaN" => Some("NaN"),
        "Infinity" => Some("Infinity"),
        "-Infinity" => Some("-Infinity"),
        _ => {
            // What is ignored is checked all the same, and never computed.
            let is_number = token.starts_with(|c: char| c == '-' || c.is_ascii_digit())
                && serde_json::from_str::<IgnoredAny>(token).is_ok();
            match token.parse::<f64>() {
                Ok(value) if is_number && value == f64::INFINITY => Some("Infinity"),
                Ok(value) if is_number && value == f64::NEG_INFINITY => Some("-Infinity"),
                _ => None,
            }
        }
    }
}

/// Where the string that a text begins with ends, behind its closing quote; the text's end where it has none.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (position, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return position + 1,
            _ => {}
        }
    }
    text.len()
}

/// Writes a string with U+FFFD for each half of a surrogate pair that stands alone.
fn whole_surrogates(string: &str, written: &mut String) {
    let mut rest = string;
    while let Some(position) = rest.find('\\') {
        let (before, escape) = rest.split_at(position);
        written.push_str(before);
        let (length, is_alone) = match (code_unit(escape), escape.get(6..).and_then(code_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
            (Some(0xd800..=0xdfff), _) => (6, true),
            // The escaped character may have more than one byte where the escape is wrong.
            _ => (escape.chars().take(2).map(char::len_utf8).sum(), false),
        };
        let (escape, after) = escape.split_at(length);
        written.push_str(if is_alone { "\\ufffd" } else { escape });
        rest = after;
    }
    written.push_str(rest);
}

/// The number of the escape `\uXXXX` that a text begins with.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.chars().all(|c| c.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn numbers_that_are_none_become_their_names() {
        let text =
            r#"{"a": NaN, "b": [Infinity, -Infinity], "c": {"d":1e999,"e":-1e999}, "f": "NaN"}"#;
        let value = json!({"a": "NaN", "b": ["Infinity", "-Infinity"],
            "c": {"d": "Infinity", "e": "-Infinity"}, "f": "NaN"});
        assert_eq!(parse(text).unwrap(), value);
        assert_eq!(parse("NaN").unwrap(), json!("NaN"));
        let digits = "9".repeat(400);
        assert_eq!(parse(&format!("[-{digits}, 1]")).unwrap(), json!(["-Infinity", 1]));
    }

    #[test]
    fn strings_are_left_alone_but_for_halves_of_pairs() {
        let text =
            r#"[NaN, "NaN \" Infinity", "\\ud83d", "\ud83d\ude00", "\ud83d!", "\ude00\ud83d"]"#;
        let value = json!([
            "NaN",
            "NaN \" Infinity",
            "\\ud83d",
            "\u{1f600}",
            "\u{fffd}!",
            "\u{fffd}\u{fffd}"
        ]);
        assert_eq!(parse(text).unwrap(), value);
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(parse(r#"{"a": 1, "b": 2, "a": NaN}"#).unwrap(), json!({"a": "NaN", "b": 2}));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        let refused = [
            "{NaN: 1}",
            "[nan]",
            "[inf]",
            "[-NaN]",
            "[+Infinity]",
            "[01]",
            "[1.]",
            "[.5]",
            "[1.e999]",
            "[0x1]",
            "[1,]",
            "{\"a\": 1,}",
            "['a']",
            "[\"a\nb\"]",
            "[NaN] 1",
            "[NaN",
            "\"\\ud83",
            "[\"\\é NaN\"]",
            "// a\n1",
            "",
            "[NaN, x]",
            "[NaNNaN]",
            "[Infinity1]",
        ];
        for text in refused {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("\u{feff}{}").unwrap_err().contains("byte order mark"));
    }

    #[test]
    fn a_file_is_absent_only_where_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        assert!(read(&file).unwrap().is_none());
        let error = read_required(&file).unwrap_err().to_string();
        assert!(error.ends_with("config.json: No such file or directory"), "{error}");
        std::fs::write(&file, b"{\"a\": \"\xff\"}").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains("utf-8"), "{error}");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(read(&file), Err(JsonFileError::Malformed { .. })));
        assert!(matches!(read(folder.path()), Err(JsonFileError::Unreadable { .. })));
        std::fs::File::create(&file).unwrap().set_len(LONGEST + 1).unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("at most"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in r#"[\[\]{}:," \\ud83NaInfity\-1e9é]{0,40}"#) {
            let ours = parse(&text);
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(ours.unwrap(), value);
            }
        }
    }
}
