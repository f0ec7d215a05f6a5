//! Shared memory: its bytes, which of them are written, which a copy is on the way to, and who used them.

use super::address::SHARED_START;
use super::{Machine, Who};
use crate::clocks::{Use, Viewer};
use crate::finding::Problem;
use crate::shadow::{Access, CHUNK, Chunk};

/// What is in shared memory that was never written, and where a copy is on the way.
const POISON: u32 = 0xffb0_ffb0;

pub(crate) struct Shared {
    bytes: u64,
    words: Vec<u32>,
    /// A bit for each byte of a chunk.
    written: Vec<u16>,
    pending: Vec<u16>,
    chunks: Vec<Chunk>,
}

impl Shared {
    pub(crate) fn new(bytes: u32) -> Self {
        let chunks = (bytes as usize).div_ceil(CHUNK);
        Self {
            bytes: u64::from(bytes),
            words: vec![POISON; chunks * CHUNK / 4],
            written: vec![0; chunks],
            pending: vec![0; chunks],
            chunks: vec![Chunk::default(); chunks],
        }
    }
}

/// The bits of bytes in their chunk.
fn bits(at: usize, bytes: u32) -> u16 {
    (u32::MAX >> (32 - bytes) << (at % CHUNK)) as u16
}

impl Machine<'_> {
    /// Where an access to shared memory goes, if it may. It lies in one chunk.
    pub(crate) fn shared_place(&self, address: u64, bytes: u32, who: Who) -> Option<usize> {
        if address & u64::from(bytes - 1) != 0 {
            let detail =
                format!("the address {address:#x} in shared memory is no multiple of {bytes}");
            self.find(Problem::Misaligned, who, detail, None);
            return None;
        }
        let offset = address.wrapping_sub(SHARED_START);
        if offset.saturating_add(u64::from(bytes)) > self.shared.bytes {
            let (signed, all) = (offset as i64, self.shared.bytes);
            let detail = format!(
                "{bytes} bytes at byte {signed} of shared memory, of which there are {all}"
            );
            self.find(Problem::OutOfBounds, who, detail, None);
            return None;
        }
        Some(offset as usize)
    }

    /// Looks at an access to shared memory, and says whether the memory may be used. `lane` is who it is noted for.
    pub(crate) fn note_shared(
        &mut self,
        at: usize,
        bytes: u32,
        usage: Use,
        who: Who,
        lane: usize,
    ) -> bool {
        let (chunk, bits) = (at / CHUNK, bits(at, bytes));
        let address = at as u64 + SHARED_START;
        let is_read = matches!(usage, Use::Read | Use::AtomicRead);
        let mut is_good = true;
        if self.shared.pending[chunk] & bits != 0 {
            let what = if is_read { "reads from" } else { "writes to" };
            let detail = format!(
                "it {what} {address:#x} of shared memory, where an asynchronous copy is still on its way"
            );
            let other = match &self.shared.chunks[chunk] {
                Chunk::Whole(cell) if !cell.write.is_nobody() => {
                    Some(format!("copied by {}", self.grid.code.places[cell.write.place()]))
                }
                _ => None,
            };
            self.find(Problem::PendingCopy, who, detail, other);
            is_good = false;
        } else if usage != Use::Write
            && self.shared.written[chunk] & bits != bits
            && self.grid.settings.finds_uninitialized
        {
            let detail = format!("{bytes} bytes at {address:#x} of shared memory");
            self.find(Problem::Uninitialized, who, detail, None);
            is_good = false;
        }
        if self.grid.settings.finds_races {
            let access = Access {
                viewer: Viewer { clocks: &self.clocks, block: self.number, warp: who.warp },
                lane,
                place: who.place,
                usage,
                at: at % CHUNK,
                size: bytes as usize,
            };
            let conflict = self.shared.chunks[chunk].note(&access);
            if let Some(conflict) = conflict.filter(|_| is_good) {
                self.find_race(Problem::SharedRace, who, address, !is_read, conflict);
            }
        }
        is_good
    }

    /// The words at a place; of fewer than four bytes, the word that they begin.
    pub(crate) fn shared_words(&self, at: usize, bytes: u32) -> [u32; 4] {
        let mut words = [0; 4];
        let first = at / 4;
        if bytes < 4 {
            words[0] = self.shared.words[first] >> (at % 4 * 8) & (u32::MAX >> (32 - 8 * bytes));
            return words;
        }
        let count = bytes as usize / 4;
        words[..count].copy_from_slice(&self.shared.words[first..first + count]);
        words
    }

    pub(crate) fn set_shared_words(&mut self, at: usize, bytes: u32, words: [u32; 4]) {
        let first = at / 4;
        if bytes < 4 {
            let shift = at % 4 * 8;
            let mask = (u32::MAX >> (32 - 8 * bytes)) << shift;
            let word = &mut self.shared.words[first];
            *word = (*word & !mask) | (words[0] << shift & mask);
        } else {
            let count = bytes as usize / 4;
            self.shared.words[first..first + count].copy_from_slice(&words[..count]);
        }
        self.shared.written[at / CHUNK] |= bits(at, bytes);
    }

    /// A copy to a place is on its way: what is there is lost.
    pub(crate) fn begin_copy(&mut self, at: usize, bytes: u32) {
        self.set_shared_words(at, bytes, [POISON; 4]);
        self.shared.pending[at / CHUNK] |= bits(at, bytes);
        self.shared.written[at / CHUNK] &= !bits(at, bytes);
    }

    pub(crate) fn end_copy(&mut self, at: usize, bytes: u32, words: [u32; 4]) {
        self.shared.pending[at / CHUNK] &= !bits(at, bytes);
        self.set_shared_words(at, bytes, words);
    }

    /// Notes that a copy has come, for the thread that waited for it.
    pub(crate) fn note_copied(&mut self, at: usize, bytes: u32, who: Who) {
        if !self.grid.settings.finds_races {
            return;
        }
        let access = Access {
            viewer: Viewer { clocks: &self.clocks, block: self.number, warp: who.warp },
            lane: who.lane,
            place: who.place,
            usage: Use::Write,
            at: at % CHUNK,
            size: bytes as usize,
        };
        self.shared.chunks[at / CHUNK].note(&access);
    }
}
