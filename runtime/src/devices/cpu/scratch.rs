//! [`Scratch`]: the scratch memory of a thread.

use crate::memory::map_memory;
use memmap2::MmapMut;

/// Every thread has at least so many bytes, for the word that a launch begins with.
const MIN_BYTES: usize = 64;

/// Memory that a thread uses within a launch. It grows with what launches need, and never shrinks.
#[derive(Default)]
pub struct Scratch(Option<MmapMut>);

impl Scratch {
    /// At least that many bytes, aligned to 64. Fresh pages are given on first touch, so they lie near the thread that
    /// uses them.
    pub fn of(&mut self, bytes: usize) -> std::io::Result<*mut u8> {
        let memory = match self.0.take() {
            Some(memory) if memory.len() >= bytes => memory,
            _ => map_memory(bytes.max(MIN_BYTES))?,
        };
        Ok(self.0.insert(memory).as_mut_ptr())
    }
}
