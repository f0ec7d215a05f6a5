//! Devices and contexts.

use crate::errors::Error;
use crate::handles::Handle;
use ocellus_sim::Memory;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread::ThreadId;

/// A device.
pub(crate) struct Device {
    pub memory: Arc<Memory>,
    /// The context that all of a process may share, while somebody retains it.
    pub primary: Option<Handle>,
    /// How often it was retained.
    pub retained: u32,
    pub primary_flags: u32,
    /// The handle of its memory pool, once somebody asked for it.
    pub pool: Option<Handle>,
}

/// A context.
pub(crate) struct Context {
    pub device: usize,
    pub is_primary: bool,
    pub flags: u32,
    /// Its default stream.
    pub legacy: Handle,
    /// The default streams of threads.
    pub per_thread: HashMap<ThreadId, Handle>,
    /// What went wrong on the device. Nothing works in the context after that.
    pub error: Option<Error>,
    /// What was allocated in it: first addresses and bytes.
    pub allocations: BTreeMap<u64, u64>,
    pub limits: BTreeMap<u32, usize>,
    pub cache_config: u32,
}

impl Context {
    /// A context with nothing in it, not even its default stream.
    pub(crate) fn new(device: usize, flags: u32, is_primary: bool) -> Self {
        Self {
            device,
            is_primary,
            flags,
            legacy: 0,
            per_thread: HashMap::new(),
            error: None,
            allocations: BTreeMap::new(),
            limits: BTreeMap::new(),
            cache_config: 0,
        }
    }
}
