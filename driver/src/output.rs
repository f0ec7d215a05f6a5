//! Where a command's product goes: standard output, or a file that appears whole or not at all.

use crate::diagnostic::Diagnostic;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Prints text. A reader that has gone away (`ocellus explain | head`) is no error.
pub fn print(text: &str) -> Result<(), Diagnostic> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(|error| Diagnostic::from(error).within("standard output")),
    }
}

/// Makes sure, before any work is done, that a file can be put at `path`. What lies there stays as it is.
pub fn check_writable(path: &Path) -> Result<(), Diagnostic> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let outcome = if path.is_dir() {
        Err(ErrorKind::IsADirectory.into())
    } else if path.exists() && !path.is_file() {
        // A device or a pipe is written as it is.
        OpenOptions::new().write(true).open(path).map(|_| ())
    } else {
        tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(|_| ())
    };
    outcome.map_err(|error| {
        Diagnostic::new(format!("the output cannot be written: {error}"))
            .within(path.display())
            .help("give a path in a folder that exists and is writable")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_path_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.bin");
        check_writable(&file).unwrap();
        assert!(!file.exists());
        check_writable(Path::new("/dev/null")).unwrap();
        for path in [&folder.path().join("missing/out.bin"), folder.path()] {
            let error = check_writable(path).unwrap_err().to_string();
            assert!(error.contains("the output cannot be written"), "{error}");
        }
    }
}
