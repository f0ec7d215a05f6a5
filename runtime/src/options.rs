//! [`Options`]: how a session runs.

use crate::devices::DeviceKind;

/// The most threads that a session uses.
pub const MAX_THREADS: usize = 1024;

/// How a session runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads that share the work of a call, the calling one included; at least one, at most [`MAX_THREADS`].
    pub threads: usize,
    /// The kind of device that runs it; `None` for the one that the artifact's target says: the first of several
    /// of which one is here.
    pub device: Option<DeviceKind>,
    /// Which device of its kind, counted from 0; see [`DeviceName`](crate::devices::DeviceName).
    pub ordinal: u32,
    /// Which of the artifact's targets it is run for, by its name; `None` for the most able that the device can run.
    pub target: Option<String>,
    /// Whether weights are copied to memory of the session's own where kernels could read them in the artifact. That takes
    /// their size in memory for each session, where processes share a file that is mapped; but it has large pages, if the
    /// system does, by which calls of few images take up to a sixth less. A device with memory of its own gets a copy in any
    /// case.
    pub copies_weights: bool,
}

impl Default for Options {
    /// A thread for every core that this process may use, the first device of the artifact's target, and weights where they are.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Options { threads, device: None, ordinal: 0, target: None, copies_weights: false }
    }
}
