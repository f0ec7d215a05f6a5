//! The `ocellus` command.

mod artifact_options;
mod bounded;
mod commands;
mod compilation;
mod diagnostic;
mod files_read;
mod hub;
mod inputs;
mod options;
mod output;
mod progress;
mod range;
mod run_options;
mod subject;
mod timing;

use clap::Parser;
use diagnostic::Diagnostic;
use ocellus::runtime::terminal::say;
use ocellus::runtime::unfinished::remove_when_stopped;
use std::process::ExitCode;

fn main() -> ExitCode {
    remove_when_stopped();
    let outcome = match commands::CommandLine::try_parse() {
        Ok(command_line) => command_line.run(),
        Err(no_command) if no_command.use_stderr() => {
            // Without its colors: it tells of arguments, which may be names of files that somebody else made.
            say(no_command.render().to_string().trim_end());
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
