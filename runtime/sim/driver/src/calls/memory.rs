//! The memory of devices.

use crate::arguments::Out;
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::execution::synchronize;
use crate::handles::Handle;

driver_functions! {
    fn cuMemAlloc_v2(address: Out<u64>, bytes: usize) {
        let mut state = lock();
        let context = state.usable()?;
        if bytes == 0 || address.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        state.refuse_in_capture()?;
        address.give(state.allocate(context, bytes as u64)?)
    }

    fn cuMemAllocPitch_v2(
        address: Out<u64>,
        pitch: Out<usize>,
        width_bytes: usize,
        height: usize,
        element_bytes: u32,
    ) {
        const ALIGNMENT: usize = 512;
        let mut state = lock();
        let context = state.usable()?;
        let row = width_bytes.checked_next_multiple_of(ALIGNMENT).ok_or(Error::INVALID_VALUE)?;
        let bytes = row.checked_mul(height).ok_or(Error::INVALID_VALUE)?;
        let is_element = matches!(element_bytes, 4 | 8 | 16);
        if bytes == 0 || address.is_null() || pitch.is_null() || !is_element {
            return Err(Error::INVALID_VALUE);
        }
        state.refuse_in_capture()?;
        address.give(state.allocate(context, bytes as u64)?)?;
        pitch.give(row)
    }

    fn cuMemFree_v2(address: u64) {
        let mut state = lock();
        state.usable()?;
        if address == 0 {
            return Ok(());
        }
        let owner = state.owner(address)?;
        state.refuse_in_capture()?;
        drop(state);
        // Work that is queued may use it.
        synchronize(owner)?;
        let mut state = lock();
        let memory = state.memory(owner)?;
        state.contexts.get_mut(owner)?.allocations.remove(&address).ok_or(Error::INVALID_VALUE)?;
        memory.free(address).map_err(|_| Error::INVALID_VALUE)
    }

    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) {
        let state = lock();
        let context = state.usable()?;
        free.give(state.memory(context)?.left() as usize)?;
        total.give(state.settings()?.memory as usize)
    }

    fn cuMemGetAddressRange_v2(base: Out<u64>, bytes: Out<usize>, address: u64) {
        let state = lock();
        let context = state.usable()?;
        let range = state.memory(context)?.allocation_at(address);
        let (first, count) = range.ok_or(Error::NOT_FOUND)?;
        base.offer(first);
        bytes.offer(count as usize);
        Ok(())
    }
}

impl State {
    /// Memory of a context's device, for the context.
    pub(super) fn allocate(&mut self, context: Handle, bytes: u64) -> Result<u64> {
        let address = self.memory(context)?.allocate(bytes).map_err(|_| Error::OUT_OF_MEMORY)?;
        self.contexts.get_mut(context)?.allocations.insert(address, bytes);
        Ok(address)
    }

    /// The context in which something was allocated that begins at an address.
    pub(super) fn owner(&self, address: u64) -> Result<Handle> {
        let mut all = self.contexts.iter();
        let found = all.find(|(_, context)| context.allocations.contains_key(&address));
        found.map(|(handle, _)| handle).ok_or(Error::INVALID_VALUE)
    }

    /// Refuses a range that lies in no allocation.
    pub(super) fn check_range(&self, context: Handle, address: u64, bytes: u64) -> Result<()> {
        let found = self.memory(context)?.allocation_at(address);
        let (first, count) = found.ok_or(Error::INVALID_VALUE)?;
        let end = address.checked_add(bytes).ok_or(Error::INVALID_VALUE)?;
        (end <= first + count).then_some(()).ok_or(Error::INVALID_VALUE)
    }
}
