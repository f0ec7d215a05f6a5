//! Contexts: which one is current, its limits, its end.

use crate::abi::Anything;
use crate::arguments::Out;
use crate::driver::{State, lock, with_contexts};
use crate::errors::{Error, Result};
use crate::execution::synchronize;
use crate::handles::Handle;
use crate::objects::context::Context;
use crate::objects::stream::{Kind, Stream};

driver_functions! {
    fn cuCtxCreate_v2(context: Out<Handle>, flags: u32, device: i32) {
        create_current(context, flags, device)
    }

    fn cuCtxCreate_v3(
        context: Out<Handle>,
        affinities: Anything,
        count: i32,
        flags: u32,
        device: i32,
    ) {
        if !affinities.is_null() && count > 0 {
            return Err(Error::NOT_SUPPORTED);
        }
        create_current(context, flags, device)
    }

    fn cuCtxCreate_v4(context: Out<Handle>, parameters: Anything, flags: u32, device: i32) {
        if !parameters.is_null() {
            return Err(Error::NOT_SUPPORTED);
        }
        create_current(context, flags, device)
    }

    fn cuCtxDestroy_v2(context: Handle) {
        let own = lock();
        if own.contexts.get(context).map_err(|_| Error::INVALID_CONTEXT)?.is_primary {
            return Err(Error::INVALID_CONTEXT);
        }
        drop(own);
        with_contexts(|all| all.pop_if(|last| *last == context));
        destroy(context)
    }

    fn cuCtxGetCurrent(context: Out<Handle>) {
        lock().settings()?;
        context.give(with_contexts(|all| all.last().copied()).unwrap_or(0))
    }

    fn cuCtxSetCurrent(context: Handle) {
        let state = lock();
        state.settings()?;
        if context != 0 {
            state.contexts.get(context).map_err(|_| Error::INVALID_CONTEXT)?;
        }
        with_contexts(|all| {
            all.pop();
            if context != 0 {
                all.push(context);
            }
        });
        Ok(())
    }

    fn cuCtxPushCurrent_v2(context: Handle) {
        let state = lock();
        state.settings()?;
        state.contexts.get(context).map_err(|_| Error::INVALID_CONTEXT)?;
        with_contexts(|all| all.push(context));
        Ok(())
    }

    fn cuCtxPopCurrent_v2(context: Out<Handle>) {
        lock().settings()?;
        let popped = with_contexts(Vec::pop).ok_or(Error::INVALID_CONTEXT)?;
        context.offer(popped);
        Ok(())
    }

    fn cuCtxGetDevice(device: Out<i32>) {
        let state = lock();
        device.give(state.contexts.get(state.current()?)?.device as i32)
    }

    fn cuCtxGetDevice_v2(device: Out<i32>, context: Handle) {
        let state = lock();
        device.give(state.contexts.get(state.meant(context)?)?.device as i32)
    }

    fn cuCtxGetFlags(flags: Out<u32>) {
        let state = lock();
        flags.give(state.contexts.get(state.current()?)?.flags)
    }

    fn cuCtxSetFlags(flags: u32) {
        let mut state = lock();
        let current = state.current()?;
        state.contexts.get_mut(current)?.flags = flags;
        Ok(())
    }

    fn cuCtxGetId(context: Handle, id: Out<u64>) {
        id.give(lock().meant(context)? as u64)
    }

    fn cuCtxGetApiVersion(context: Handle, version: Out<u32>) {
        lock().meant(context)?;
        version.give(3020)
    }

    fn cuCtxSynchronize() {
        synchronize_context(0)
    }

    fn cuCtxSynchronize_v2(context: Handle) {
        synchronize_context(context)
    }

    fn cuCtxGetLimit(value: Out<usize>, limit: u32) {
        let state = lock();
        let context = state.contexts.get(state.usable()?)?;
        let known = DEFAULT_LIMITS.iter().find(|(own, _)| *own == limit);
        let (_, default) = known.ok_or(Error::UNSUPPORTED_LIMIT)?;
        value.give(context.limits.get(&limit).copied().unwrap_or(*default))
    }

    fn cuCtxSetLimit(limit: u32, value: usize) {
        let mut state = lock();
        let current = state.usable()?;
        if !DEFAULT_LIMITS.iter().any(|(own, _)| *own == limit) {
            return Err(Error::UNSUPPORTED_LIMIT);
        }
        state.contexts.get_mut(current)?.limits.insert(limit, value);
        Ok(())
    }

    fn cuCtxGetCacheConfig(config: Out<u32>) {
        let state = lock();
        config.give(state.contexts.get(state.usable()?)?.cache_config)
    }

    fn cuCtxSetCacheConfig(config: u32) {
        let mut state = lock();
        let current = state.usable()?;
        state.contexts.get_mut(current)?.cache_config = config;
        Ok(())
    }

    fn cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) {
        lock().usable()?;
        least.offer(0);
        greatest.offer(GREATEST_PRIORITY);
        Ok(())
    }
}

