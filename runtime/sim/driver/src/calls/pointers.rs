//! What an address leads to.

use crate::abi::Anything;
use crate::arguments::In;
use crate::driver::{State, lock};
use crate::errors::{Error, Result};

driver_functions! {
    fn cuPointerGetAttribute(value: Anything, attribute: u32, address: u64) {
        let state = lock();
        state.usable()?;
        attribute_of(&state, value, attribute, address)
    }

    fn cuPointerGetAttributes(count: u32, attributes: In<u32>, values: In<Anything>, address: u64) {
        let state = lock();
        state.usable()?;
        let attributes = attributes.list(count as usize)?;
        let values = values.list(count as usize)?;
        for (attribute, value) in attributes.into_iter().zip(values) {
            // What an address has not is left as it is.
            let _ = attribute_of(&state, value, attribute, address);
        }
        Ok(())
    }
}

fn attribute_of(state: &State, value: Anything, attribute: u32, address: u64) -> Result<()> {
    const HOST: u32 = 1;
    const DEVICE: u32 = 2;
    let current = state.usable()?;
    let on_device = state.devices.iter().find_map(|device| device.memory.allocation_at(address));
    let on_host = state.host_memory.find(address as usize);
    let (kind, context, first, bytes) = match (on_device, on_host) {
        (Some((first, bytes)), _) => (DEVICE, state.owner(first).unwrap_or(current), first, bytes),
        (None, Some((first, region))) => (HOST, region.context, first as u64, region.bytes as u64),
        (None, None) => return Err(Error::INVALID_VALUE),
    };
    let device = state.contexts.get(context)?.device;
    match attribute {
        1 => value.cast::<usize>().give(context),
        2 => value.cast::<u32>().give(kind),
        3 if kind == DEVICE => value.cast::<u64>().give(address),
        4 if kind == HOST => value.cast::<u64>().give(address),
        // Whether all that uses it synchronizes, and whether it is managed.
        6 | 8 => value.cast::<u32>().give(0),
        7 => value.cast::<u64>().give(first),
        9 => value.cast::<i32>().give(device as i32),
        11 => value.cast::<u64>().give(first),
        12 => value.cast::<usize>().give(bytes as usize),
        13 => value.cast::<u32>().give(1),
        _ => Err(Error::INVALID_VALUE),
    }
}
