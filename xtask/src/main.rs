//! Set-up and repository chores, run as `cargo xtask CHORE`.
//!
//! This crate builds on a machine that has a Rust toolchain and nothing else, because it is what installs the rest: of others
//! it uses a parser of Rust (`tidy` reads the sources by it), which is written in Rust and needs nothing either.

mod chores;
mod gpu_check;
mod nvidia_tools;
mod packages;
mod process;
mod setup;
mod terminal;
mod tidy;

use std::path::Path;
use std::process::ExitCode;
use terminal::{print, say};

const USAGE: &str = "\
Usage: cargo xtask <CHORE>

  setup      install what the build needs and this machine lacks (LLVM and MLIR 22, by apt)
  tidy       whether the repository's structure is what ARCHITECTURE.md says
  test       setup, a browser and NVIDIA's assembler where there are none, then every test of the workspace
  demo       setup, a release build, then a whole encoder from its config to the features of an image
  gpu-check FOLDER
             setup, a release build, then a folder with all that a machine with a GPU needs to check this version
             and to measure it; where this machine has one, that is done
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["setup"] => setup::setup(),
        ["tidy"] => tidy::tidy(),
        ["test", ref rest @ ..] => setup::setup().and_then(|()| {
            setup::setup_tests();
            nvidia_tools::setup();
            chores::test(rest)
        }),
        ["demo"] => setup::setup().and_then(|()| chores::demo()),
        ["gpu-check", folder] => {
            setup::setup().and_then(|()| gpu_check::gpu_check(Path::new(folder)))
        }
        ["help" | "--help" | "-h"] => {
            print(USAGE);
            Ok(())
        }
        _ => {
            say(USAGE.trim_end());
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(format_args!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}
