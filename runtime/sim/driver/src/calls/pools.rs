//! Memory that is allocated and freed in the order of a stream. All pools of a device share its memory.

use crate::abi::Anything;
use crate::arguments::{In, Out};
use crate::driver::{State, lock};
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::work::Work;

driver_functions! {
    /// The address is given at once; what lies there is poison.
    fn cuMemAllocAsync(address: Out<u64>, bytes: usize, stream: Handle) {
        allocate(address, bytes, stream)
    }

    fn cuMemAllocFromPoolAsync(address: Out<u64>, bytes: usize, pool: Handle, stream: Handle) {
        lock().pools.get(pool)?;
        allocate(address, bytes, stream)
    }

    fn cuMemFreeAsync(address: u64, stream: Handle) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        if address == 0 {
            return Ok(());
        }
        refuse_capture(&state, stream)?;
        let owner = state.owner(address)?;
        let own = state.streams.get(stream)?.context;
        if state.contexts.get(owner)?.device != state.contexts.get(own)?.device {
            return Err(Error::INVALID_VALUE);
        }
        state.submit(stream, Work::Free(address))?;
        state.contexts.get_mut(owner)?.allocations.remove(&address);
        Ok(())
    }

    fn cuDeviceGetDefaultMemPool(pool: Out<Handle>, device: i32) {
        pool.give(lock().default_pool(device)?)
    }

    fn cuDeviceGetMemPool(pool: Out<Handle>, device: i32) {
        pool.give(lock().default_pool(device)?)
    }

    fn cuDeviceSetMemPool(device: i32, pool: Handle) {
        let state = lock();
        let number = state.device(device)?;
        (*state.pools.get(pool)? == number).then_some(()).ok_or(Error::INVALID_VALUE)
    }

    fn cuMemPoolCreate(pool: Out<Handle>, properties: In<[u32; 4]>) {
        let mut state = lock();
        // Kind, handles, where, and there which: pinned memory of a device.
        let [kind, handles, place, number] = properties.get()?;
        let device = state.device(number as i32)?;
        if (kind, handles, place) != (1, 0, 1) || pool.is_null() {
            return Err(Error::NOT_SUPPORTED);
        }
        pool.give(state.pools.add(device))
    }

    fn cuMemPoolDestroy(pool: Handle) {
        let mut state = lock();
        if state.devices.iter().any(|device| device.pool == Some(pool)) {
            return Err(Error::INVALID_VALUE);
        }
        state.pools.remove(pool).map(drop)
    }

    fn cuMemPoolTrimTo(pool: Handle, _bytes: usize) {
        lock().pools.get(pool).map(drop)
    }

    /// Nothing is kept behind what is in use, so that no attribute changes anything.
    fn cuMemPoolSetAttribute(pool: Handle, attribute: u32, value: Anything) {
        lock().pools.get(pool)?;
        let is_set = (1..=8).contains(&attribute) && !value.is_null();
        is_set.then_some(()).ok_or(Error::INVALID_VALUE)
    }

    fn cuMemPoolGetAttribute(pool: Handle, attribute: u32, value: Anything) {
        let state = lock();
        let device = *state.pools.get(pool)?;
        let used = state.settings()?.memory - state.devices[device].memory.left();
        match attribute {
            // Whether memory is used again behind events, by chance, and behind dependencies that are added.
            1..=3 => value.cast::<i32>().give(1),
            // What is kept at the least.
            4 => value.cast::<u64>().give(0),
            // What is reserved and used, now and at most.
            5..=8 => value.cast::<u64>().give(used),
            _ => Err(Error::INVALID_VALUE),
        }
    }
}

impl State {
    /// The pool of a device, made when it is first asked for.
    fn default_pool(&mut self, device: i32) -> Result<Handle> {
        let number = self.device(device)?;
        let known = self.devices[number].pool;
        let own = known.unwrap_or_else(|| self.pools.add(number));
        self.devices[number].pool = Some(own);
        Ok(own)
    }
}

fn allocate(address: Out<u64>, bytes: usize, stream: Handle) -> Result<()> {
    let mut state = lock();
    let stream = state.stream(stream)?;
    refuse_capture(&state, stream)?;
    let context = state.streams.get(stream)?.context;
    match bytes {
        0 => address.give(0),
        _ if address.is_null() => Err(Error::INVALID_VALUE),
        _ => address.give(state.allocate(context, bytes as u64)?),
    }
}

/// Nodes that allocate and free are not supported.
fn refuse_capture(state: &State, stream: Handle) -> Result<()> {
    match state.streams.get(stream)?.capture {
        Some(_) => Err(Error::NOT_SUPPORTED),
        None => Ok(()),
    }
}
