//! The `ocellus` command.

mod artifact_options;
mod commands;
mod compilation;
mod diagnostic;
mod hub;
mod inputs;
mod options;
mod output;
mod plan_sizes;
mod processor;
mod progress;
mod range;
mod subject;
mod timing;

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
