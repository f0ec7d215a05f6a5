//! What is known of a function, and what may be set.

use crate::arguments::Out;
use crate::driver::lock;
use crate::errors::Error;
use crate::handles::Handle;
use std::ffi::c_char;

/// The attribute by which a launch may ask for more shared memory than all may.
const MOST_DYNAMIC_SHARED: u32 = 8;

/// The attribute that says how much of the first-level cache is to be shared memory.
const CARVEOUT: u32 = 9;

driver_functions! {
    /// Registers are not assigned by anything here, so that a function has 0 of them.
    fn cuFuncGetAttribute(value: Out<i32>, attribute: u32, function: Handle) {
        let state = lock();
        state.usable()?;
        let own = state.functions.get(function)?;
        value.give(match attribute {
            0 => own.most_threads() as i32,
            1 => own.kernel.static_shared() as i32,
            5 => own.target as i32,
            6 => state.settings()?.architecture.number() as i32,
            MOST_DYNAMIC_SHARED => own.most_dynamic_shared as i32,
            CARVEOUT => own.carveout,
            // Constant and local memory, registers, how loads are cached, and clusters.
            2..=4 | 7 | 10..=16 => 0,
            _ => return Err(Error::INVALID_VALUE),
        })
    }

    fn cuFuncSetAttribute(function: Handle, attribute: u32, value: i32) {
        let mut state = lock();
        state.usable()?;
        let most = state.settings()?.architecture.most_shared();
        let own = state.functions.get_mut(function)?;
        match attribute {
            MOST_DYNAMIC_SHARED => {
                let value = u32::try_from(value).map_err(|_| Error::INVALID_VALUE)?;
                if value > most.saturating_sub(own.kernel.static_shared()) {
                    return Err(Error::INVALID_VALUE);
                }
                own.most_dynamic_shared = value;
                Ok(())
            }
            CARVEOUT if (-1..=100).contains(&value) => {
                own.carveout = value;
                Ok(())
            }
            _ => Err(Error::INVALID_VALUE),
        }
    }

    fn cuFuncSetCacheConfig(function: Handle, _config: u32) {
        let state = lock();
        state.usable()?;
        state.functions.get(function).map(drop)
    }

    fn cuFuncGetModule(module: Out<Handle>, function: Handle) {
        let state = lock();
        state.usable()?;
        module.give(state.functions.get(function)?.module)
    }

    fn cuFuncGetName(name: Out<*const c_char>, function: Handle) {
        let state = lock();
        name.give(state.functions.get(function)?.name.as_ptr())
    }

    fn cuFuncGetParamInfo(function: Handle, index: usize, offset: Out<usize>, bytes: Out<usize>) {
        let state = lock();
        let own = state.functions.get(function)?;
        let parameter = own.kernel.parameters().get(index).ok_or(Error::INVALID_VALUE)?;
        offset.give(parameter.offset)?;
        bytes.offer(parameter.bytes);
        Ok(())
    }

    /// All functions are loaded with their module.
    fn cuFuncLoad(function: Handle) {
        let state = lock();
        state.usable()?;
        state.functions.get(function).map(drop)
    }

    fn cuFuncIsLoaded(is_loaded: Out<u32>, function: Handle) {
        let state = lock();
        state.functions.get(function)?;
        is_loaded.give(1)
    }
}
