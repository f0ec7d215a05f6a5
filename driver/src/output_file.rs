//! [`OutputFile`]: a file that appears whole or not at all.

use crate::diagnostic::{Diagnostic, Explained};
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file to be written once the work is done. Opening it before the work makes a bad path fail at once.
pub struct OutputFile {
    path: PathBuf,
    destination: Destination,
}

enum Destination {
    /// A file beside the path, which takes its name in the end.
    Beside(NamedTempFile),
    /// A pipe or a device: there is nothing to replace.
    Special(std::fs::File),
}

impl OutputFile {
    /// Makes sure that a file can be written at the path. Nothing is seen there yet.
    pub fn create(path: &Path) -> Result<Self, Diagnostic> {
        let destination = Self::open(path).map_err(|error| {
            Diagnostic::new(format!("the output cannot be written: {error}"))
                .within(path.display())
                .help("give a path in a folder that exists and is writable")
        })?;
        Ok(OutputFile { path: path.to_path_buf(), destination })
    }

    fn open(path: &Path) -> std::io::Result<Destination> {
        if path.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        if path.exists() && !path.is_file() {
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            return Ok(Destination::Special(file));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        tempfile::Builder::new()
            .prefix(".ocellus-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map(Destination::Beside)
    }

    /// Writes the bytes and gives the file its name.
    pub fn write(self, bytes: &[u8]) -> Result<(), Diagnostic> {
        let written = match self.destination {
            Destination::Special(mut file) => file.write_all(bytes),
            Destination::Beside(mut file) => file
                .write_all(bytes)
                .and_then(|()| file.persist(&self.path).map(|_| ()).map_err(|error| error.error)),
        };
        written.within(self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_seen_before_all_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bin");
        std::fs::write(&path, b"old").unwrap();
        let file = OutputFile::create(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        file.write(b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        drop(OutputFile::create(&path).unwrap());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "a temporary file is left"
        );
    }

    #[test]
    fn a_bad_path_fails_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("missing/out.bin"), folder.path().to_path_buf()] {
            let error = OutputFile::create(&path).err().unwrap().to_string();
            assert!(error.contains("the output cannot be written"), "{error}");
        }
        OutputFile::create(Path::new("/dev/null")).unwrap().write(b"gone").unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
