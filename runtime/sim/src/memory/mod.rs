//! The memory of a device, with its addresses.
//!
//! Allocations lie apart, with a gap behind each that nothing is in, and an address is never given twice; so an access past an
//! end, or to what was freed, hits nothing and is found. Each byte is noted as written or not. New memory holds ones in all
//! bits, which are no numbers as f32, f16 and bf16.

mod allocation;
mod global_shadow;

pub(crate) use allocation::Allocation;
pub(crate) use global_shadow::GlobalShadow;

use std::sync::{Arc, PoisonError, RwLock};

/// The first address of the first allocation.
const FIRST: u64 = 0x7_0000_0000;

/// From the first address of a device to that of the next. It is more than is ever allocated on one.
const SPAN: u64 = 1 << 46;

/// To what allocations are aligned.
const ALIGNMENT: u64 = 512;

/// No less than so many bytes lie between two allocations.
const GAP: u64 = 4096;

/// More bytes than these are given to nobody.
const MOST: u64 = 1 << 40;

/// A fault in the use of memory from the host's side.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MemoryError {
    /// There is not as much left.
    #[error("{wanted} bytes are wanted, and {left} are free")]
    OutOfMemory {
        /// The bytes that were asked for.
        wanted: u64,
        /// The bytes that are free.
        left: u64,
    },
    /// No allocation begins there.
    #[error("no allocation begins at {0:#x}")]
    NoAllocation(u64),
    /// The bytes lie in no single allocation.
    #[error("{bytes} bytes at {address:#x} lie in no allocation")]
    OutOfBounds {
        /// The first address.
        address: u64,
        /// How many bytes.
        bytes: u64,
    },
}

#[derive(Debug)]
struct State {
    /// In the order of their addresses.
    allocations: Arc<Vec<Arc<Allocation>>>,
    next: u64,
    left: u64,
}

/// The memory of a device. Threads may use it at once; what they write into the same bytes is then any of it.
#[derive(Debug)]
pub struct Memory {
    state: RwLock<State>,
}

impl Memory {
    /// A device with so many bytes.
    pub fn new(capacity: u64) -> Self {
        Self::of_device(0, capacity)
    }

    /// The same for one of several devices, by its number: no address of one is an address of another.
    pub fn of_device(number: u16, capacity: u64) -> Self {
        let next = FIRST + u64::from(number) * SPAN;
        let state = State { allocations: Arc::default(), next, left: capacity };
        Self { state: RwLock::new(state) }
    }

