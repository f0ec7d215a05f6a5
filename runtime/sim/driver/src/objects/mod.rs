//! What handles stand for.

pub(crate) mod context;
pub(crate) mod event;
pub(crate) mod graph;
pub(crate) mod host_memory;
pub(crate) mod module;
pub(crate) mod stream;
pub(crate) mod work;
