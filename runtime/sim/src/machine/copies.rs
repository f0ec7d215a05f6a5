//! Asynchronous copies, as late as the program allows: what they read is read, and comes to be, when it is waited for.

use super::access::{GlobalUse, words_of};
use super::address::addresses;
use super::warp::Warp;
use super::{Machine, Who};
use crate::clocks::Use;
use crate::code::CopyAsync;
use crate::finding::Problem;
use crate::registers::{LANES, Lanes, Mask, lanes};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Copies of a warp that nobody has waited for.
#[derive(Default)]
pub(crate) struct Copies {
    /// The groups that each lane has closed.
    closed: Lanes<u32>,
    open: VecDeque<Copy>,
}

/// What one instruction copies.
struct Copy {
    place: usize,
    mask: Mask,
    /// The group of these lanes.
    group: u32,
    bytes: u32,
    to: Lanes<u32>,
    from: Lanes<u64>,
    read: Lanes<u8>,
}

impl Copies {
    pub(crate) fn commit(&mut self, mask: Mask) {
        lanes(mask).for_each(|lane| self.closed[lane] += 1);
    }
}

impl Machine<'_> {
    pub(crate) fn copy_async(
        &mut self,
        warp: &mut Warp,
        copy: &CopyAsync,
        mask: Mask,
        place: usize,
    ) {
        let to = addresses(&warp.registers, &copy.to);
        let from = addresses(&warp.registers, &copy.from);
        let sizes = copy.source_bytes.map(|slot| *warp.registers.word(slot));
        let ignored = copy.ignores_source.map_or(0, |(slot, is_negated)| {
            warp.registers.predicate(slot) ^ if is_negated { Mask::MAX } else { 0 }
        });
        let mut here = Copy {
            place,
            mask: 0,
            group: 0,
            bytes: copy.bytes,
            to: [0; LANES],
            from,
            read: [0; LANES],
        };
        let mut sources = SmallVec::<[GlobalUse; LANES]>::new();
        let mut reading: Mask = 0;
        self.count_banks(&to, mask, copy.bytes, place);
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            let wanted = sizes.map_or(copy.bytes, |sizes| sizes[lane]);
            if wanted > copy.bytes {
                let detail = format!("{wanted} bytes are to be read of a copy of {}", copy.bytes);
                self.find(Problem::OutOfBounds, who, detail, None);
                continue;
            }
            let read = if ignored >> lane & 1 == 1 { 0 } else { wanted };
            let Some(at) = self.shared_place(to[lane], copy.bytes, who) else { continue };
            self.note_shared(at, copy.bytes, Use::Write, who, lane);
            if read > 0 {
                if !self.copy_source(from[lane], [copy.bytes, read], who, &mut sources) {
                    continue;
                }
                reading |= 1 << lane;
            }
            self.begin_copy(at, copy.bytes);
            here.mask |= 1 << lane;
            here.to[lane] = at as u32;
            here.read[lane] = read as u8;
        }
        self.note_global(&sources, Use::Read);
        self.count_global(&from, reading, copy.bytes, place, false);
        push_by_group(&mut self.copies[warp.index], here);
    }

    /// Adds the bytes of global memory that a copy reads, in pieces that lie in one chunk each; says whether they may be read.
    fn copy_source(
        &mut self,
        address: u64,
        [bytes, read]: [u32; 2],
        who: Who,
        sources: &mut SmallVec<[GlobalUse; LANES]>,
    ) -> bool {
        if address & u64::from(bytes - 1) != 0 {
            let detail =
                format!("the address {address:#x} in global memory is no multiple of {bytes}");
            self.find(Problem::Misaligned, who, detail, None);
            return false;
        }
        self.look_at_unfinished(address, read, who, false);
        for (first, size) in pieces_of(read) {
            let place = self.global_place(address.wrapping_add(u64::from(first)), size, who);
            let Some((index, allocation, offset)) = place else { return false };
            self.look_at_global(allocation, offset, size, who);
            sources.push((who, index, offset, size));
        }
        true
    }

    /// Waits for all groups but the last so many, or for all copies.
    pub(crate) fn wait_group(&mut self, warp: &Warp, groups: Option<u32>, mask: Mask) {
        let closed = self.copies[warp.index].closed;
        let mut open = std::mem::take(&mut self.copies[warp.index].open);
        for copy in &mut open {
            let is_waited = |lane: &usize| match groups {
                None => true,
                Some(groups) => copy.group + groups < closed[*lane],
            };
            let come =
                lanes(copy.mask & mask).filter(is_waited).fold(0, |come, lane| come | 1 << lane);
            if come != 0 {
                self.land(warp.index, copy, come);
                copy.mask &= !come;
            }
        }
        while open.front().is_some_and(|copy| copy.mask == 0) {
            open.pop_front();
        }
        // Nothing was issued meanwhile.
        self.copies[warp.index].open = open;
    }

    /// Copies come: what they read is read now. Who else wrote there was found when the copy began, or when it was written.
    fn land(&mut self, warp: usize, copy: &Copy, mask: Mask) {
        for lane in lanes(mask) {
            let who = Who { warp, lane, place: copy.place };
            let mut words = [0; 4];
            for (first, size) in pieces_of(u32::from(copy.read[lane])) {
                let address = copy.from[lane].wrapping_add(u64::from(first));
                let Some((_, allocation, offset)) = self.global_place(address, size, who) else {
                    continue;
                };
                let piece = words_of(allocation, offset, size);
                for (at, word) in piece[..(size as usize).div_ceil(4)].iter().enumerate() {
                    words[first as usize / 4 + at] |= word << (first % 4 * 8);
                }
            }
            let at = copy.to[lane] as usize;
            self.end_copy(at, copy.bytes, words);
            self.note_copied(at, copy.bytes, who);
        }
    }

    /// Reports a store to global memory that a copy of the block has still to read. Copies of other blocks race with
    /// it, and are found so.
    pub(crate) fn look_at_pending_sources(&self, address: u64, bytes: u32, who: Who) {
        let end = address.saturating_add(u64::from(bytes));
        for copy in self.copies.iter().flat_map(|copies| &copies.open) {
            let touches = |lane: &usize| {
                let first = copy.from[*lane];
                first < end && address < first.saturating_add(u64::from(copy.read[*lane]))
            };
            if lanes(copy.mask).any(|lane| touches(&lane)) {
                let detail = format!(
                    "it writes to {address:#x} of global memory, which a copy has still to read"
                );
                let other = format!("copied by {}", self.grid.code.places[copy.place]);
                self.find(Problem::PendingCopy, who, detail, Some(other));
                return;
            }
        }
    }
}

/// So many bytes as powers of two, each at a multiple of itself: the first byte and the size.
fn pieces_of(bytes: u32) -> impl Iterator<Item = (u32, u32)> {
    [16, 8, 4, 2, 1]
        .into_iter()
        .filter(move |size| bytes & size != 0)
        .map(move |size| (bytes & !(size * 2 - 1), size))
}

/// Keeps a copy, apart for lanes that have closed different numbers of groups.
fn push_by_group(copies: &mut Copies, copy: Copy) {
    let mut rest = copy.mask;
    while rest != 0 {
        let group = copies.closed[rest.trailing_zeros() as usize];
        let mask = lanes(rest)
            .filter(|lane| copies.closed[*lane] == group)
            .fold(0, |mask, lane| mask | 1 << lane);
        rest &= !mask;
        copies.open.push_back(Copy { mask, group, ..copy });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_cut_at_powers_of_two() {
        let of = |bytes| pieces_of(bytes).collect::<Vec<_>>();
        assert_eq!(of(16), [(0, 16)]);
        assert_eq!(of(0), []);
        assert_eq!(of(13), [(0, 8), (8, 4), (12, 1)]);
        assert_eq!(of(6), [(0, 4), (4, 2)]);
    }
}
