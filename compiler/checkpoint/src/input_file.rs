//! Files that a checkpoint may or may not have: there, not there, or there and of no use.
//!
//! Only a file that is not there is absent. What is there and cannot be read is an error, so that no stale or default
//! value takes its place without a word.

use std::io;
use std::path::Path;

/// The length in bytes of the file at `path`; `None` where there is nothing.
///
/// # Errors
/// Something is there, and it is no regular file, or a link that leads nowhere, or the system does not say what it is.
pub(crate) fn length(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
        Ok(_) => Err(io::Error::other("this is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.symlink_metadata() {
            Ok(_) => Err(io::Error::other("this link leads to a file that is not there")),
            Err(_) => Ok(None),
        },
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(length(&at("nothing")).unwrap(), None);
        assert_eq!(length(&at("no-folder/nothing")).unwrap(), None);
        std::fs::write(at("file"), "four").unwrap();
        assert_eq!(length(&at("file")).unwrap(), Some(4));
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        assert_eq!(length(&at("link")).unwrap(), Some(4));

        std::os::unix::fs::symlink("nothing", at("dangling")).unwrap();
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for name in ["dangling", "circle", "folder", "file/inside"] {
            assert!(length(&at(name)).is_err(), "{name}");
        }
    }
}
