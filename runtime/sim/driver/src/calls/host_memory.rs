//! Page-locked memory of the host. Kernels cannot reach it.

use crate::abi::Anything;
use crate::arguments::Out;
use crate::driver::lock;
use crate::errors::{Error, Result};
use crate::execution::synchronize;
use crate::objects::host_memory::Region;

driver_functions! {
    fn cuMemHostAlloc(address: Out<usize>, bytes: usize, flags: u32) {
        allocate(address, bytes, flags)
    }

    fn cuMemAllocHost_v2(address: Out<usize>, bytes: usize) {
        allocate(address, bytes, 0)
    }

    fn cuMemFreeHost(memory: Anything) {
        let address = memory.address();
        let mut state = lock();
        state.usable()?;
        let (at, region) = state.host_memory.find(address).ok_or(Error::INVALID_VALUE)?;
        if at != address || region.is_registered {
            return Err(Error::INVALID_VALUE);
        }
        state.refuse_in_capture()?;
        drop(state);
        // Work that is queued may use it.
        synchronize(region.context)?;
        lock().host_memory.free(address)
    }

    fn cuMemHostRegister_v2(memory: Anything, bytes: usize, flags: u32) {
        let mut state = lock();
        let context = state.usable()?;
        state.refuse_in_capture()?;
        let region = Region { context, bytes, flags, is_registered: true };
        state.host_memory.register(memory.address(), region)
    }

    fn cuMemHostUnregister(memory: Anything) {
        let address = memory.address();
        let state = lock();
        state.usable()?;
        let (at, region) =
            state.host_memory.find(address).ok_or(Error::HOST_MEMORY_NOT_REGISTERED)?;
        if at != address || !region.is_registered {
            return Err(Error::HOST_MEMORY_NOT_REGISTERED);
        }
        drop(state);
        synchronize(region.context)?;
        lock().host_memory.unregister(address)
    }

    fn cuMemHostGetFlags(flags: Out<u32>, memory: Anything) {
        let state = lock();
        state.usable()?;
        let found = state.host_memory.find(memory.address());
        flags.give(found.ok_or(Error::INVALID_VALUE)?.1.flags)
    }
}

fn allocate(address: Out<usize>, bytes: usize, flags: u32) -> Result<()> {
    let mut state = lock();
    let context = state.usable()?;
    if address.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    state.refuse_in_capture()?;
    address.give(state.host_memory.allocate(context, bytes, flags)?)
}
