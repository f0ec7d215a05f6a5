//! `ocellus init`: a model directory of a published architecture, with random weights.

use crate::diagnostic::Diagnostic;
use crate::output;
use ocellus::hf::init::{self, InitError};
use ocellus::runtime::terminal::say;
use std::path::PathBuf;

/// Make a model directory with a published architecture's config and random weights
#[derive(clap::Args)]
pub struct Arguments {
    /// The architecture, such as siglip-base-patch16-224
    #[arg(value_name = "FAMILY", required_unless_present = "list")]
    architecture: Option<String>,

    /// A new or empty directory
    #[arg(value_name = "DIR", required_unless_present = "list")]
    directory: Option<PathBuf>,

    /// Print the architectures that there are
    #[arg(long, exclusive = true)]
    list: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Diagnostic> {
    let (Some(architecture), Some(directory)) = (&arguments.architecture, &arguments.directory)
    else {
        return output::print(&(init::architectures()?.join("\n") + "\n"));
    };
    init::init(architecture, directory).map_err(|error| match error {
        InitError::Unknown { .. } => {
            Diagnostic::from(error).help("`ocellus init --list` prints the architectures")
        }
        other => Diagnostic::from(other).help("give a new or empty directory on a disk with room"),
    })?;
    say(format_args!("made {} in {}", architecture, directory.display()));
    Ok(())
}
