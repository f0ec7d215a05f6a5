//! Atomic operations on global and shared memory.

use super::address::addresses;
use super::warp::Warp;
use super::{Machine, Who};
use crate::clocks::Use;
use crate::code::{Area, Atomic, Target};
use crate::registers::{Bank, Element, LANES, Lanes, Mask, lanes};

impl Machine<'_> {
    pub(crate) fn atomic(&mut self, warp: &mut Warp, atomic: &Atomic, mask: Mask, place: usize) {
        let mut at = addresses(&warp.registers, &atomic.address);
        let operands = atomic.operands.map(|operand| values_of(warp, operand));
        let mut old: Lanes<u64> = [0; LANES];
        if atomic.is_released {
            self.clocks.fence(warp.index);
        }
        for (area, mask) in self.by_area(atomic.address.area, &mut at, mask) {
            if area == Area::Shared {
                self.count_banks(&at, mask, atomic.bytes, place);
            } else {
                self.count_global(&at, mask, atomic.bytes, place, true);
            }
            for lane in lanes(mask) {
                let who = Who { warp: warp.index, lane, place };
                let [a, b] = [operands[0][lane], operands[1][lane]];
                let found = match area {
                    Area::Shared => self.atomic_shared(atomic, at[lane], [a, b], who),
                    _ => self.atomic_global(atomic, at[lane], [a, b], who),
                };
                old[lane] = found.unwrap_or(u64::MAX);
            }
        }
        if atomic.is_acquired {
            self.clocks.fence(warp.index);
        }
        match atomic.into {
            Some((Bank::Long, slot)) => u64::write(&mut warp.registers, slot, &old, mask),
            Some((_, slot)) => {
                u32::write(&mut warp.registers, slot, &old.map(|old| old as u32), mask)
            }
            None => {}
        }
    }

    fn atomic_shared(
        &mut self,
        atomic: &Atomic,
        address: u64,
        [a, b]: [u64; 2],
        who: Who,
    ) -> Option<u64> {
        let at = self.shared_place(address, atomic.bytes, who)?;
        self.note_shared(at, atomic.bytes, Use::Atomic, who, who.lane);
        let [low, high, ..] = self.shared_words(at, atomic.bytes);
        let old = u64::from(low) | u64::from(high) << 32;
        let new = (atomic.update)(old, a, b);
        self.set_shared_words(at, atomic.bytes, [new as u32, (new >> 32) as u32, 0, 0]);
        Some(old)
    }

    fn atomic_global(
        &mut self,
        atomic: &Atomic,
        address: u64,
        [a, b]: [u64; 2],
        who: Who,
    ) -> Option<u64> {
        let (index, allocation, offset) = self.global_place(address, atomic.bytes, who)?;
        self.look_at_unfinished(address, atomic.bytes, who, true);
        self.look_at_global(allocation, offset, atomic.bytes, who);
        self.note_global(&[(who, index, offset, atomic.bytes)], Use::Atomic);
        let released = self.clocks.released(who.warp, self.number);
        let (old, brought) =
            self.grid.shadow.exchange_with(address, &released, || match atomic.bytes {
                8 => allocation.update_long(offset, |old| (atomic.update)(old, a, b)),
                _ => u64::from(
                    allocation.update(offset, |old| (atomic.update)(u64::from(old), a, b) as u32),
                ),
            });
        self.clocks.receive(who.warp, &brought);
        Some(old)
    }
}

fn values_of(warp: &Warp, operand: Target) -> Lanes<u64> {
    match operand {
        Some((Bank::Long, slot)) => u64::read(&warp.registers, slot),
        Some((_, slot)) => warp.registers.word(slot).map(u64::from),
        None => [0; LANES],
    }
}
