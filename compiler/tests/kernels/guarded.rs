//! Memory that ends where a kernel must stop: one byte further kills the test.

use memmap2::{MmapMut, MmapOptions};

const PAGE: usize = 4096;

/// Bytes at the end of a page, behind which there is none. The page behind them is that of a file which is too short for
/// it, so that whoever touches it gets SIGBUS.
pub struct Guarded {
    memory: MmapMut,
    start: usize,
    end: usize,
}

impl Guarded {
    /// Room for that many bytes, each 0xff, at a multiple of `alignment`.
    pub fn new(bytes: usize, alignment: usize) -> Self {
        let room = bytes.next_multiple_of(alignment);
        let end = room.next_multiple_of(PAGE);
        let file = tempfile::tempfile().unwrap();
        file.set_len(end as u64).unwrap();
        // SAFETY: nobody else has the file, and safe code touches only what it holds.
        let mut memory = unsafe { MmapOptions::new().len(end + PAGE).map_mut(&file) }.unwrap();
        let start = end - room;
        memory[start..end].fill(0xff);
        Guarded { memory, start, end: start + bytes }
    }

    /// A copy of those bytes, whose end is the end.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::new(bytes.len(), 1);
        copy.fill(bytes);
        copy
    }

    /// A copy of those bytes in large pages, as a session has them, and without a guard: for what is measured.
    pub fn unguarded_copy_of(bytes: &[u8]) -> Self {
        let mut memory = MmapMut::map_anon(bytes.len()).unwrap();
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        memory[..bytes.len()].copy_from_slice(bytes);
        Guarded { memory, start: 0, end: bytes.len() }
    }

    /// Writes from the start on, as much as there is room for.
    pub fn fill(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(self.end - self.start);
        self.memory[self.start..self.start + length].copy_from_slice(&bytes[..length]);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub fn pointer(&self) -> *const u8 {
        // An empty stretch at the very end of a page has an address too.
        self.memory.as_ptr().wrapping_add(self.start)
    }

    pub fn pointer_mut(&mut self) -> *mut u8 {
        self.memory.as_mut_ptr().wrapping_add(self.start)
    }
}
