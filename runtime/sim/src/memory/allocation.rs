//! The bytes of one allocation, and which of them were written.
//!
//! Blocks run on several threads and may write where others read, if the kernel is wrong. So words are atomic: the answer is
//! then any of those that the threads wrote, as on a GPU, and nothing worse.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The bytes whose state one word tells.
const NOTED: u64 = 32;

#[derive(Debug)]
pub(crate) struct Allocation {
    pub base: u64,
    pub bytes: u64,
    words: Box<[AtomicU32]>,
    /// A bit for each byte.
    written: Box<[AtomicU32]>,
}

impl Allocation {
    /// Bytes that were never written; nothing where the host has no room for them.
    pub(crate) fn new(base: u64, bytes: u64) -> Option<Self> {
        let filled = |count: u64, value| {
            let count = usize::try_from(count).ok()?;
            let mut all = Vec::new();
            all.try_reserve_exact(count).ok()?;
            all.extend((0..count).map(|_| AtomicU32::new(value)));
            Some(all.into_boxed_slice())
        };
        Some(Self {
            base,
            bytes,
            words: filled(bytes.div_ceil(4), u32::MAX)?,
            written: filled(bytes.div_ceil(NOTED), 0)?,
        })
    }

    fn word(&self, offset: u64) -> &AtomicU32 {
        &self.words[(offset / 4) as usize]
    }

    /// Words at an offset that is a multiple of four.
    pub(crate) fn load(&self, offset: u64, words: &mut [u32]) {
        let first = (offset / 4) as usize;
        let from = &self.words[first..first + words.len()];
        for (word, from) in words.iter_mut().zip(from) {
            *word = from.load(Relaxed);
        }
    }

    /// One or two bytes, at a multiple of them.
    pub(crate) fn load_narrow(&self, offset: u64, bytes: u64) -> u32 {
        let word = self.word(offset).load(Relaxed) >> (offset % 4 * 8);
        word & (u32::MAX >> (32 - 8 * bytes))
    }

    pub(crate) fn store(&self, offset: u64, words: &[u32]) {
        let first = (offset / 4) as usize;
        for (to, word) in self.words[first..first + words.len()].iter().zip(words) {
            to.store(*word, Relaxed);
        }
        self.note_written(offset, words.len() as u64 * 4);
    }

    pub(crate) fn store_narrow(&self, offset: u64, bytes: u64, value: u32) {
        let shift = offset % 4 * 8;
        let mask = (u32::MAX >> (32 - 8 * bytes)) << shift;
        let new = |old: u32| Some((old & !mask) | (value << shift & mask));
        // The closure never refuses.
        let _ = self.word(offset).fetch_update(Relaxed, Relaxed, new);
        self.note_written(offset, bytes);
    }

    /// Replaces a word by what a function makes of it, and gives the old one.
    pub(crate) fn update(&self, offset: u64, f: impl Fn(u32) -> u32) -> u32 {
        let word = self.word(offset);
        let old = word.fetch_update(Relaxed, Relaxed, |old| Some(f(old)));
        old.unwrap_or_else(|old| old)
    }

    /// The same for two words. Whoever calls it sees to it that no other atomic operation comes between.
    pub(crate) fn update_long(&self, offset: u64, f: impl Fn(u64) -> u64) -> u64 {
        let mut words = [0; 2];
        self.load(offset, &mut words);
        let old = u64::from(words[0]) | u64::from(words[1]) << 32;
        let new = f(old);
        self.store(offset, &[new as u32, (new >> 32) as u32]);
        old
    }

    /// The bits of the bytes of a range in the word that tells of its first byte, and how many bytes these are.
    fn bits(offset: u64, bytes: u64) -> (usize, u32, u64) {
        let first = offset % NOTED;
        let count = bytes.min(NOTED - first);
        let bits = (u32::MAX >> (NOTED - count)) << first;
        ((offset / NOTED) as usize, bits, count)
    }

    pub(crate) fn is_written(&self, mut offset: u64, mut bytes: u64) -> bool {
        while bytes > 0 {
            let (word, bits, count) = Self::bits(offset, bytes);
            if self.written[word].load(Relaxed) & bits != bits {
                return false;
            }
            (offset, bytes) = (offset + count, bytes - count);
        }
        true
    }

    pub(crate) fn note_written(&self, mut offset: u64, mut bytes: u64) {
        while bytes > 0 {
            let (word, bits, count) = Self::bits(offset, bytes);
            let noted = &self.written[word];
            if noted.load(Relaxed) & bits != bits {
                noted.fetch_or(bits, Relaxed);
            }
            (offset, bytes) = (offset + count, bytes - count);
        }
    }

    pub(crate) fn forget(&self, mut offset: u64, mut bytes: u64) {
        while bytes > 0 {
            let (word, bits, count) = Self::bits(offset, bytes);
            self.written[word].fetch_and(!bits, Relaxed);
            for byte in offset..offset + count {
                let shift = byte % 4 * 8;
                self.word(byte).fetch_or(0xff << shift, Relaxed);
            }
            (offset, bytes) = (offset + count, bytes - count);
        }
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        let head = (offset.next_multiple_of(4) - offset).min(bytes.len() as u64) as usize;
        let (head, rest) = bytes.split_at(head);
        let mut at = offset;
        for byte in head {
            self.store_narrow(at, 1, u32::from(*byte));
            at += 1;
        }
        let (words, tail) = rest.as_chunks::<4>();
        for word in words {
            self.word(at).store(u32::from_le_bytes(*word), Relaxed);
            at += 4;
        }
        self.note_written(offset, at - offset);
        for byte in tail {
            self.store_narrow(at, 1, u32::from(*byte));
            at += 1;
        }
    }

    pub(crate) fn read(&self, offset: u64, bytes: &mut [u8]) {
        let head = (offset.next_multiple_of(4) - offset).min(bytes.len() as u64) as usize;
        let (head, rest) = bytes.split_at_mut(head);
        let mut at = offset;
        for byte in head {
            *byte = self.load_narrow(at, 1) as u8;
            at += 1;
        }
        let (words, tail) = rest.as_chunks_mut::<4>();
        for word in words {
            *word = self.word(at).load(Relaxed).to_le_bytes();
            at += 4;
        }
        for byte in tail {
            *byte = self.load_narrow(at, 1) as u8;
            at += 1;
        }
    }
}
