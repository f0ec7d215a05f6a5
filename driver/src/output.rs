//! Where a command's result goes: standard output, or a path that is made sure of before the work.

use crate::diagnostic::Diagnostic;
use ocellus::runtime::{Output, terminal};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Prints text for people.
pub fn print(text: &str) -> Result<(), Diagnostic> {
    terminal::print(text).map_err(unprintable)
}

/// Prints text for programs: a program, a file of rates.
pub fn print_exactly(text: &str) -> Result<(), Diagnostic> {
    terminal::print_exactly(text).map_err(unprintable)
}

/// Prints JSON, for programs and for people.
pub fn print_json(json: &str) -> Result<(), Diagnostic> {
    terminal::print_exactly(&visible_json(json)).map_err(unprintable)
}

/// Prints the help or the version that was asked for.
pub fn help(text: &clap::Error) -> Result<(), Diagnostic> {
    let printed = text.print().and_then(|()| std::io::stdout().flush());
    terminal::heard(printed).map_err(unprintable)
}

fn unprintable(error: std::io::Error) -> Diagnostic {
    Diagnostic::from(error).within("standard output")
}

/// The same JSON with every control character escaped, those too that JSON would allow. They occur in strings alone.
fn visible_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1);
    for character in json.chars() {
        if terminal::is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(character);
        }
    }
    text.push('\n');
    text
}

/// Opens the place for a result before any work is done. What lies there stays until all of the new one is written.
pub fn open(path: &Path) -> Result<Output, Diagnostic> {
    Output::open(path).map_err(|error| unwritable(path, error))
}

/// Makes sure that a result takes the place of no file that the command reads.
pub fn spare(output: &Output, read: &[PathBuf]) -> Result<(), Diagnostic> {
    output.spare(read).map_err(|error| unwritable(output.path(), error))
}

/// Writes a result to its place.
pub fn write(output: Output, bytes: &[u8]) -> Result<(), Diagnostic> {
    let path = output.path().to_path_buf();
    output.write(bytes).map_err(|error| unwritable(&path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Diagnostic {
    Diagnostic::new(format!("the output cannot be written: {error}"))
        .within(path.display())
        .help("give another path, in a folder that exists and is writable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_what_it_says() {
        let said = serde_json::json!({ "name": "a\u{9b}2J\u{202e}\u{e0041}\u{7f}\u{1b}\n" });
        let text = visible_json(&said.to_string());
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), said);
    }

    #[test]
    fn a_bad_path_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.bin");
        drop(open(&file).unwrap());
        assert!(!file.exists());
        open(Path::new("/dev/null")).unwrap();
        for path in [&folder.path().join("missing/out.bin"), folder.path()] {
            let error = open(path).err().unwrap().to_string();
            assert!(error.contains("the output cannot be written"), "{error}");
        }
    }
}
