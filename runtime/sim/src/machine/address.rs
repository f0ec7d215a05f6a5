//! Addresses: of each lane, and in which state space they lie.

use super::Machine;
use crate::code::{Address, Area};
use crate::registers::{Bank, Lanes, Mask, Registers, lanes};
use smallvec::SmallVec;

/// The bytes of a window: what generic addresses of a state space span.
pub(crate) const WINDOW: u64 = 1 << 28;

/// Where generic addresses of shared memory begin.
pub(crate) const SHARED_WINDOW: u64 = 1 << 32;

/// Where generic addresses of local memory begin.
pub(crate) const LOCAL_WINDOW: u64 = 2 << 32;

/// Where generic addresses of parameters begin.
pub(crate) const PARAMETER_WINDOW: u64 = 3 << 32;

/// The first address of shared memory in its own space. No memory begins at 0, so that null points nowhere.
pub(crate) const SHARED_START: u64 = 1024;

/// The first address of local memory in its own space.
pub(crate) const LOCAL_START: u64 = 1024;

/// The first address of the parameters in their own space.
pub(crate) const PARAMETER_START: u64 = 1024;

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
