//! Addresses: of each lane, and in which state space they lie.

use super::Machine;
use crate::address_space::{LOCAL_WINDOW, PARAMETER_WINDOW, SHARED_WINDOW, WINDOW};
use crate::code::{Address, Area};
use crate::registers::{Bank, Lanes, Mask, Registers, lanes};
use smallvec::SmallVec;

/// The address of each lane, in the space that the instruction names.
pub(crate) fn addresses(registers: &Registers, address: &Address) -> Lanes<u64> {
    match address.base {
        Some((Bank::Long, slot)) => {
            registers.longs[slot.0 as usize].map(|base| base.wrapping_add_signed(address.offset))
        }
        Some((_, slot)) => {
            registers.word(slot).map(|base| u64::from(base).wrapping_add_signed(address.offset))
        }
        None => [address.offset as u64; 32],
    }
}

impl Machine<'_> {
    /// Splits lanes by the space that their addresses lie in, and makes addresses those of the space.
    pub(crate) fn by_area(
        &self,
        area: Area,
        addresses: &mut Lanes<u64>,
        mask: Mask,
    ) -> SmallVec<[(Area, Mask); 4]> {
        if area != Area::Generic {
            return SmallVec::from_slice(&[(area, mask)]);
        }
        let mut found: SmallVec<[(Area, Mask); 4]> = SmallVec::new();
        for lane in lanes(mask) {
            let address = &mut addresses[lane];
            let own = match *address & !(WINDOW - 1) {
                SHARED_WINDOW => Area::Shared,
                LOCAL_WINDOW => Area::Local,
                PARAMETER_WINDOW => Area::Parameter,
                _ => Area::Global,
            };
            if own != Area::Global {
                *address &= WINDOW - 1;
            }
            match found.iter_mut().find(|(area, _)| *area == own) {
                Some((_, mask)) => *mask |= 1 << lane,
                None => found.push((own, 1 << lane)),
            }
        }
        found
    }
}
