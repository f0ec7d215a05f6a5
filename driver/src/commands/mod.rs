//! The subcommands, one file each.

pub mod bench;
pub mod calibrate;
pub mod compile;
pub mod doctor;
pub mod explain;
pub mod init;
pub mod opt;
pub mod run;
pub mod verify;

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
    Compile(compile::Arguments),
    Run(run::Arguments),
    Verify(verify::Arguments),
    Bench(bench::Arguments),
    Calibrate(calibrate::Arguments),
    Explain(explain::Arguments),
    Opt(opt::Arguments),
    Init(init::Arguments),
    Doctor(doctor::Arguments),
}

impl CommandLine {
    /// Runs the subcommand.
    pub fn run(self) -> Result<(), Diagnostic> {
        match self.command {
            Command::Compile(arguments) => compile::run(&arguments),
            Command::Run(arguments) => run::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Bench(arguments) => bench::run(&arguments),
            Command::Calibrate(arguments) => calibrate::run(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Opt(arguments) => opt::run(&arguments),
            Command::Init(arguments) => init::run(&arguments),
            Command::Doctor(arguments) => doctor::run(&arguments),
        }
    }
}
