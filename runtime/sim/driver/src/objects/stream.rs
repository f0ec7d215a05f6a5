//! A stream: a queue of work, which is done when something waits for it.

use crate::handles::Handle;
use crate::objects::work::Work;
use ocellus_sim::Footprint;
use std::collections::VecDeque;
use std::sync::Arc;

/// A stream.
pub(crate) struct Stream {
    pub context: Handle,
    pub kind: Kind,
    pub flags: u32,
    pub priority: i32,
    pub queue: VecDeque<Item>,
    /// So much work was given to it.
    pub given: u64,
    /// So much of it is done.
    pub done: u64,
    /// Whether some thread is doing the next.
    pub is_busy: bool,
    /// Whether its handle is no longer one. What it was given is done all the same.
    pub is_destroyed: bool,
    /// What the last launch used, if the next in the queue may begin before that has ended.
    pub unfinished: Option<Arc<Footprint>>,
    pub capture: Option<Capture>,
}

/// How a stream is ordered with the legacy default stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// It is that stream, which waits for all blocking streams, and they for it.
    Legacy,
    Blocking,
    NonBlocking,
}

/// Work in a queue, and what must be done before.
pub(crate) struct Item {
    pub work: Work,
    pub after: Vec<Mark>,
}

/// A place in the work of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark {
    pub stream: Handle,
    /// The work is done if the stream has done so much.
    pub count: u64,
}

/// What makes nodes of a graph of the work that a stream is given.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    /// The number of the capture, which streams share.
    pub id: u64,
    pub graph: Handle,
    /// The nodes that the next one waits for.
    pub front: Vec<Handle>,
    /// Whether it began in this stream.
    pub is_origin: bool,
    pub mode: CaptureMode,
    pub thread: std::thread::ThreadId,
    /// Whether something was done that no graph can have.
    pub is_invalid: bool,
}

/// For whom calls are forbidden that a graph cannot have, while it is captured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CaptureMode {
    Global = 0,
    ThreadLocal = 1,
    Relaxed = 2,
}

impl CaptureMode {
    /// The one of a number.
    pub(crate) fn of(number: u32) -> Option<Self> {
        let all = [CaptureMode::Global, CaptureMode::ThreadLocal, CaptureMode::Relaxed];
        all.into_iter().find(|mode| *mode as u32 == number)
    }
}

impl Stream {
    /// A stream with nothing to do.
    pub(crate) fn new(context: Handle, kind: Kind, flags: u32, priority: i32) -> Self {
        Self {
            context,
            kind,
            flags,
            priority,
            queue: VecDeque::new(),
            given: 0,
            done: 0,
            is_busy: false,
            is_destroyed: false,
            unfinished: None,
            capture: None,
        }
    }

    /// Gives it work, and says where that stands.
    pub(crate) fn push(&mut self, work: Work, after: Vec<Mark>) -> u64 {
        self.queue.push_back(Item { work, after });
        self.given += 1;
        self.given
    }

    /// Whether the work at the head of the queue may begin before the launch before has ended.
    pub(crate) fn overlaps_next(&self) -> bool {
        match self.queue.front().map(|item| &item.work) {
            Some(Work::Launch(launch)) => launch.is_programmatic,
            _ => false,
        }
    }
}
