//! Launches of kernels, and calls of the program's functions.

use super::launch_parameters::Wanted;
use crate::abi::LaunchConfig;
use crate::arguments::In;
use crate::driver::lock;
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::work::{HostCall, Work};
use std::sync::Arc;

driver_functions! {
    fn cuLaunchKernel(
        function: Handle,
        blocks_x: u32,
        blocks_y: u32,
        blocks_z: u32,
        threads_x: u32,
        threads_y: u32,
        threads_z: u32,
        dynamic_shared: u32,
        stream: Handle,
        parameters: In<In<u8>>,
        extra: In<usize>,
    ) {
        let (blocks, threads) = ([blocks_x, blocks_y, blocks_z], [threads_x, threads_y, threads_z]);
        let is_programmatic = false;
        let wanted = Wanted {
            function,
            blocks,
            threads,
            dynamic_shared,
            parameters,
            extra,
            is_programmatic,
        };
        launch(&wanted, stream)
    }

    fn cuLaunchKernelEx(
        config: In<LaunchConfig>,
        function: Handle,
        parameters: In<In<u8>>,
        extra: In<usize>,
    ) {
        let config = config.get()?;
        let wanted = Wanted {
            function,
            blocks: config.blocks,
            threads: config.threads,
            dynamic_shared: config.dynamic_shared,
            parameters,
            extra,
            is_programmatic: is_programmatic(&config)?,
        };
        launch(&wanted, config.stream)
    }

    fn cuLaunchHostFunc(
        stream: Handle,
        function: Option<unsafe extern "C" fn(usize)>,
        data: usize,
    ) {
        let mut state = lock();
        let stream = state.stream(stream)?;
        let function = function.ok_or(Error::INVALID_VALUE)?;
        state.submit(stream, Work::Call(HostCall { function, data })).map(drop)
    }
}

/// Whether a launch may begin before the one before it has ended. Attributes that say nothing of what is computed are taken; what
/// the simulator has not is refused.
fn is_programmatic(config: &LaunchConfig) -> Result<bool> {
    const COOPERATIVE: u32 = 2;
    const CLUSTER: u32 = 4;
    const PROGRAMMATIC: u32 = 6;
    let mut is_programmatic = false;
    for attribute in config.attributes.list(config.attribute_count as usize)? {
        let value = attribute.value;
        match attribute.id {
            PROGRAMMATIC => is_programmatic = value[0] != 0,
            COOPERATIVE if value[0] == 0 => {}
            CLUSTER if value[..3] == [1, 1, 1] => {}
            // Nothing, caches, how to wait, where clusters run, priority, domains of fences, shared memory.
            0 | 1 | 3 | 5 | 8..=10 | 14 => {}
            2..=20 => return Err(Error::NOT_SUPPORTED),
            _ => return Err(Error::INVALID_VALUE),
        }
    }
    Ok(is_programmatic)
}

fn launch(wanted: &Wanted, stream: Handle) -> Result<()> {
    let mut state = lock();
    let stream = state.stream(stream)?;
    let launch = state.launch(wanted)?;
    if state.functions.get(wanted.function)?.context != state.streams.get(stream)?.context {
        return Err(Error::INVALID_HANDLE);
    }
    state.submit(stream, Work::Launch(Arc::new(launch))).map(drop)
}
