//! Standard output, which carries a command's product and nothing else.

use crate::diagnostic::Diagnostic;
use std::io::{ErrorKind, Write};

/// Prints text. A reader that has gone away (`ocellus explain | head`) is no error.
pub fn print(text: &str) -> Result<(), Diagnostic> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(|error| Diagnostic::from(error).within("standard output")),
    }
}