/// The priority of streams that goes first; 0 goes last. The simulator does not look at it.
pub(super) const GREATEST_PRIORITY: i32 = -5;

/// Limits that a context has, by their numbers, and what they are: stack, printf, heap, depth and count of launches by the
/// device, granularity of fetches, cache that persists.
const DEFAULT_LIMITS: [(u32, usize); 7] =
    [(0, 1024), (1, 1 << 20), (2, 8 << 20), (3, 2), (4, 2048), (5, 64), (6, 0)];

impl State {
    /// The context of a handle, or the current one for none.
    fn meant(&self, context: Handle) -> Result<Handle> {
        match context {
            0 => self.current(),
            _ => {
                self.contexts.get(context).map_err(|_| Error::INVALID_CONTEXT)?;
                Ok(context)
            }
        }
    }
}

/// Makes a context on a device.
pub(super) fn create(
    state: &mut State,
    device: usize,
    flags: u32,
    is_primary: bool,
) -> Result<Handle> {
    let context = state.contexts.add(Context::new(device, flags, is_primary));
    let legacy = state.streams.add(Stream::new(context, Kind::Legacy, 0, 0));
    state.contexts.get_mut(context)?.legacy = legacy;
    Ok(context)
}

fn create_current(context: Out<Handle>, flags: u32, device: i32) -> Result<()> {
    let mut state = lock();
    let number = state.device(device)?;
    if context.is_null() {
        return Err(Error::INVALID_VALUE);
    }
    let made = create(&mut state, number, flags, false)?;
    with_contexts(|all| all.push(made));
    context.give(made)
}

fn synchronize_context(context: Handle) -> Result<()> {
    let mut state = lock();
    let meant = state.meant(context)?;
    state.sound(meant)?;
    let own: Vec<Handle> = state
        .streams
        .iter()
        .filter(|(_, stream)| stream.context == meant)
        .map(|(handle, _)| handle)
        .collect();
    own.into_iter().try_for_each(|stream| state.refuse_captured(stream))?;
    drop(state);
    synchronize(meant)
}

/// Ends a context when its work is done, and all that is in it.
pub(super) fn destroy(context: Handle) -> Result<()> {
    empty(context)?;
    lock().contexts.remove(context).map(drop)
}

/// Lets a context begin again when its work is done: with nothing in it, and with no error.
pub(super) fn reset(context: Handle) -> Result<()> {
    empty(context)?;
    let mut state = lock();
    let legacy = state.streams.add(Stream::new(context, Kind::Legacy, 0, 0));
    let own = state.contexts.get_mut(context)?;
    *own = Context { legacy, ..Context::new(own.device, own.flags, own.is_primary) };
    Ok(())
}

/// Does the work of a context, and gives back all that is in it.
fn empty(context: Handle) -> Result<()> {
    // What went wrong in it ends with it.
    let _ = synchronize(context);
    let mut state = lock();
    let memory = state.memory(context)?;
    let mut addresses: Vec<u64> =
        state.contexts.get(context)?.allocations.keys().copied().collect();
    for (_, module) in state.modules.iter().filter(|(_, module)| module.context == context) {
        addresses.extend(module.globals.addresses());
    }
    for address in addresses {
        // All of them are there, as each was on one list.
        let _ = memory.free(address);
    }
    state.host_memory.forget(context);
    state.streams.retain(|stream| stream.context != context);
    state.events.retain(|event| event.context != context);
    state.functions.retain(|function| function.context != context);
    state.modules.retain(|module| module.context != context);
    state.executables.retain(|executable| executable.context != context);
    Ok(())
}
