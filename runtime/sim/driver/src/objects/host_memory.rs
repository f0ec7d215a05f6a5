//! Memory of the host that the device may read and write by itself: page-locked memory.

use crate::errors::{Error, Result};
use crate::handles::Handle;
use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ops::Range;

/// To what the memory is aligned, and what is never cut: a page.
const PAGE: usize = 4096;

/// All of it, by the first address.
#[derive(Default)]
pub(crate) struct HostMemory(BTreeMap<usize, Region>);

/// A piece of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub context: Handle,
    pub bytes: usize,
    pub flags: u32,
    /// Whether the program had it before, and only registered it.
    pub is_registered: bool,
}

impl HostMemory {
    /// Memory that the driver allocates, filled with poison.
    pub(crate) fn allocate(&mut self, context: Handle, bytes: usize, flags: u32) -> Result<usize> {
        let layout = layout(bytes)?;
        // SAFETY: the layout has a size.
        let address = unsafe { std::alloc::alloc(layout) };
        if address.is_null() {
            return Err(Error::OUT_OF_MEMORY);
        }
        // SAFETY: so many bytes were allocated there.
        unsafe { address.write_bytes(u8::MAX, bytes) };
        let address = address.expose_provenance();
        self.0.insert(address, Region { context, bytes, flags, is_registered: false });
        Ok(address)
    }

    /// Gives back what was allocated.
    pub(crate) fn free(&mut self, address: usize) -> Result<()> {
        let region = self.0.get(&address).filter(|region| !region.is_registered);
        let layout = layout(region.ok_or(Error::INVALID_VALUE)?.bytes)?;
        self.0.remove(&address);
        // SAFETY: it was allocated so, and is on the list no more.
        unsafe { std::alloc::dealloc(std::ptr::with_exposed_provenance_mut(address), layout) };
        Ok(())
    }

    /// Takes memory of the program as page-locked.
    pub(crate) fn register(&mut self, address: usize, region: Region) -> Result<()> {
        let end = address.checked_add(region.bytes).ok_or(Error::INVALID_VALUE)?;
        if address == 0 || region.bytes == 0 {
            return Err(Error::INVALID_VALUE);
        }
        let overlaps = self.0.iter().any(|(at, other)| *at < end && address < at + other.bytes);
        if overlaps {
            return Err(Error::HOST_MEMORY_ALREADY_REGISTERED);
        }
        self.0.insert(address, region);
        Ok(())
    }

    /// Forgets memory that was registered.
    pub(crate) fn unregister(&mut self, address: usize) -> Result<()> {
        match self.0.get(&address) {
            Some(region) if region.is_registered => {
                self.0.remove(&address);
                Ok(())
            }
            _ => Err(Error::HOST_MEMORY_NOT_REGISTERED),
        }
    }

    /// The piece that an address lies in, with where it begins.
    pub(crate) fn find(&self, address: usize) -> Option<(usize, Region)> {
        let (at, region) = self.0.range(..=address).next_back()?;
        (address - at < region.bytes).then_some((*at, *region))
    }

    /// Whether all bytes of a range are page-locked.
    pub(crate) fn holds(&self, range: &Range<usize>) -> bool {
        match self.find(range.start) {
            Some((at, region)) => range.end <= at + region.bytes,
            None => range.is_empty(),
        }
    }

    /// Gives back all that a context had.
    pub(crate) fn forget(&mut self, context: Handle) {
        let all: Vec<(usize, bool)> = self
            .0
            .iter()
            .filter(|(_, region)| region.context == context)
            .map(|(at, region)| (*at, region.is_registered))
            .collect();
        for (address, is_registered) in all {
            // Both are there, as they were found in this very list.
            let _ = if is_registered { self.unregister(address) } else { self.free(address) };
        }
    }
}

fn layout(bytes: usize) -> Result<Layout> {
    match bytes {
        0 => Err(Error::INVALID_VALUE),
        _ => Layout::from_size_align(bytes, PAGE).map_err(|_| Error::OUT_OF_MEMORY),
    }
}
