//! Loads and stores.

use super::address::{PARAMETER_START, addresses};
use super::warp::Warp;
use super::{Machine, Who};
use crate::clocks::Use;
use crate::code::{Access, Area};
use crate::counters::{sectors, wavefronts};
use crate::finding::Problem;
use crate::memory::{Allocation, find};
use crate::registers::{Bank, Element, LANES, Lanes, Mask, lanes};
use crate::shadow::{self, CHUNK};
use std::sync::Arc;

/// What an access moves in each lane: sixteen bytes at most.
type Data = Lanes<[u32; 4]>;

/// Who uses global memory: the number of the allocation, the first byte in it, and how many bytes.
pub(crate) type GlobalUse = (Who, usize, u64, u32);

impl<'a> Machine<'a> {
    pub(crate) fn load(&mut self, warp: &mut Warp, access: &Access, mask: Mask, place: usize) {
        let mut at = addresses(&warp.registers, &access.address);
        let bytes = access.bytes * access.elements.len() as u32;
        let mut data: Data = [[u32::MAX; 4]; LANES];
        for (area, mask) in self.by_area(access.address.area, &mut at, mask) {
            match area {
                Area::Shared => self.load_shared(warp, access, &at, mask, place, &mut data),
                Area::Local => self.load_local(warp, &at, bytes, mask, place, &mut data),
                Area::Parameter => self.load_parameter(warp, &at, bytes, mask, place, &mut data),
                Area::Global | Area::Generic => {
                    self.load_global(warp, access, &at, mask, place, &mut data)
                }
            }
        }
        if access.is_fenced {
            self.clocks.fence(warp.index);
        }
        distribute(warp, access, &data, mask);
    }

    pub(crate) fn store(&mut self, warp: &mut Warp, access: &Access, mask: Mask, place: usize) {
        let mut at = addresses(&warp.registers, &access.address);
        let bytes = access.bytes * access.elements.len() as u32;
        let data = collect(warp, access);
        if access.is_fenced {
            self.clocks.fence(warp.index);
        }
        for (area, mask) in self.by_area(access.address.area, &mut at, mask) {
            match area {
                Area::Shared => self.store_shared(warp, access, &at, mask, place, &data),
                Area::Local => {
                    for lane in lanes(mask) {
                        let who = Who { warp: warp.index, lane, place };
                        if let Some(offset) = self.local_place(&warp.local, at[lane], bytes, who) {
                            warp.local.write(lane, offset, bytes, data[lane]);
                        }
                    }
                }
                Area::Parameter => {
                    let who = Who { warp: warp.index, lane: mask.trailing_zeros() as usize, place };
                    self.find(
                        Problem::OutOfBounds,
                        who,
                        "it writes to a parameter".to_string(),
                        None,
                    );
                }
                Area::Global | Area::Generic => {
                    self.store_global(warp, access, &at, mask, place, &data)
                }
            }
        }
    }

