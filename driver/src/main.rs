//! The `ocellus` command.

mod commands;
mod diagnostic;
mod hub;
mod output;
mod output_file;
mod progress;
mod range;
mod tensor_file;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::CommandLine::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostic) => {
            eprintln!("{diagnostic}");
            ExitCode::from(diagnostic.exit_code)
        }
    }
}
