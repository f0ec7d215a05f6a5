//! [`Unfinished`]: a file or a folder under a temporary name, which is gone again if it never gets its own.
//!
//! A value that goes out of scope removes what it stands for. A process that is told to stop (Ctrl-C, `kill`, a terminal
//! that is closed) drops no values, so there is a list of what to remove then: see [`remove_when_stopped`].

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io::Error;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{TempDir, TempPath};

/// How temporary names begin.
const PREFIX: &str = ".ocellus-";

/// What is under a temporary name now. Names are made, and given up, only by who holds the lock.
static NAMES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Who may see it.
#[derive(Clone, Copy, Debug)]
pub enum Rights {
    /// As for any other file or folder that the user makes: the umask says.
    Default,
    /// Its user alone: what is run, or is gone before long.
    Private,
}

/// A file or a folder under a temporary name.
pub struct Unfinished {
    /// `None` once it has its own name.
    name: Option<TemporaryName>,
}

/// Removes what it names when it is dropped.
enum TemporaryName {
    File(TempPath),
    Folder(TempDir),
}

impl Unfinished {
    /// A new file in `folder`, open to be read and written.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn file_in(folder: &Path, rights: Rights) -> std::io::Result<(Self, File)> {
        let mut names = lock();
        let (file, path) = builder(rights, 0o666).tempfile_in(folder)?.into_parts();
        Ok((Self::listed(&mut names, TemporaryName::File(path)), file))
    }

    /// A new folder in `folder`.
    ///
    /// # Errors
    /// As [`file_in`](Self::file_in).
    pub fn folder_in(folder: &Path, rights: Rights) -> std::io::Result<Self> {
        let mut names = lock();
        let folder = builder(rights, 0o777).tempdir_in(folder)?;
        Ok(Self::listed(&mut names, TemporaryName::Folder(folder)))
    }

    fn listed(names: &mut BTreeSet<PathBuf>, name: TemporaryName) -> Self {
        names.insert(name.path().to_path_buf());
        Unfinished { name: Some(name) }
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        self.name.as_ref().map_or(Path::new(""), TemporaryName::path)
    }

    /// Gives it its own name. A file replaces the file of that name, a folder an empty folder.
    ///
    /// # Errors
    /// What the system says; then it is removed.
    pub fn put_in_place(mut self, path: &Path) -> std::io::Result<()> {
        let mut names = lock();
        let Some(name) = self.name.take() else { return Ok(()) };
        names.remove(name.path());
        match name {
            TemporaryName::File(file) => file.persist(path).map_err(|error| error.error),
            TemporaryName::Folder(folder) => {
                std::fs::rename(folder.path(), path)?;
                // There is nothing left under the old name to remove.
                let _ = folder.keep();
                Ok(())
            }
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut names = lock();
        if let Some(name) = self.name.take() {
            names.remove(name.path());
        }
    }
}

impl TemporaryName {
    fn path(&self) -> &Path {
        match self {
            TemporaryName::File(path) => path,
            TemporaryName::Folder(folder) => folder.path(),
        }
    }
}

/// Gives a file that has no name the name `path`, in the place of the file that has it.
///
/// No call replaces a name by a nameless file, so where the name is taken there is a temporary one for a moment.
#[cfg(target_os = "linux")]
pub(crate) fn name_file(file: &File, path: &Path, folder: &Path) -> std::io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    let nameless = nameless_path(file);
    let link = |name: &Path| {
        linkat(CWD, &nameless, CWD, name, AtFlags::SYMLINK_FOLLOW).map_err(Error::from)
    };
    // Held so that a process that is told to stop finishes this first.
    let _names = lock();
    match link(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let linked = builder(Rights::Default, 0o666).make_in(folder, link)?;
            linked.persist(path).map(drop).map_err(|error| error.error)
        }
        outcome => outcome,
    }
}

/// How the system calls an open file, whether it has a name or not. It needs `/proc`.
#[cfg(target_os = "linux")]
pub(crate) fn nameless_path(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// What is private is so by itself; from `mode`, the system takes what the umask says.
fn builder(rights: Rights, mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    if let Rights::Default = rights {
        builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode));
    }
    builder
}

