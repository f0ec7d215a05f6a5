//! An event: a place in the work of a stream, or in a graph that is captured.

use crate::handles::Handle;
use crate::objects::stream::Mark;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// An event.
pub(crate) struct Event {
    pub context: Handle,
    pub has_time: bool,
    pub state: State,
}

/// Where an event was recorded last.
pub(crate) enum State {
    Never,
    /// In a stream; and when that was done.
    Recorded(Mark, Arc<OnceLock<Instant>>),
    /// In a capture, by its number, behind these nodes.
    Captured(u64, Vec<Handle>),
}