    fn load_local(
        &mut self,
        warp: &Warp,
        at: &Lanes<u64>,
        bytes: u32,
        mask: Mask,
        place: usize,
        data: &mut Data,
    ) {
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            let Some(offset) = self.local_place(&warp.local, at[lane], bytes, who) else {
                continue;
            };
            let (words, is_written) = warp.local.read(lane, offset, bytes);
            if !is_written && self.grid.settings.finds_uninitialized {
                let detail = format!("{bytes} bytes at byte {offset} of local memory");
                self.find(Problem::Uninitialized, who, detail, None);
            }
            data[lane] = words;
        }
    }

    fn load_parameter(
        &mut self,
        warp: &Warp,
        at: &Lanes<u64>,
        bytes: u32,
        mask: Mask,
        place: usize,
        data: &mut Data,
    ) {
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            let offset = at[lane].wrapping_sub(PARAMETER_START);
            let all = self.grid.parameters;
            let range = usize::try_from(offset)
                .ok()
                .and_then(|o| all.get(o..o.checked_add(bytes as usize)?));
            match range {
                Some(_) if at[lane] & u64::from(bytes - 1) != 0 => {
                    let detail =
                        format!("byte {offset} of the parameters is no multiple of {bytes}");
                    self.find(Problem::Misaligned, who, detail, None);
                }
                Some(range) => {
                    data[lane] = [0; 4];
                    for (index, byte) in range.iter().enumerate() {
                        data[lane][index / 4] |= u32::from(*byte) << (index % 4 * 8);
                    }
                }
                None => {
                    let (offset, all) = (offset as i64, all.len());
                    let detail = format!(
                        "{bytes} bytes at byte {offset} of the parameters, which have {all}"
                    );
                    self.find(Problem::OutOfBounds, who, detail, None);
                }
            }
        }
    }

    fn load_shared(
        &mut self,
        warp: &Warp,
        access: &Access,
        at: &Lanes<u64>,
        mask: Mask,
        place: usize,
        data: &mut Data,
    ) {
        let bytes = access.bytes * access.elements.len() as u32;
        let usage = if access.is_strong { Use::AtomicRead } else { Use::Read };
        self.count_banks(at, mask, bytes, place);
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            let Some(offset) = self.shared_place(at[lane], bytes, who) else { continue };
            self.note_shared(offset, bytes, usage, who, lane);
            data[lane] = self.shared_words(offset, bytes);
        }
    }

    fn store_shared(
        &mut self,
        warp: &Warp,
        access: &Access,
        at: &Lanes<u64>,
        mask: Mask,
        place: usize,
        data: &Data,
    ) {
        let bytes = access.bytes * access.elements.len() as u32;
        let usage = if access.is_strong { Use::Atomic } else { Use::Write };
        self.count_banks(at, mask, bytes, place);
        let is_ascending = lanes(mask).map(|lane| at[lane]).is_sorted_by(|a, b| a < b);
        let mut done: Mask = 0;
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            let Some(offset) = self.shared_place(at[lane], bytes, who) else { continue };
            let is_twin = !is_ascending && has_twin(at, data, done, lane);
            if !is_twin {
                self.note_shared(offset, bytes, usage, who, lane);
                self.set_shared_words(offset, bytes, data[lane]);
                done |= 1 << lane;
            }
        }
    }

    /// Where an access to global memory goes, if it may.
    pub(crate) fn global_place(
        &mut self,
        address: u64,
        bytes: u32,
        who: Who,
    ) -> Option<(usize, &'a Arc<Allocation>, u64)> {
        let grid = self.grid;
        if address & u64::from(bytes - 1) != 0 {
            let detail =
                format!("the address {address:#x} in global memory is no multiple of {bytes}");
            self.find(Problem::Misaligned, who, detail, None);
            return None;
        }
        let fits = |place: usize| {
            let allocation = grid.allocations.get(place)?;
            let offset = address.checked_sub(allocation.base)?;
            (offset < allocation.bytes && offset + u64::from(bytes) <= allocation.bytes)
                .then_some((place, allocation, offset))
        };
        if let Some(found) = fits(self.last_allocation) {
            return Some(found);
        }
        let near = find(&grid.allocations, address);
        if let Some(found) = near.and_then(fits) {
            self.last_allocation = found.0;
            return Some(found);
        }
        let before = grid.allocations.partition_point(|allocation| allocation.base <= address);
        let detail = match before.checked_sub(1).map(|place| &grid.allocations[place]) {
            Some(allocation) => format!(
                "{bytes} bytes at {address:#x}, byte {} of an allocation of {} bytes",
                address - allocation.base,
                allocation.bytes
            ),
            None => format!("{bytes} bytes at {address:#x}, before all allocations"),
        };
        self.find(Problem::OutOfBounds, who, detail, None);
        None
    }

    /// Notes uses of global memory by one instruction.
    pub(crate) fn note_global(&mut self, uses: &[GlobalUse], usage: Use) {
        if !self.grid.settings.finds_races {
            return;
        }
        let grid = self.grid;
        let mut cursor = grid.shadow.cursor();
        let mut races = vec![];
        for &(who, place, offset, bytes) in uses {
            let access = shadow::Access {
                viewer: self.viewer(who.warp),
                lane: who.lane,
                place: who.place,
                usage,
                at: offset as usize % CHUNK,
                size: bytes as usize,
            };
            let allocation = &grid.allocations[place];
            if let Some(conflict) = cursor.note((place, allocation), offset, &access) {
                races.push((who, allocation.base + offset, conflict));
            }
        }
        drop(cursor);
        let is_write = matches!(usage, Use::Write | Use::Atomic);
        for (who, address, conflict) in races {
            self.find_race(Problem::GlobalRace, who, address, is_write, conflict);
        }
    }

    fn load_global(
        &mut self,
        warp: &Warp,
        access: &Access,
        at: &Lanes<u64>,
        mask: Mask,
        place: usize,
        data: &mut Data,
    ) {
        let bytes = access.bytes * access.elements.len() as u32;
        self.count_global(at, mask, bytes, place, false);
        let mut uses = smallvec::SmallVec::<[_; LANES]>::new();
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            let Some((index, allocation, offset)) = self.global_place(at[lane], bytes, who) else {
                continue;
            };
            self.look_at_unfinished(at[lane], bytes, who, false);
            self.look_at_global(allocation, offset, bytes, who);
            uses.push((who, index, offset, bytes));
            data[lane] = words_of(allocation, offset, bytes);
        }
        self.note_global(&uses, if access.is_strong { Use::AtomicRead } else { Use::Read });
        if access.is_strong {
            for (who, index, offset, _) in uses {
                let address = self.grid.allocations[index].base + offset;
                let brought = self.grid.shadow.exchange(address, &None);
                self.clocks.receive(who.warp, &brought);
            }
        }
    }

    /// Reports a use of global memory that the launch before may still use.
    pub(crate) fn look_at_unfinished(&self, address: u64, bytes: u32, who: Who, is_write: bool) {
        let Some(unfinished) = self.grid.unfinished else { return };
        let has_waited = self.awaited[who.warp] >> who.lane & 1 == 1;
        let range = address..address.saturating_add(u64::from(bytes));
        if !has_waited && unfinished.conflicts(&range, is_write) {
            let detail = format!(
                "{bytes} bytes at {address:#x} of global memory, without griddepcontrol.wait before"
            );
            self.find(Problem::UnfinishedLaunch, who, detail, None);
        }
    }

    /// Reports a read of global memory that was never written.
    pub(crate) fn look_at_global(
        &self,
        allocation: &Allocation,
        offset: u64,
        bytes: u32,
        who: Who,
    ) {
        if self.grid.settings.finds_uninitialized
            && !allocation.is_written(offset, u64::from(bytes))
        {
            let address = allocation.base + offset;
            let detail = format!(
                "{bytes} bytes at {address:#x} of global memory, byte {offset} of an allocation of {} bytes",
                allocation.bytes
            );
            self.find(Problem::Uninitialized, who, detail, None);
        }
    }

    fn store_global(
        &mut self,
        warp: &Warp,
        access: &Access,
        at: &Lanes<u64>,
        mask: Mask,
        place: usize,
        data: &Data,
    ) {
        let bytes = access.bytes * access.elements.len() as u32;
        self.count_global(at, mask, bytes, place, true);
        let mut uses = smallvec::SmallVec::<[_; LANES]>::new();
        let is_ascending = lanes(mask).map(|lane| at[lane]).is_sorted_by(|a, b| a < b);
        let mut done: Mask = 0;
        for lane in lanes(mask) {
            let who = Who { warp: warp.index, lane, place };
            self.look_at_pending_sources(at[lane], bytes, who);
            self.look_at_unfinished(at[lane], bytes, who, true);
            let Some((index, allocation, offset)) = self.global_place(at[lane], bytes, who) else {
                continue;
            };
            let is_twin = !is_ascending && has_twin(at, data, done, lane);
            if !is_twin {
                uses.push((who, index, offset, bytes));
                done |= 1 << lane;
            }
            match bytes {
                1 | 2 => allocation.store_narrow(offset, u64::from(bytes), data[lane][0]),
                _ => allocation.store(offset, &data[lane][..bytes as usize / 4]),
            }
        }
        self.note_global(&uses, if access.is_strong { Use::Atomic } else { Use::Write });
        if access.is_strong {
            let released = self.clocks.released(warp.index, self.number);
            for (_, index, offset, _) in uses {
                self.grid.shadow.exchange(self.grid.allocations[index].base + offset, &released);
            }
        }
    }

    pub(crate) fn count_global(
        &mut self,
        at: &Lanes<u64>,
        mask: Mask,
        bytes: u32,
        place: usize,
        is_store: bool,
    ) {
        let counts = &mut self.counters.instructions[place];
        let all = u64::from(mask.count_ones() * bytes);
        match is_store {
            true => counts.global_stored += all,
            false => counts.global_loaded += all,
        }
        if self.grid.settings.counts_memory {
            let (touched, ideal) = sectors(lanes(mask).map(|lane| at[lane]), u64::from(bytes));
            counts.sectors += touched;
            counts.ideal_sectors += ideal;
        }
    }

    pub(crate) fn count_banks(&mut self, at: &Lanes<u64>, mask: Mask, bytes: u32, place: usize) {
        if self.grid.settings.counts_memory {
            let mut asked = smallvec::SmallVec::<[(usize, u32); LANES]>::new();
            asked.extend(lanes(mask).map(|lane| (lane, at[lane] as u32)));
            let (passes, fewest) = wavefronts(&asked, bytes);
            let counts = &mut self.counters.instructions[place];
            counts.wavefronts += passes;
            counts.conflicts += passes - fewest.min(passes);
        }
    }
}

