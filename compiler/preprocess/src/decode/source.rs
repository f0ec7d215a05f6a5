//! The bytes of an image, from a file or from a pipe, within limits.

use super::{Decoder, PreprocessError, decoder_for};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// As many bytes as are needed to know the format.
const BEGINNING_BYTES: u64 = 16;

/// All bytes, at most `max_bytes` of them, and the decoder that they are for. The file is opened once and read from its
/// beginning to its end, so that it may be a pipe.
///
/// # Errors
/// A file that cannot be read, that is no image (of which no more than the beginning is read), or that is too long (which
/// is said before it is read where its length is known).
pub(super) fn read(file: &Path, max_bytes: u64) -> Result<(Vec<u8>, Decoder), PreprocessError> {
    let unreadable = |source| PreprocessError::Unreadable { file: file.to_path_buf(), source };
    let too_long = || PreprocessError::FileTooLong { file: file.to_path_buf(), max_bytes };
    let mut opened = File::open(file).map_err(unreadable)?;
    let length = opened.metadata().map_err(unreadable)?.len();

    let mut bytes = Vec::new();
    opened.by_ref().take(BEGINNING_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    let decoder = decoder_for(&bytes)
        .ok_or_else(|| PreprocessError::NotAnImage { file: file.to_path_buf() })?;
    if length > max_bytes {
        return Err(too_long());
    }
    bytes
        .try_reserve(usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(|_| unreadable(io::ErrorKind::OutOfMemory.into()))?;
    let rest = max_bytes.saturating_sub(bytes.len() as u64).saturating_add(1);
    opened.take(rest).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max_bytes {
        return Err(too_long());
    }
    Ok((bytes, decoder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;

    const JPEG: [u8; 3] = [0xFF, 0xD8, 0xFF];

    fn pipe_with(bytes: Vec<u8>) -> (io::PipeReader, PathBuf) {
        let (reader, mut writer) = io::pipe().unwrap();
        // A reader that has seen enough closes the pipe, and what is left cannot be written.
        std::thread::spawn(move || drop(writer.write_all(&bytes)));
        let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
        (reader, path)
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let image = [&JPEG[..], &[7; 300_000]].concat();
        let (_reader, path) = pipe_with(image.clone());
        assert_eq!(read(&path, 1 << 20).unwrap().0, image);
    }

    #[test]
    fn a_pipe_is_read_no_further_than_the_limit() {
        let (_reader, path) = pipe_with([&JPEG[..], &[7; 300_000]].concat());
        let error = read(&path, 100_000).unwrap_err();
        assert!(matches!(error, PreprocessError::FileTooLong { max_bytes: 100_000, .. }));
    }

    #[test]
    fn a_file_of_absurd_length_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.jpg");
        let mut file = File::create(&path).unwrap();
        file.write_all(&[0xFF, 0xD8, 0xFF]).unwrap();
        file.set_len(1 << 42).unwrap();
        let error = read(&path, super::super::MAX_FILE_BYTES).unwrap_err();
        assert!(error.to_string().ends_with(
            "has more than 1431655760 bytes, which no image of a size that is taken needs"
        ));
    }

    #[test]
    fn what_is_no_image_is_known_by_its_beginning() {
        let (_reader, path) = pipe_with(vec![7; 300_000]);
        assert!(matches!(read(&path, 100), Err(PreprocessError::NotAnImage { .. })));
        assert!(matches!(
            read(Path::new("/dev/zero"), 100),
            Err(PreprocessError::NotAnImage { .. })
        ));
    }

    #[test]
    fn a_folder_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path(), 100), Err(PreprocessError::Unreadable { .. })));
    }
}
