//! [`Output`]: where the result of a command goes, made sure of before the work is done.

use crate::new_file::NewFile;
use crate::pipe;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Room that is asked for at the start: a disk without so much is full.
const MIN_ROOM: u64 = 4096;

/// Folders in which the system shows a process its own open files, by number.
const OPEN_FILES: [&str; 3] = ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"];

/// A place for a result. What lies there stays until [`write`](Self::write) has all of the new.
pub struct Output {
    path: PathBuf,
    sink: Sink,
}

/// What two names of one file have in common: its disk and its number there.
#[cfg(unix)]
type Identity = (u64, u64);

/// What two names of one file have in common.
#[cfg(not(unix))]
type Identity = PathBuf;

enum Sink {
    /// A file that appears whole.
    File(NewFile),
    /// A pipe, a terminal or a device, open from the start: who reads it must not see it close before the result.
    Stream(File),
}

impl Output {
    /// Opens a path for a result. A pipe, a device, or a stream of this process such as `/dev/stdout` is written as it is;
    /// everything else becomes a file that appears whole, in the place of the one that is there.
    ///
    /// # Errors
    /// Where nothing can be written: a folder that is not there or may not be written, a full disk, another kind of
    /// thing in that place, or a pipe that nobody opens for reading within some seconds.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let sink = match open_stream(path)? {
            Some(stream) => Sink::Stream(stream),
            None => {
                let mut file = NewFile::create(path)?;
                file.reserve(MIN_ROOM)?;
                file.reserve(0)?;
                Sink::File(file)
            }
        };
        Ok(Output { path: path.to_path_buf(), sink })
    }

    /// The path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a stream, which must be written from its beginning to its end.
    pub fn is_stream(&self) -> bool {
        matches!(self.sink, Sink::Stream(_))
    }

    /// Makes sure that the result takes the place of none of those files, by whatever name or link it has them.
    ///
    /// # Errors
    /// Where it would.
    pub fn spare<P: AsRef<Path>>(&self, read: impl IntoIterator<Item = P>) -> std::io::Result<()> {
        let Some(own) = Self::identity(&self.path).filter(|_| !self.is_stream()) else {
            return Ok(());
        };
        match read.into_iter().find(|file| Self::identity(file.as_ref()).as_ref() == Some(&own)) {
            None => Ok(()),
            Some(file) => Err(Error::other(format!(
                "it is the file `{}`, which is read: give another",
                file.as_ref().display()
            ))),
        }
    }

    #[cfg(unix)]
    fn identity(path: &Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path).ok()?;
        Some((file.dev(), file.ino()))
    }

    #[cfg(not(unix))]
    fn identity(path: &Path) -> Option<Identity> {
        std::fs::canonicalize(path).ok()
    }

    /// Writes all of the result.
    ///
    /// # Errors
    /// What the system says. A reader of a pipe that has gone away is an error: it did not get the result.
    pub fn write(self, bytes: &[u8]) -> std::io::Result<()> {
        match self.sink {
            Sink::Stream(mut stream) => stream.write_all(bytes),
            Sink::File(mut file) => {
                file.file().write_all(bytes)?;
                file.put_in_place().map(drop)
            }
        }
    }
}

/// Writes a whole file, or all of a stream: see [`Output`].
///
/// # Errors
/// Those of [`Output::open`] and [`Output::write`].
pub fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    Output::open(path)?.write(bytes)
}

/// The stream that a path leads to; `None` where it leads to a file, or to nothing yet.
fn open_stream(path: &Path) -> std::io::Result<Option<File>> {
    if let Some(own) = own_stream(path)? {
        return Ok(Some(own));
    }
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(there) if there.is_file() => Ok(None),
        Ok(there) if is_disk(&there) => Err(Error::other("it is a disk: give a file")),
        Ok(_) => pipe::open_for_writing(path).map(Some),
        Err(_) => Ok(None),
    }
}

/// Standard output or standard error, where a path says it: as the process got it, at the place where it stands. To open
/// the file behind it anew would begin at its start, and to replace it would take it from who else writes it.
#[cfg(unix)]
fn own_stream(path: &Path) -> std::io::Result<Option<File>> {
    use std::os::fd::AsFd;
    let by_number = |path: &Path| {
        let folder = path.parent()?;
        let open_files = OPEN_FILES.iter().any(|open_files| folder == Path::new(open_files));
        path.file_name()?.to_str().filter(|_| open_files)?.parse::<u32>().ok()
    };
    // `/dev/stdout` is a link to the number.
    let linked = std::fs::read_link(path).unwrap_or_default();
    match by_number(path).or_else(|| by_number(&linked)) {
        Some(1) => std::io::stdout().as_fd().try_clone_to_owned().map(|fd| Some(fd.into())),
        Some(2) => std::io::stderr().as_fd().try_clone_to_owned().map(|fd| Some(fd.into())),
        // One of another number was opened by who started the process, to be written from its start.
        Some(_) => OpenOptions::new().write(true).open(path).map(Some),
        None => Ok(None),
    }
}

#[cfg(not(unix))]
fn own_stream(_: &Path) -> std::io::Result<Option<File>> {
    Ok(None)
}

#[cfg(unix)]
fn is_disk(there: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&there.file_type())
}

#[cfg(not(unix))]
fn is_disk(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn devices_stay_what_they_are() {
        write_file(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        let full = Output::open(Path::new("/dev/full")).unwrap();
        assert_eq!(full.write(b"x").unwrap_err().kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_that_is_read_is_known_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let [file, hard, soft, other] =
            ["file", "hard", "soft", "other"].map(|name| folder.path().join(name));
        std::fs::write(&file, "weights").unwrap();
        std::fs::hard_link(&file, &hard).unwrap();
        std::os::unix::fs::symlink(&file, &soft).unwrap();
        for name in [&file, &hard, &soft] {
            let error = Output::open(name).unwrap().spare([&other, &file]).unwrap_err().to_string();
            assert!(error.contains("file`, which is read"), "{error}");
        }
        Output::open(&other).unwrap().spare([&file, &hard, &soft]).unwrap();
        Output::open(Path::new("/dev/null")).unwrap().spare(["/dev/null"]).unwrap();
    }

    #[test]
    fn a_file_stays_until_all_of_the_new_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "old").unwrap();
        let output = Output::open(&path).unwrap();
        assert!(!output.is_stream());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        output.write(b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        drop(Output::open(&path).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
