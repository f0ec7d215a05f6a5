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
}

impl Default for Options {
    /// A thread for every core that this process may use, and the first device of the artifact's target.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Options { threads, device: None, ordinal: 0, target: None }
    }
}
