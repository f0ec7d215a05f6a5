//! The subcommands, one file each.

pub mod doctor;

use crate::diagnostic::Diagnostic;

/// Compiles vision encoders ahead of time, for every image size in a range at once
#[derive(clap::Parser)]
#[command(name = "ocellus", version, max_term_width = 100, arg_required_else_help = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Doctor(doctor::Arguments),
}

impl CommandLine {
    /// Runs the subcommand.
    pub fn run(self) -> Result<(), Diagnostic> {
        match self.command {
            Command::Doctor(arguments) => doctor::run(&arguments),
        }
    }
}
