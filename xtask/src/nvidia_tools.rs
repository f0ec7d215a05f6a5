//! NVIDIA's assembler and disassembler, by which tests see what becomes of PTX. They come as packages for Python, into a
//! folder of the build.

use crate::process::{find_program, run, workspace_root};
use crate::terminal::say;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

const PROGRAMS: [&str; 2] = ["ptxas", "nvdisasm"];

/// What brings them, in the versions that the figures of the tests are from.
const PACKAGES: [&str; 2] = ["nvidia-cuda-nvcc==13.0.88", "nvidia-cuda-nvdisasm==13.5.37"];

/// Installs them where they are neither on the search path nor installed already. Without them their tests are skipped.
pub fn setup() {
    let is_there =
        |program: &&str| find_program(program).is_some() || binaries().join(program).is_file();
    if PROGRAMS.iter().all(is_there) {
        return;
    }
    let mut pip = Command::new("pip3");
    pip.args(["install", "--quiet", "--no-deps", "--upgrade", "--target"]).arg(folder());
    if let Err(message) = run(pip.args(PACKAGES)) {
        say(format_args!(
            "warning: {message}\nNVIDIA's assembler is missing: the tests that need it are skipped"
        ));
    }
}

/// The search path, with them at its end.
pub fn search_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain([binaries()]);
    std::env::join_paths(all).unwrap_or(path)
}

fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace_root().join(target).join("nvidia")
}

fn binaries() -> PathBuf {
    folder().join("nvidia/cu13/bin")
}
