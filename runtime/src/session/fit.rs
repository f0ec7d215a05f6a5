//! Whether the launches of a plan fit the kernels, as far as can be said before sizes are known: as many arguments as the
//! kernel reads, addresses where it takes addresses, and what it writes is the session's own.

use crate::signature::{Access, Signature, Word};
use ocellus_dialects::plan::{LaunchArgument, Place, Plan, Schedule};

/// A launch that does not fit its kernel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("program {program}, launch {launch}, kernel `{kernel}`: {problem}")]
pub struct UnfitLaunch {
    /// Which program.
    pub program: usize,
    /// Which of its launches.
    pub launch: usize,
    /// The kernel.
    pub kernel: String,
    /// What does not fit.
    pub problem: UnfitArguments,
}

/// What does not fit in the arguments of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitArguments {
    /// Too few or too many.
    #[error("it takes {expected} arguments, and is given {found}")]
    Count {
        /// How many it is given.
        found: usize,
        /// How many it takes.
        expected: usize,
    },
    /// A number where an address should be.
    #[error("argument {0} is a number, and should be an address")]
    NoAddress(usize),
    /// An address where a number should be.
    #[error("argument {0} is an address, and should be a number")]
    NoNumber(usize),
    /// An input or a weight that would be written.
    #[error(
        "it would write to argument {0}, which is an input or a weight, and these are only lent"
    )]
    WritesWhatIsLent(usize),
}

/// Checks the launches of all programs of a valid plan.
pub fn check_launches(plan: &Plan, signatures: &[Signature]) -> Result<(), UnfitLaunch> {
    for (program, launches) in plan.programs.iter().map(|program| &program.launches).enumerate() {
        for (position, launch) in launches.iter().enumerate() {
            for Schedule { kernel, .. } in launch.schedules() {
                check_arguments(&launch.arguments, &signatures[*kernel].words).map_err(
                    |problem| UnfitLaunch {
                        program,
                        launch: position,
                        kernel: plan.kernels[*kernel].symbol.clone(),
                        problem,
                    },
                )?;
            }
        }
    }
    Ok(())
}

fn check_arguments(arguments: &[LaunchArgument], words: &[Word]) -> Result<(), UnfitArguments> {
    if arguments.len() != words.len() {
        return Err(UnfitArguments::Count { found: arguments.len(), expected: words.len() });
    }
    for (position, pair) in arguments.iter().zip(words).enumerate() {
        match pair {
            (LaunchArgument::Integer(_), Word::Count { .. } | Word::Distance) => {}
            (LaunchArgument::Integer(_), Word::Pointer(_)) => {
                return Err(UnfitArguments::NoAddress(position));
            }
            (LaunchArgument::Address { .. }, Word::Count { .. } | Word::Distance) => {
                return Err(UnfitArguments::NoNumber(position));
            }
            (LaunchArgument::Address { place, .. }, Word::Pointer(pointer)) => {
                let is_lent = matches!(place, Place::Input(_) | Place::Weight(_));
                if is_lent && pointer.access == Access::Write {
                    return Err(UnfitArguments::WritesWhatIsLent(position));
                }
            }
        }
    }
    Ok(())
}
