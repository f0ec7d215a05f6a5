//! Where the state spaces begin, in their own addresses and in generic ones.

/// The bytes of a window: what generic addresses of a state space span.
pub(crate) const WINDOW: u64 = 1 << 28;

/// Where generic addresses of shared memory begin.
pub(crate) const SHARED_WINDOW: u64 = 1 << 32;

/// Where generic addresses of local memory begin.
pub(crate) const LOCAL_WINDOW: u64 = 2 << 32;

/// Where generic addresses of parameters begin.
pub(crate) const PARAMETER_WINDOW: u64 = 3 << 32;

/// The first address of shared memory in its own space. No memory begins at 0, so that null points nowhere.
pub(crate) const SHARED_START: u64 = 1024;

/// The first address of local memory in its own space.
pub(crate) const LOCAL_START: u64 = 1024;

/// The first address of the parameters in their own space.
pub(crate) const PARAMETER_START: u64 = 1024;
