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
use diagnostic::Diagnostic;
use ocellus_runtime::terminal::say;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match commands::CommandLine::try_parse() {
        Ok(command_line) => command_line.run(),
        Err(no_command) if no_command.use_stderr() => {
            // As with every message, nobody has to read it.
            let _ = no_command.print();
            return ExitCode::from(Diagnostic::USAGE);
        }
        Err(help_or_version) => output::help(&help_or_version),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostic) => {
            say(&diagnostic);
            ExitCode::from(diagnostic.exit_code)
        }
    }
}
