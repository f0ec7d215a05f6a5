//! [`CpuError`]: what the CPU could not do.

/// What the CPU could not do.
#[derive(Debug, thiserror::Error)]
pub enum CpuError {
    /// No worker threads.
    #[error("cannot start the worker threads")]
    Threads(#[source] std::io::Error),
    /// The code object could not be put where the loader takes it from.
    #[error(
        "cannot hand the code object to the dynamic loader ({tried}): mount /proc, or set TMPDIR to a folder from which \
         code may be run"
    )]
    CodeObject {
        /// Each place that was tried, with what was said there.
        tried: String,
    },
    /// The loader does not take the code object.
    #[error("the dynamic loader refuses the code object")]
    Load(#[source] libloading::Error),
}
