//! Links objects into a shared object that imports nothing.

use crate::CodegenError;
use ocellus_runtime::unfinished::{Rights, Unfinished};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

/// Linkers, the best first, each with its arguments before the files.
const LINKERS: [(&str, &[&str]); 4] = [
    ("/usr/lib/llvm-22/bin/ld.lld", &["-shared", "--no-undefined", "--build-id=none"]),
    ("ld.lld", &["-shared", "--no-undefined", "--build-id=none"]),
    ("cc", &["-shared", "-nostdlib", "-Wl,--no-undefined", "-Wl,--build-id=none"]),
    ("ld", &["-shared", "--no-undefined", "--build-id=none"]),
];

/// The linker that a compilation on this machine uses; `None` where there is none.
pub fn find_linker() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    LINKERS.iter().find_map(|(linker, _)| {
        // A folder joined with an absolute path is that path.
        std::env::split_paths(&path).map(|folder| folder.join(linker)).find(|file| file.is_file())
    })
}

/// The shared object with the objects' code.
pub(crate) fn shared_object(objects: &[Vec<u8>]) -> Result<Vec<u8>, CodegenError> {
    let directory = Unfinished::folder_in(&std::env::temp_dir(), Rights::Private)?;
    let output = directory.path().join("kernels.so");
    let mut inputs = vec![];
    for (position, object) in objects.iter().enumerate() {
        let input = directory.path().join(format!("kernels{position}.o"));
        std::fs::write(&input, object)?;
        inputs.push(input);
    }
    for (linker, arguments) in LINKERS {
        let run =
            Command::new(linker).args(arguments).args(&inputs).arg("-o").arg(&output).output();
        match run {
            Ok(run) if run.status.success() => return Ok(std::fs::read(&output)?),
            Ok(run) => {
                let message = String::from_utf8_lossy(&run.stderr).trim().to_string();
                return Err(CodegenError::Link { linker: linker.to_string(), message });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let tried = LINKERS.map(|(linker, _)| linker).join(", ");
    Err(CodegenError::NoLinker { tried })
}
