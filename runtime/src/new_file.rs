//! Files that appear whole or not at all: written beside their place, then moved there.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A temporary file on its way to a path.
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// A temporary file in the folder of `path`; of the file that it links to, where it is a link.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            // To move a file onto a device would replace the device.
            Ok(there) if !there.is_file() => return Err(Error::other("it is no regular file")),
            _ => {}
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ocellus-");
        // As any other file that the user makes, not as a secret.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(NewFile { file: builder.tempfile_in(folder)?, path })
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Moves the file to its place, once its bytes are safe.
    pub fn put_in_place(self) -> std::io::Result<File> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|error| error.error)
    }
}

/// Writes a whole file. A pipe or a device, such as `/dev/stdout`, is written to as it is.
pub fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let mut new = NewFile::create(path)?;
    new.file().write_all(bytes)?;
    new.put_in_place()?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());

        write_file(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        let error = NewFile::create(Path::new("/dev/null")).err().unwrap();
        assert_eq!(error.to_string(), "it is no regular file");
    }
}