/// Whether a lane before writes the same to the same place, which does no harm.
fn has_twin(at: &Lanes<u64>, data: &Data, before: Mask, lane: usize) -> bool {
    lanes(before).any(|other| at[other] == at[lane] && data[other] == data[lane])
}

/// Bytes of an allocation, as words.
pub(crate) fn words_of(allocation: &Allocation, offset: u64, bytes: u32) -> [u32; 4] {
    let mut words = [0; 4];
    match bytes {
        1 | 2 => words[0] = allocation.load_narrow(offset, u64::from(bytes)),
        _ => allocation.load(offset, &mut words[..bytes as usize / 4]),
    }
    words
}

/// Puts what was loaded into registers.
fn distribute(warp: &mut Warp, access: &Access, data: &Data, mask: Mask) {
    let bits = access.bytes * 8;
    for (index, target) in access.elements.iter().enumerate() {
        let first = index * access.bytes as usize;
        let value = |lane: usize| -> u64 {
            let words = &data[lane];
            let low = u64::from(words[first / 4]) >> (first % 4 * 8);
            match access.bytes {
                8 => low | u64::from(words[first / 4 + 1]) << 32,
                _ => low,
            }
        };
        let extended = |lane: usize| -> u64 {
            let raw = value(lane) << (64 - bits);
            if access.is_signed { (raw as i64 >> (64 - bits)) as u64 } else { raw >> (64 - bits) }
        };
        match target {
            Some((Bank::Long, slot)) => {
                u64::write(&mut warp.registers, *slot, &std::array::from_fn(extended), mask);
            }
            Some((_, slot)) => {
                let words = std::array::from_fn(|lane| extended(lane) as u32);
                u32::write(&mut warp.registers, *slot, &words, mask);
            }
            None => {}
        }
    }
}

/// Takes what is stored from registers.
fn collect(warp: &Warp, access: &Access) -> Data {
    let mut data: Data = [[0; 4]; LANES];
    let keep = if access.bytes < 4 { u32::MAX >> (32 - 8 * access.bytes) } else { u32::MAX };
    for (index, target) in access.elements.iter().enumerate() {
        let first = index * access.bytes as usize;
        match target {
            Some((Bank::Long, slot)) => {
                for (lane, value) in u64::read(&warp.registers, *slot).iter().enumerate() {
                    data[lane][first / 4] |= (*value as u32 & keep) << (first % 4 * 8);
                    if access.bytes == 8 {
                        data[lane][first / 4 + 1] = (*value >> 32) as u32;
                    }
                }
            }
            Some((_, slot)) => {
                for (lane, value) in warp.registers.word(*slot).iter().enumerate() {
                    data[lane][first / 4] |= (value & keep) << (first % 4 * 8);
                }
            }
            None => {}
        }
    }
    data
}
