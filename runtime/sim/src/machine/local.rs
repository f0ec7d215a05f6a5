//! Local memory: bytes that a thread has to itself.

use super::address::LOCAL_START;
use super::{Machine, Who};
use crate::finding::Problem;
use crate::registers::LANES;

/// The local memory of a warp's lanes.
#[derive(Default)]
pub(crate) struct Local {
    bytes: u64,
    data: Vec<u8>,
    written: Vec<bool>,
}

impl Local {
    pub(crate) fn new(bytes: u32) -> Self {
        let all = bytes as usize * LANES;
        Self { bytes: u64::from(bytes), data: vec![0xff; all], written: vec![false; all] }
    }

    fn place(&self, lane: usize, offset: u64) -> usize {
        lane * self.bytes as usize + offset as usize
    }

    pub(crate) fn read(&self, lane: usize, offset: u64, bytes: u32) -> ([u32; 4], bool) {
        let at = self.place(lane, offset);
        let range = at..at + bytes as usize;
        let mut words = [0; 4];
        for (index, byte) in self.data[range.clone()].iter().enumerate() {
            words[index / 4] |= u32::from(*byte) << (index % 4 * 8);
        }
        (words, self.written[range].iter().all(|written| *written))
    }

    pub(crate) fn write(&mut self, lane: usize, offset: u64, bytes: u32, words: [u32; 4]) {
        let at = self.place(lane, offset);
        for index in 0..bytes as usize {
            self.data[at + index] = (words[index / 4] >> (index % 4 * 8)) as u8;
            self.written[at + index] = true;
        }
    }
}

impl Machine<'_> {
    /// Where an access to local memory goes, if it may.
    pub(crate) fn local_place(
        &self,
        local: &Local,
        address: u64,
        bytes: u32,
        who: Who,
    ) -> Option<u64> {
        if address & u64::from(bytes - 1) != 0 {
            let detail =
                format!("the address {address:#x} in local memory is no multiple of {bytes}");
            self.find(Problem::Misaligned, who, detail, None);
            return None;
        }
        let offset = address.wrapping_sub(LOCAL_START);
        if offset.saturating_add(u64::from(bytes)) > local.bytes {
            let (signed, all) = (offset as i64, local.bytes);
            let detail =
                format!("{bytes} bytes at byte {signed} of local memory, of which there are {all}");
            self.find(Problem::OutOfBounds, who, detail, None);
            return None;
        }
        Some(offset)
    }
}
