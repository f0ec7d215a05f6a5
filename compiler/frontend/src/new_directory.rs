//! [`NewDirectory`]: a directory that appears whole or not at all.

use super::init_error::InitError;
use ocellus_runtime::unfinished::{Rights, Unfinished};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// A directory that is filled under a temporary name.
pub(super) struct NewDirectory {
    unfinished: Unfinished,
    /// Where its files lie under that name.
    files: PathBuf,
    place: Place,
}

/// What the temporary name becomes.
enum Place {
    /// A directory that is not there yet, the first of perhaps several: the others lie inside.
    Missing(PathBuf),
    /// A directory that is there, and empty. It stays, as it may be a mount, or have rights of its own: its files are
    /// moved into it.
    Empty(PathBuf),
}

impl NewDirectory {
    /// Begins the directory: where it is there, it must be empty.
    pub fn create(directory: &Path) -> std::result::Result<Self, InitError> {
        let io = |source| InitError::Io { path: directory.to_path_buf(), source };
        if directory.exists() {
            if std::fs::read_dir(directory).map_err(io)?.next().is_some() {
                return Err(InitError::NotEmpty(directory.to_path_buf()));
            }
            let unfinished = Unfinished::folder_in(directory, Rights::Default).map_err(io)?;
            let files = unfinished.path().to_path_buf();
            return Ok(NewDirectory { unfinished, files, place: Place::Empty(directory.into()) });
        }
        Self::missing(directory).map_err(io)
    }

    fn missing(directory: &Path) -> Result<Self> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let first = directory.ancestors().take_while(is_missing).last().unwrap_or(directory);
        let parent = first.parent().filter(|parent| !parent.as_os_str().is_empty());
        let unfinished = Unfinished::folder_in(parent.unwrap_or(Path::new(".")), Rights::Default)?;
        let inside = directory.strip_prefix(first).map_err(Error::other)?;
        let mut files = unfinished.path().to_path_buf();
        // One by one: where the process is being stopped the first is gone, and must not be made again.
        for name in inside {
            files.push(name);
            std::fs::create_dir(&files)?;
        }
        Ok(NewDirectory { unfinished, files, place: Place::Missing(first.into()) })
    }

    /// Where a file of it lies for now.
    pub fn path(&self, file: &str) -> PathBuf {
        self.files.join(file)
    }

    /// Makes sure that its disk has room for so many bytes.
    pub fn check_room(&self, bytes: u64) -> Result<()> {
        match ocellus_runtime::free_bytes(&self.files) {
            Some(free) if free < bytes => Err(Error::new(
                ErrorKind::StorageFull,
                format!(
                    "the weights need {} MB, and the disk has {} MB left",
                    bytes.div_ceil(1_000_000),
                    free / 1_000_000
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Gives it its name.
    pub fn put_in_place(self) -> Result<()> {
        match self.place {
            Place::Missing(path) => self.unfinished.put_in_place(&path),
            Place::Empty(path) => {
                for entry in std::fs::read_dir(&self.files)? {
                    let entry = entry?;
                    std::fs::rename(entry.path(), path.join(entry.file_name()))?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(directory: &Path) -> NewDirectory {
        let new = NewDirectory::create(directory).unwrap();
        std::fs::write(new.path("a"), "a").unwrap();
        std::fs::write(new.path("b"), "b").unwrap();
        new
    }

    fn entries(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn it_appears_with_all_the_directories_above_it_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("new/in/new");
        drop(fill(&deep));
        assert!(entries(folder.path()).is_empty());
        let new = fill(&deep);
        assert!(!folder.path().join("new").exists());
        new.put_in_place().unwrap();
        assert_eq!(entries(folder.path()), ["new"]);
        assert_eq!(entries(&deep), ["a", "b"]);
        assert!(matches!(NewDirectory::create(&deep), Err(InitError::NotEmpty(_))));
    }

    #[test]
    fn one_that_is_there_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        drop(fill(folder.path()));
        assert!(entries(folder.path()).is_empty());
        fill(folder.path()).put_in_place().unwrap();
        assert_eq!(entries(folder.path()), ["a", "b"]);
    }

    #[test]
    fn a_file_in_its_place_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for directory in [file.clone(), file.join("below")] {
            assert!(matches!(NewDirectory::create(&directory), Err(InitError::Io { .. })));
        }
    }

    #[test]
    fn room_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let new = NewDirectory::create(folder.path()).unwrap();
        new.check_room(1).unwrap();
        let error = new.check_room(u64::MAX).unwrap_err().to_string();
        assert!(error.contains("the disk has"), "{error}");
    }
}
