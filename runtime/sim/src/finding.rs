//! What is found wrong with a kernel while it runs.

use std::fmt;

/// What kind of fault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Problem {
    /// Two threads of a block use the same shared memory, one of them writes, and nothing orders them.
    SharedRace,
    /// Two threads use the same global memory within a launch, one of them writes, and nothing orders them.
    GlobalRace,
    /// Something is read that was never written.
    Uninitialized,
    /// An address lies outside of everything that may be used.
    OutOfBounds,
    /// An address is no multiple of what the access needs.
    Misaligned,
    /// A barrier that not all threads reach which it waits for.
    DivergentBarrier,
    /// An instruction of the whole warp that not all of its lanes execute.
    DivergentWarp,
    /// No thread of the block can go on.
    Deadlock,
    /// Memory is used while an asynchronous copy to or from it has not been waited for.
    PendingCopy,
    /// Memory is used that the launch before may still use, before `griddepcontrol.wait`.
    UnfinishedLaunch,
    /// A value is taken from a lane that does not take part.
    InactiveLane,
    /// The kernel gave up by `trap`.
    Trap,
    /// More instructions than were allowed.
    Budget,
}

impl Problem {
    /// The fault, in a few words.
    pub fn text(self) -> &'static str {
        match self {
            Problem::SharedRace => "data race on shared memory",
            Problem::GlobalRace => "data race on global memory",
            Problem::Uninitialized => "read of what was never written",
            Problem::OutOfBounds => "access out of bounds",
            Problem::Misaligned => "misaligned access",
            Problem::DivergentBarrier => "divergent barrier",
            Problem::DivergentWarp => "divergent warp",
            Problem::Deadlock => "deadlock",
            Problem::PendingCopy => "use of a copy that was not waited for",
            Problem::UnfinishedLaunch => "use of what the launch before has not finished",
            Problem::InactiveLane => "value of a lane that does not take part",
            Problem::Trap => "trap",
            Problem::Budget => "too many instructions",
        }
    }
}

/// A place in a kernel's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The line of the module's text.
    pub line: u32,
    /// What stands there.
    pub source: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.source)
    }
}

/// A fault, and where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What kind of fault.
    pub problem: Problem,
    /// The kernel.
    pub kernel: String,
    /// The block.
    pub block: [u32; 3],
    /// The thread in its block.
    pub thread: [u32; 3],
    /// Where in the text.
    pub place: Place,
    /// What is wrong, in words.
    pub detail: String,
    /// The other thread's part of it, where there is one.
    pub other: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([bx, by, bz], [x, y, z]) = (self.block, self.thread);
        write!(
            f,
            "{}: {}\n  in kernel `{}`, block ({bx}, {by}, {bz}), thread ({x}, {y}, {z})\n  {}",
            self.problem.text(),
            self.detail,
            self.kernel,
            self.place
        )?;
        match &self.other {
            Some(other) => write!(f, "\n  {other}"),
            None => Ok(()),
        }
    }
}
