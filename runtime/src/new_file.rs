//! Files that appear whole or not at all: written beside their place, then moved there.

use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

/// A temporary file in the folder of `path`.
pub fn create_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ocellus-");
    // As any other file that the user makes, not as a secret.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Moves a file that [`create_beside`] made to its place, once its bytes are safe.
pub fn put_in_place(file: NamedTempFile, path: &Path) -> std::io::Result<std::fs::File> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)
}

/// Writes a whole file.
pub fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = create_beside(path)?;
    file.write_all(bytes)?;
    put_in_place(file, path)?;
    Ok(())
}
