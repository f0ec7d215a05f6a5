//! What a chore says. That nobody can read it, as where a pipe is closed, changes nothing.

use std::fmt::Display;
use std::io::Write;

/// Says a line on standard error.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints text on standard output.
pub fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