fn lock() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is unfinished when the process is told to stop, which it then does. For the `main` of a command: in a
/// library it would take signals from its user.
///
/// A file that outgrows the process's limit (`ulimit -f`) is an error from then on, and not a signal.
#[cfg(unix)]
pub fn remove_when_stopped() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::{iterator::Signals, low_level};
    // Who starts a command with `nohup`, or in the background, has it ignore some of these; that stays so.
    let stopping = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    // Without the list, a process that is stopped leaves a file behind: no reason not to start.
    let Ok(mut signals) = Signals::new(stopping) else { return };
    let watch = move || {
        for signal in signals.forever() {
            // Never let go, so that nothing is begun any more.
            let names = lock();
            names.iter().for_each(|path| remove(path));
            let _ = low_level::emulate_default_handler(signal);
        }
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(watch);
    // SAFETY: to ignore a signal runs no code of ours.
    unsafe { libc::signal(SIGXFSZ, libc::SIG_IGN) };
}

/// Removes a file, or a folder into which other threads still write. They would put files into it while it is emptied,
/// so it takes another name first, under which nobody looks for it: what is late was begun before.
#[cfg(unix)]
fn remove(path: &Path) {
    const TRIES: usize = 10;
    let aside = path.with_extension("removed");
    let path = std::fs::rename(path, &aside).map_or(path, |()| &aside);
    for _ in 0..TRIES {
        let removed = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
        if !matches!(&removed, Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty)
        {
            break;
        }
    }
}

/// There are no such signals here.
#[cfg(not(unix))]
pub fn remove_when_stopped() {}

#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut now = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call changes nothing, and `now` has room for the old one; all of it is numbers,
    // for which zero is a value.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_gets_no_name_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let (file, _) = Unfinished::file_in(place.path(), Rights::Private).unwrap();
        let folder = Unfinished::folder_in(place.path(), Rights::Private).unwrap();
        std::fs::write(folder.path().join("part"), "part").unwrap();
        assert_eq!(names_in(place.path()).len(), 2);
        assert!(lock().contains(file.path()) && lock().contains(folder.path()));
        let paths = [file.path().to_path_buf(), folder.path().to_path_buf()];
        drop((file, folder));
        assert!(names_in(place.path()).is_empty());
        assert!(!paths.iter().any(|path| lock().contains(path)));
    }

    /// Until the folder is gone, and no file can be made in it any more.
    #[test]
    #[cfg(unix)]
    fn a_folder_into_which_threads_write_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = Unfinished::folder_in(place.path(), Rights::Private).unwrap();
        let write = |thread: usize| {
            let path = |file: usize| folder.path().join(format!("{thread}-{file}"));
            (0..).all(|file| std::fs::write(path(file), "part").is_ok())
        };
        std::thread::scope(|scope| {
            (0..3).for_each(|thread| drop(scope.spawn(move || write(thread))));
            while names_in(folder.path()).len() < 100 {}
            remove(folder.path());
        });
        assert!(names_in(place.path()).is_empty());
    }

    #[test]
    fn what_gets_its_name_stays() {
        let place = tempfile::tempdir().unwrap();
        let (file, mut open) = Unfinished::file_in(place.path(), Rights::Default).unwrap();
        std::io::Write::write_all(&mut open, b"new").unwrap();
        std::fs::write(place.path().join("a"), "old").unwrap();
        file.put_in_place(&place.path().join("a")).unwrap();
        assert_eq!(std::fs::read(place.path().join("a")).unwrap(), b"new");
        let folder = Unfinished::folder_in(place.path(), Rights::Default).unwrap();
        folder.put_in_place(&place.path().join("b")).unwrap();
        assert!(place.path().join("b").is_dir());
        assert_eq!(names_in(place.path()).len(), 2);
    }

    #[test]
    fn a_name_that_is_taken_by_a_full_folder_is_an_error_that_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let taken = place.path().join("taken");
        std::fs::create_dir_all(taken.join("full")).unwrap();
        let folder = Unfinished::folder_in(place.path(), Rights::Default).unwrap();
        folder.put_in_place(&taken).unwrap_err();
        let (file, _) = Unfinished::file_in(place.path(), Rights::Default).unwrap();
        file.put_in_place(&taken).unwrap_err();
        assert_eq!(names_in(place.path()), ["taken"]);
    }
}
