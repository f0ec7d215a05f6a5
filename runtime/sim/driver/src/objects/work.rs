//! [`Work`]: what a stream does, one thing after another, and a node of a graph does.

use crate::handles::Handle;
use ocellus_sim::{Globals, Kernel};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// What is done when its turn comes. To have another is cheap.
#[derive(Clone)]
pub(crate) enum Work {
    /// It is a place in the order of a stream, or of a graph.
    Nothing,
    /// An event: when this is done.
    Record(Arc<OnceLock<Instant>>),
    Launch(Arc<Launch>),
    /// From the host to the device.
    Upload {
        to: u64,
        from: Source,
        bytes: usize,
    },
    /// From the device to the host.
    Download {
        to: usize,
        from: u64,
        bytes: usize,
    },
    /// Within the device.
    Copy {
        to: u64,
        from: u64,
        bytes: usize,
    },
    Fill(Fill),
    Call(HostCall),
    Free(u64),
    Graph(Arc<Schedule>),
}

/// Where the host's bytes are.
#[derive(Clone)]
pub(crate) enum Source {
    /// They were taken when the copy was asked for, as a driver does with memory that may be paged out.
    Taken(Arc<[u8]>),
    /// They are read when the copy is done.
    Host(usize),
}

/// A kernel on a grid.
#[derive(Clone)]
pub(crate) struct Launch {
    pub function: Handle,
    pub kernel: Kernel,
    pub globals: Arc<Globals>,
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    pub parameters: Vec<u8>,
    /// Whether it may begin before the launch before it has ended.
    pub is_programmatic: bool,
}

/// Rows of elements that all become the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub to: u64,
    /// Bytes from one row to the next.
    pub pitch: u64,
    /// Bytes of an element: one, two or four.
    pub element: u32,
    pub value: u32,
    /// Elements of a row.
    pub width: u64,
    pub height: u64,
}

impl Fill {
    /// The bytes from the first to the last of all rows; nothing where they are more than can be.
    pub(crate) fn span(&self) -> Option<u64> {
        let row = self.width.checked_mul(u64::from(self.element))?;
        match self.height {
            0 => Some(0),
            height => self.pitch.checked_mul(height - 1)?.checked_add(row),
        }
    }
}

/// A function of the program and what it is called with.
#[derive(Clone, Copy)]
pub(crate) struct HostCall {
    pub function: unsafe extern "C" fn(usize),
    pub data: usize,
}

/// What a graph does, each behind what it waits for.
pub(crate) struct Schedule {
    pub steps: Vec<Step>,
}

/// A node, as it runs.
pub(crate) struct Step {
    pub work: Work,
    /// The launch among the steps, by its place, that need not have ended when this one begins.
    pub overlaps: Option<usize>,
    /// Whether a later step overlaps it.
    pub is_overlapped: bool,
}

fn range(address: usize, bytes: usize) -> Range<usize> {
    address..address.saturating_add(bytes)
}

impl Work {
    /// Which bytes of the host it reads, when it is done.
    pub(crate) fn host_reads(&self) -> Vec<Range<usize>> {
        match self {
            Work::Upload { from: Source::Host(address), bytes, .. } => {
                Vec::from([range(*address, *bytes)])
            }
            Work::Graph(schedule) => {
                schedule.steps.iter().flat_map(|step| step.work.host_reads()).collect()
            }
            Work::Nothing
            | Work::Record(_)
            | Work::Launch(_)
            | Work::Upload { .. }
            | Work::Download { .. }
            | Work::Copy { .. }
            | Work::Fill(_)
            | Work::Call(_)
            | Work::Free(_) => vec![],
        }
    }

    /// Which bytes of the host it writes.
    pub(crate) fn host_writes(&self) -> Vec<Range<usize>> {
        match self {
            Work::Download { to, bytes, .. } => Vec::from([range(*to, *bytes)]),
            Work::Graph(schedule) => {
                schedule.steps.iter().flat_map(|step| step.work.host_writes()).collect()
            }
            Work::Nothing
            | Work::Record(_)
            | Work::Launch(_)
            | Work::Upload { .. }
            | Work::Copy { .. }
            | Work::Fill(_)
            | Work::Call(_)
            | Work::Free(_) => vec![],
        }
    }

    /// Whether it calls the program, of which nobody knows what it reads.
    pub(crate) fn calls_host(&self) -> bool {
        match self {
            Work::Call(_) => true,
            Work::Graph(schedule) => schedule.steps.iter().any(|step| step.work.calls_host()),
            Work::Nothing
            | Work::Record(_)
            | Work::Launch(_)
            | Work::Upload { .. }
            | Work::Download { .. }
            | Work::Copy { .. }
            | Work::Fill(_)
            | Work::Free(_) => false,
        }
    }
}