    /// Bytes that are free.
    pub fn left(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).left
    }

    /// So many bytes, of which nothing is written.
    pub fn allocate(&self, bytes: u64) -> Result<u64, MemoryError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let full = MemoryError::OutOfMemory { wanted: bytes, left: state.left };
        if bytes > state.left || bytes > MOST {
            return Err(full);
        }
        let address = state.next;
        let allocation = Allocation::new(address, bytes).ok_or(full)?;
        state.next += (bytes + GAP).next_multiple_of(ALIGNMENT);
        state.left -= bytes;
        Arc::make_mut(&mut state.allocations).push(Arc::new(allocation));
        Ok(address)
    }

    /// Gives an allocation back.
    pub fn free(&self, address: u64) -> Result<(), MemoryError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let found = state.allocations.binary_search_by_key(&address, |allocation| allocation.base);
        let place = found.map_err(|_| MemoryError::NoAllocation(address))?;
        let allocation = Arc::make_mut(&mut state.allocations).remove(place);
        state.left += allocation.bytes;
        Ok(())
    }

    /// The allocation that an address lies in: where it begins and how many bytes it has.
    pub fn allocation_at(&self, address: u64) -> Option<(u64, u64)> {
        let allocations = self.allocations();
        let allocation = &allocations[find(&allocations, address)?];
        Some((allocation.base, allocation.bytes))
    }

    /// Writes bytes.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        let (allocation, offset) = self.range(address, bytes.len() as u64)?;
        allocation.write(offset, bytes);
        Ok(())
    }

    /// Reads bytes, written or not.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), MemoryError> {
        let (allocation, offset) = self.range(address, bytes.len() as u64)?;
        allocation.read(offset, bytes);
        Ok(())
    }

    /// Copies bytes, and with them whether they were written.
    pub fn copy(&self, to: u64, from: u64, bytes: u64) -> Result<(), MemoryError> {
        let (source, first) = self.range(from, bytes)?;
        let (target, at) = self.range(to, bytes)?;
        let mut data = vec![0; bytes as usize];
        source.read(first, &mut data);
        if source.is_written(first, bytes) {
            target.write(at, &data);
            return Ok(());
        }
        // The two may overlap: what was written is looked at before anything changes.
        let written: Vec<bool> =
            (0..bytes).map(|byte| source.is_written(first + byte, 1)).collect();
        target.write(at, &data);
        for byte in (0..bytes).filter(|byte| !written[*byte as usize]) {
            target.forget(at + byte, 1);
        }
        Ok(())
    }

    /// Makes bytes such as never were written.
    pub fn forget(&self, address: u64, bytes: u64) -> Result<(), MemoryError> {
        let (allocation, offset) = self.range(address, bytes)?;
        allocation.forget(offset, bytes);
        Ok(())
    }

    /// The first byte of a range that was never written.
    pub fn first_unwritten(&self, address: u64, bytes: u64) -> Result<Option<u64>, MemoryError> {
        let (allocation, offset) = self.range(address, bytes)?;
        if allocation.is_written(offset, bytes) {
            return Ok(None);
        }
        let unwritten = (0..bytes).find(|byte| !allocation.is_written(offset + byte, 1));
        Ok(unwritten.map(|byte| address + byte))
    }

    fn range(&self, address: u64, bytes: u64) -> Result<(Arc<Allocation>, u64), MemoryError> {
        let allocations = self.allocations();
        let fault = MemoryError::OutOfBounds { address, bytes };
        let Some(place) = find(&allocations, address) else { return Err(fault) };
        let allocation = &allocations[place];
        let offset = address - allocation.base;
        match offset.checked_add(bytes) {
            Some(end) if end <= allocation.bytes => Ok((allocation.clone(), offset)),
            _ => Err(fault),
        }
    }

    /// The allocations as they are now.
    pub(crate) fn allocations(&self) -> Arc<Vec<Arc<Allocation>>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).allocations.clone()
    }
}

/// The place of the allocation that an address lies in, its end included.
pub(crate) fn find(allocations: &[Arc<Allocation>], address: u64) -> Option<usize> {
    let after = allocations.partition_point(|allocation| allocation.base <= address);
    let place = after.checked_sub(1)?;
    let allocation = &allocations[place];
    (address - allocation.base <= allocation.bytes).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_no_address_in_common() {
        let [first, second] = [0, 1].map(|number| Memory::of_device(number, 1 << 40));
        let (a, b) = (first.allocate(8).unwrap(), second.allocate(8).unwrap());
        assert!(first.allocation_at(b).is_none() && second.allocation_at(a).is_none());
    }

    #[test]
    fn bytes_are_found_again_and_nothing_else_is() {
        let memory = Memory::new(1000);
        let (a, b) = (memory.allocate(10).unwrap(), memory.allocate(900).unwrap());
        assert_eq!((a % 512, b % 512, memory.left()), (0, 0, 90));
        memory.write(a + 3, &[1, 2, 3, 4, 5]).unwrap();
        let mut bytes = [0; 10];
        memory.read(a, &mut bytes).unwrap();
        assert_eq!(bytes, [255, 255, 255, 1, 2, 3, 4, 5, 255, 255]);
        assert_eq!(memory.first_unwritten(a + 3, 5), Ok(None));
        assert_eq!(memory.first_unwritten(a + 3, 6), Ok(Some(a + 8)));
        memory.copy(b + 1, a + 2, 4).unwrap();
        assert_eq!(memory.first_unwritten(b + 1, 2), Ok(Some(b + 1)));
        assert_eq!(memory.first_unwritten(b + 2, 3), Ok(None));
        let out = MemoryError::OutOfBounds { address: a + 5, bytes: 6 };
        assert_eq!(memory.write(a + 5, &[0; 6]), Err(out));
        assert_eq!(memory.allocate(91), Err(MemoryError::OutOfMemory { wanted: 91, left: 90 }));
        assert_eq!(memory.free(a + 1), Err(MemoryError::NoAllocation(a + 1)));
        memory.free(a).unwrap();
        assert!(memory.read(a, &mut [0]).is_err());
        assert_eq!(memory.left(), 100);
    }
}
