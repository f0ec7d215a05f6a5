//! Named pipes as inputs and outputs. To open one waits for the other end, for ever if need be: here for some seconds.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Cursor, Error, ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the other end of a pipe may take to be opened. Once it is, it may take as long as it likes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a pipe is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(20);

/// Opens a file, a pipe or a device to be read once, from its beginning.
///
/// # Errors
/// What the system says; for a pipe also that nothing writes to it.
pub fn open_for_reading(path: &Path) -> std::io::Result<impl Read> {
    open_for_reading_within(path, PATIENCE)
}

fn open_for_reading_within(path: &Path, patience: Duration) -> std::io::Result<impl Read> {
    let mut file = open_without_waiting(path)?;
    let mut first = vec![];
    if is_pipe(&file.metadata()?) {
        let writer = wait(patience, || first_byte(&mut file));
        first = writer.unwrap_or_else(|| Err(no_other_end("writes to", patience)))?;
    }
    wait_from_now_on(&file)?;
    Ok(Cursor::new(first).chain(file))
}

/// The text of a file, a pipe or a device that has at most so many bytes.
///
/// # Errors
/// As [`open_for_reading`]; also that there is more, as in what never ends, or that it is no text.
pub fn read_text(path: &Path, most_bytes: u64) -> std::io::Result<String> {
    let mut bytes = vec![];
    open_for_reading(path)?.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        let what = format!("it is longer than {most_bytes} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, what));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is no UTF-8 text"))
}

/// Opens a file that will be mapped or read out of order.
///
/// # Errors
/// What the system says; also that it is no regular file, without waiting for anything.
pub fn open_regular(path: &Path) -> std::io::Result<File> {
    let file = open_without_waiting(path)?;
    let what = match file.metadata()?.file_type() {
        kind if kind.is_file() => return Ok(file),
        kind if kind.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        _ => "it is a pipe or a device, and is read out of order: write it to a file first",
    };
    Err(Error::other(what))
}

/// Opens a pipe or a device to be written.
///
/// # Errors
/// What the system says; for a pipe also that nothing reads from it.
pub fn open_for_writing(path: &Path) -> std::io::Result<File> {
    open_for_writing_within(path, PATIENCE)
}

fn open_for_writing_within(path: &Path, patience: Duration) -> std::io::Result<File> {
    if !is_pipe(&std::fs::metadata(path)?) {
        return OpenOptions::new().write(true).open(path);
    }
    let reader = wait(patience, || match open_to_write_without_waiting(path) {
        Err(error) if is_no_reader(&error) => None,
        outcome => Some(outcome),
    });
    let file = reader.unwrap_or_else(|| Err(no_other_end("reads from", patience)))?;
    wait_from_now_on(&file)?;
    Ok(file)
}

/// What `look` finds first; `None` where it finds nothing for too long.
fn wait<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        match look() {
            None if start.elapsed() < patience => std::thread::sleep(GLANCE),
            found => return found,
        }
    }
}

/// The first byte of a pipe, or none where its writer has nothing yet; `None` where there is no writer.
fn first_byte(pipe: &mut File) -> Option<std::io::Result<Vec<u8>>> {
    let mut byte = [0];
    match pipe.read(&mut byte) {
        Ok(0) => None,
        Ok(_) => Some(Ok(byte.to_vec())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(Ok(vec![])),
        Err(error) => Some(Err(error)),
    }
}

fn no_other_end(does: &str, patience: Duration) -> Error {
    let what = format!("nothing {does} this pipe (waited {patience:?})");
    Error::new(ErrorKind::TimedOut, what)
}

#[cfg(target_os = "linux")]
mod system {
    use super::*;
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::io::Errno;
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

    fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed())
    }

    pub fn open_without_waiting(path: &Path) -> std::io::Result<File> {
        without_waiting(OpenOptions::new().read(true)).open(path)
    }

    pub fn open_to_write_without_waiting(path: &Path) -> std::io::Result<File> {
        without_waiting(OpenOptions::new().write(true)).open(path)
    }

    pub fn wait_from_now_on(file: &File) -> std::io::Result<()> {
        Ok(fcntl_setfl(file, fcntl_getfl(file)? - OFlags::NONBLOCK)?)
    }

    pub fn is_pipe(file: &Metadata) -> bool {
        file.file_type().is_fifo()
    }

    pub fn is_no_reader(error: &Error) -> bool {
        Errno::from_io_error(error) == Some(Errno::NXIO)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::*;

    pub fn open_without_waiting(path: &Path) -> std::io::Result<File> {
        File::open(path)
    }

    pub fn open_to_write_without_waiting(path: &Path) -> std::io::Result<File> {
        OpenOptions::new().write(true).open(path)
    }

    pub fn wait_from_now_on(_: &File) -> std::io::Result<()> {
        Ok(())
    }

    pub fn is_pipe(_: &Metadata) -> bool {
        false
    }

    pub fn is_no_reader(_: &Error) -> bool {
        false
    }
}

use system::{
    is_no_reader, is_pipe, open_to_write_without_waiting, open_without_waiting, wait_from_now_on,
};

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::Command;

    fn pipe() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        (folder, path)
    }

    #[test]
    fn a_pipe_is_read_and_written_whoever_comes_first() {
        let (_folder, path) = pipe();
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                let mut pipe = open_for_writing(&path).unwrap();
                // A writer may take its time once it is there.
                std::thread::sleep(Duration::from_millis(100));
                pipe.write_all(b"all of it").unwrap();
            })
        };
        let mut text = String::new();
        open_for_reading(&path).unwrap().read_to_string(&mut text).unwrap();
        writer.join().unwrap();
        assert_eq!(text, "all of it");
    }

    #[test]
    fn a_pipe_without_another_end_is_no_trap() {
        let (_folder, path) = pipe();
        let error = open_regular(&path).unwrap_err().to_string();
        assert!(error.contains("it is a pipe or a device"), "{error}");
        let patience = Duration::from_millis(50);
        let error = open_for_writing_within(&path, patience).unwrap_err().to_string();
        assert_eq!(error, "nothing reads from this pipe (waited 50ms)");
        let error = open_for_reading_within(&path, patience).map(drop).unwrap_err().to_string();
        assert_eq!(error, "nothing writes to this pipe (waited 50ms)");
    }

    #[test]
    fn files_are_read_as_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "text").unwrap();
        let mut text = String::new();
        open_for_reading(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        assert_eq!(read_text(&path, 4).unwrap(), "text");
        assert_eq!(read_text(&path, 3).unwrap_err().to_string(), "it is longer than 3 bytes");
        assert!(read_text(Path::new("/dev/zero"), 1 << 20).is_err());
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path, 3).unwrap_err().to_string(), "it is no UTF-8 text");
        assert!(open_regular(&path).is_ok());
        assert_eq!(open_regular(folder.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
    }
}
