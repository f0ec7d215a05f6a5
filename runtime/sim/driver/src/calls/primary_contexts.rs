//! The context of a device that all of a process may share.

use super::contexts::{self, create, destroy};
use crate::arguments::Out;
use crate::driver::lock;
use crate::errors::{Error, Result};
use crate::handles::Handle;

driver_functions! {
    fn cuDevicePrimaryCtxRetain(context: Out<Handle>, device: i32) {
        let mut state = lock();
        let number = state.device(device)?;
        if context.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        let (primary, flags) = (state.devices[number].primary, state.devices[number].primary_flags);
        let primary = match primary {
            Some(primary) => primary,
            None => create(&mut state, number, flags, true)?,
        };
        state.devices[number].primary = Some(primary);
        state.devices[number].retained += 1;
        context.give(primary)
    }

    fn cuDevicePrimaryCtxRelease_v2(device: i32) {
        release(device)
    }

    fn cuDevicePrimaryCtxRelease(device: i32) {
        release(device)
    }

    fn cuDevicePrimaryCtxReset_v2(device: i32) {
        reset(device)
    }

    fn cuDevicePrimaryCtxReset(device: i32) {
        reset(device)
    }

    fn cuDevicePrimaryCtxGetState(device: i32, flags: Out<u32>, is_active: Out<i32>) {
        let state = lock();
        let own = &state.devices[state.device(device)?];
        flags.give(own.primary_flags)?;
        is_active.give(i32::from(own.primary.is_some()))
    }

    fn cuDevicePrimaryCtxSetFlags_v2(device: i32, flags: u32) {
        let mut state = lock();
        let number = state.device(device)?;
        state.devices[number].primary_flags = flags;
        if let Some(context) = state.devices[number].primary {
            state.contexts.get_mut(context)?.flags = flags;
        }
        Ok(())
    }
}

fn release(device: i32) -> Result<()> {
    let mut state = lock();
    let number = state.device(device)?;
    let own = &mut state.devices[number];
    let Some(primary) = own.primary else { return Err(Error::INVALID_CONTEXT) };
    own.retained = own.retained.saturating_sub(1);
    if own.retained > 0 {
        return Ok(());
    }
    own.primary = None;
    drop(state);
    destroy(primary)
}

/// The context stays, and so do those who retain it; what was in it is gone.
fn reset(device: i32) -> Result<()> {
    let state = lock();
    let primary = state.devices[state.device(device)?].primary;
    drop(state);
    primary.map_or(Ok(()), contexts::reset)
}
