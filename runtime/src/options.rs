//! [`Options`]: how a session runs.

/// The most threads that a session uses.
pub const MAX_THREADS: usize = 1024;

/// How a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads that share the work of a call, the calling one included; at least one, at most [`MAX_THREADS`].
    pub threads: usize,
}

impl Default for Options {
    /// A thread for every core that this process may use.
    fn default() -> Self {
        Options { threads: std::thread::available_parallelism().map_or(1, |cores| cores.get()) }
    }
}
