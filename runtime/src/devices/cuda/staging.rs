//! [`Staging`]: memory of the host through which a stream copies.
//!
//! A copy from or to the caller's memory, which the system may move, is done by the driver while the caller waits. One from
//! or to pinned memory is not waited for. So what is uploaded is copied here first, and what is downloaded is copied from
//! here when the stream is synchronized.

use super::context::Context;
use super::memory::PinnedMemory;
use crate::devices::DeviceError;
use std::sync::Arc;

/// The least that is allocated.
const MIN_BYTES: usize = 1 << 20;

/// The most that a stream keeps. The tensors of nearly all calls fit; a stream waits for its copies where they do not.
const MAX_BYTES: usize = 64 << 20;

/// Copies are done in parts of so many bytes.
pub const PART_BYTES: usize = 16 << 20;

/// Copies start at multiples of this.
const ALIGNMENT: usize = 64;

/// Pinned memory of a stream, and what is to be copied from it.
#[derive(Default)]
pub struct Staging {
    /// All but the last are full.
    blocks: Vec<PinnedMemory>,
    /// Bytes of the last that are taken.
    taken: usize,
    /// What was needed before: the next block has room for all of it.
    needed: usize,
    downloads: Vec<Download>,
}

/// Bytes that a stream writes here, and the caller wants.
struct Download {
    from: *const u8,
    to: *mut u8,
    bytes: usize,
}

// SAFETY: the caller's memory stays, and nobody looks at it, until the stream is synchronized, on whichever thread.
unsafe impl Send for Staging {}

impl Staging {
    /// Room for so many bytes, [`PART_BYTES`] at most, until all is [delivered](Self::deliver); `None` where all that there may be
    /// is taken.
    pub fn room(
        &mut self,
        context: &Arc<Context>,
        bytes: usize,
    ) -> Result<Option<*mut u8>, DeviceError> {
        let last = self.blocks.last().map_or(0, PinnedMemory::bytes);
        if last - self.taken < bytes {
            let all: usize = self.blocks.iter().map(PinnedMemory::bytes).sum();
            // As much again as there is, so that there are few of them.
            let more = all.max(bytes).max(self.needed).max(MIN_BYTES);
            let more = more.min(MAX_BYTES - all.min(MAX_BYTES));
            if more < bytes {
                return Ok(None);
            }
            self.blocks.push(PinnedMemory::new(context, more)?);
            self.taken = 0;
        }
        let Some(block) = self.blocks.last() else { return Ok(None) };
        let place = block.address().wrapping_add(self.taken);
        self.taken = (self.taken + bytes).next_multiple_of(ALIGNMENT).min(block.bytes());
        Ok(Some(place))
    }

    /// Notes that the stream writes so many bytes at `from`, which lies here, and that they are wanted at `to`.
    pub fn note_download(&mut self, from: *const u8, to: *mut u8, bytes: usize) {
        self.downloads.push(Download { from, to, bytes });
    }

    /// Gives the caller what was downloaded, and all room back. One block stays for the next copies; several make place for one,
    /// as the next call needs as much again, and to allocate takes longer than to copy.
    ///
    /// # Safety
    /// The stream has done all copies, and the caller's memory is there.
    pub unsafe fn deliver(&mut self) {
        for Download { from, to, bytes } in self.downloads.drain(..) {
            // SAFETY: by the contract of this function.
            unsafe { to.copy_from_nonoverlapping(from, bytes) };
        }
        self.taken = 0;
        if self.blocks.len() > 1 {
            self.needed = self.blocks.iter().map(PinnedMemory::bytes).sum();
            self.blocks.clear();
        }
    }

    /// Forgets what was to be downloaded, as nobody will say that it has been. Whether the stream still copies is not known, so
    /// no room is given back.
    pub fn forget(&mut self) {
        self.downloads.clear();
    }
}
