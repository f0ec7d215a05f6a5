//! [`NewFile`]: a file that appears whole or not at all.
//!
//! Where the system has files without a name (`O_TMPFILE`), it gets one when it is whole, and a process that is killed
//! leaves nothing behind. Elsewhere it has a temporary name beside its place.

use crate::unfinished::{Rights, Unfinished};
use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// A file on its way to a path.
pub struct NewFile {
    file: File,
    /// `None` where the system has files without a name.
    name: Option<Unfinished>,
    path: PathBuf,
}

impl NewFile {
    /// A file that will replace the one at `path`; the one that it links to, where it is a link.
    ///
    /// # Errors
    /// Where no file can be put there: another kind of thing is there, or a file that its owner protected from writing,
    /// or the folder is not there or cannot be written.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Self::create_by(path, nameless)
    }

    fn create_by(
        path: &Path,
        nameless: impl Fn(&Path) -> std::io::Result<Option<File>>,
    ) -> std::io::Result<Self> {
        let path = follow_links(path)?;
        if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(Error::new(ErrorKind::InvalidInput, "it names no file"));
        }
        match std::fs::metadata(&path) {
            Ok(there) => check_replaceable(&path, &there)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // A name that is too long, or a folder on the way to it that may not be searched.
            Err(error) => return Err(error),
        }
        let folder = folder_of(&path);
        if !folder.is_dir() {
            let what = format!("there is no folder `{}`", folder.display());
            return Err(Error::new(ErrorKind::NotFound, what));
        }
        if let Some(file) = nameless(folder)? {
            return Ok(NewFile { file, name: None, path });
        }
        let (name, file) = Unfinished::file_in(folder, Rights::Default)?;
        Ok(NewFile { file, name: Some(name), path })
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Makes the file that long, of zeros, and takes the room for it on the disk now, where the file system can.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn reserve(&mut self, bytes: u64) -> std::io::Result<()> {
        self.file.set_len(bytes)?;
        #[cfg(target_os = "linux")]
        if bytes > 0 {
            use rustix::{fs::FallocateFlags, fs::fallocate, io::Errno};
            match fallocate(&self.file, FallocateFlags::empty(), 0, bytes) {
                // A disk that fills up is then found when the bytes are written.
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::NODEV) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Moves the file to its place, once its bytes are safe. It has the owner and the rights of the one that it replaces.
    pub fn put_in_place(self) -> std::io::Result<File> {
        self.file.sync_all()?;
        #[cfg(unix)]
        if let Ok(replaced) = std::fs::metadata(&self.path) {
            take_after(&self.file, &replaced)?;
        }
        match self.name {
            Some(name) => name.put_in_place(&self.path)?,
            #[cfg(target_os = "linux")]
            None => crate::unfinished::name_file(&self.file, &self.path, folder_of(&self.path))?,
            #[cfg(not(target_os = "linux"))]
            None => return Err(ErrorKind::Unsupported.into()),
        }
        Ok(self.file)
    }
}

/// How many bytes this process may still write to the disk of that folder; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// This system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// A file without a name in that folder; `None` where there are none.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> std::io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::io::Errno;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match open(folder, flags, Mode::from_raw_mode(0o666)).map(File::from) {
        // It gets its name through `/proc`.
        Ok(file) => Ok(crate::unfinished::nameless_path(&file).exists().then_some(file)),
        // What file systems and kernels say that have no such files.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> std::io::Result<Option<File>> {
    Ok(None)
}

/// Where a path leads, whether something is there or not.
fn follow_links(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::other("the link leads in a circle"))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn check_replaceable(path: &Path, there: &Metadata) -> std::io::Result<()> {
    if there.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    // To move a file onto a device would replace the device.
    if !there.is_file() {
        return Err(Error::other("it is no regular file"));
    }
    // Moving a file onto it would succeed all the same, but its owner does not want it changed.
    #[cfg(target_os = "linux")]
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?;
    #[cfg(not(target_os = "linux"))]
    let _ = path;
    Ok(())
}

/// Gives a file the owner and the rights of another, as far as this process may.
#[cfg(unix)]
fn take_after(file: &File, other: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = file.metadata()?;
    let mut mode = other.mode() & 0o777;
    if own.uid() != other.uid() {
        // Only root may give files away.
        let _ = fchown(file, Some(other.uid()), None);
    }
    if own.gid() != other.gid() && fchown(file, None, Some(other.gid())).is_err() {
        // What the old group may do is not for the new one: it may do what everyone may.
        mode = (mode & 0o707) | ((mode & 0o007) << 3);
    }
    // Some file systems have no rights to change.
    let _ = file.set_permissions(std::fs::Permissions::from_mode(mode));
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Without a name, and with one.
    fn both_ways(test: impl Fn(&dyn Fn(&Path) -> std::io::Result<NewFile>)) {
        test(&NewFile::create);
        test(&|path| NewFile::create_by(path, |_| Ok(None)));
    }

    #[test]
    fn it_appears_when_it_is_whole_with_the_rights_of_what_it_replaces() {
        both_ways(|create| {
            let folder = tempfile::tempdir().unwrap();
            let (path, other) = (folder.path().join("file"), folder.path().join("other"));
            let mut new = create(&path).unwrap();
            new.file().write_all(b"one").unwrap();
            assert!(!path.exists());
            new.put_in_place().unwrap();
            File::create(&other).unwrap();
            assert_eq!(mode(&path), mode(&other), "a new file has the rights of any new file");

            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            let mut new = create(&path).unwrap();
            new.file().write_all(b"two").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"one");
            new.put_in_place().unwrap();
            assert_eq!((std::fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o640));
            drop(create(&path).unwrap());
            assert_eq!(entries(folder.path()), 2);
        });
    }

    #[test]
    fn links_stay_what_they_are_even_where_they_lead_to_nothing() {
        both_ways(|create| {
            let folder = tempfile::tempdir().unwrap();
            let (file, link) = (folder.path().join("file"), folder.path().join("link"));
            std::os::unix::fs::symlink("file", &link).unwrap();
            for _ in 0..2 {
                let mut new = create(&link).unwrap();
                new.file().write_all(b"new").unwrap();
                new.put_in_place().unwrap();
                assert_eq!(std::fs::read(&file).unwrap(), b"new");
                assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
            }
            let circle = folder.path().join("circle");
            std::os::unix::fs::symlink("circle", &circle).unwrap();
            let error = create(&circle).err().unwrap().to_string();
            assert_eq!(error, "the link leads in a circle");
        });
    }

    #[test]
    fn what_cannot_be_replaced_is_told_before_anything_is_written() {
        both_ways(|create| {
            let folder = tempfile::tempdir().unwrap();
            let error = |path: &Path| create(path).err().unwrap().to_string();
            assert_eq!(error(Path::new("/dev/null")), "it is no regular file");
            let missing = folder.path().join("missing");
            let expected = format!("there is no folder `{}`", missing.display());
            assert_eq!(error(&missing.join("file")), expected);
            assert_eq!(create(folder.path()).err().unwrap().kind(), ErrorKind::IsADirectory);
            for nameless in [PathBuf::new(), folder.path().join("new/")] {
                assert_eq!(error(&nameless), "it names no file");
            }
            let long = folder.path().join("x".repeat(300));
            assert_eq!(create(&long).err().unwrap().kind(), ErrorKind::InvalidFilename);
        });
    }

    #[test]
    fn reserved_room_is_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut new = NewFile::create(&path).unwrap();
        new.reserve(5000).unwrap();
        new.put_in_place().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [0; 5000]);
    }
}
