//! How many blocks of a function a multiprocessor holds, by its threads, its blocks and its shared memory. Registers are not
//! known and not counted.

use crate::architecture::{Architecture, RESERVED_SHARED};
use crate::arguments::Out;
use crate::driver::lock;
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::module::Function;

driver_functions! {
    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        count: Out<i32>,
        function: Handle,
        threads: i32,
        dynamic_shared: usize,
    ) {
        most_blocks(count, function, threads, dynamic_shared)
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        count: Out<i32>,
        function: Handle,
        threads: i32,
        dynamic_shared: usize,
        _flags: u32,
    ) {
        most_blocks(count, function, threads, dynamic_shared)
    }

    fn cuOccupancyMaxPotentialBlockSize(
        blocks: Out<i32>,
        threads: Out<i32>,
        function: Handle,
        shared_of: Option<unsafe extern "C" fn(i32) -> usize>,
        dynamic_shared: usize,
        limit: i32,
    ) {
        best_block(blocks, threads, function, shared_of, dynamic_shared, limit)
    }

    fn cuOccupancyMaxPotentialBlockSizeWithFlags(
        blocks: Out<i32>,
        threads: Out<i32>,
        function: Handle,
        shared_of: Option<unsafe extern "C" fn(i32) -> usize>,
        dynamic_shared: usize,
        limit: i32,
        _flags: u32,
    ) {
        best_block(blocks, threads, function, shared_of, dynamic_shared, limit)
    }

    fn cuOccupancyAvailableDynamicSMemPerBlock(
        bytes: Out<usize>,
        function: Handle,
        blocks: i32,
        threads: i32,
    ) {
        let state = lock();
        state.usable()?;
        let architecture = state.settings()?.architecture;
        let own = state.functions.get(function)?;
        let blocks = u32::try_from(blocks).ok().filter(|blocks| *blocks > 0);
        let blocks = blocks.ok_or(Error::INVALID_VALUE)?;
        if threads <= 0 {
            return Err(Error::INVALID_VALUE);
        }
        let of_block = (architecture.shared / blocks).min(architecture.shared);
        let taken = own.kernel.static_shared() + RESERVED_SHARED;
        bytes.give(of_block.saturating_sub(taken) as usize)
    }
}

fn most_blocks(count: Out<i32>, function: Handle, threads: i32, shared: usize) -> Result<()> {
    let state = lock();
    state.usable()?;
    let threads = u32::try_from(threads).ok().filter(|threads| *threads > 0);
    let threads = threads.ok_or(Error::INVALID_VALUE)?;
    let own = state.functions.get(function)?;
    count.give(blocks_of(&state.settings()?.architecture, own, threads, shared) as i32)
}

/// How many blocks of so many threads there may be at once.
fn blocks_of(architecture: &Architecture, function: &Function, threads: u32, shared: usize) -> u32 {
    if threads > function.most_threads() || shared > function.most_dynamic_shared as usize {
        return 0;
    }
    let taken = function.kernel.static_shared() + shared as u32 + RESERVED_SHARED;
    let by_threads = architecture.threads / threads.next_multiple_of(32);
    architecture.blocks.min(by_threads).min(architecture.shared / taken)
}

/// The largest block of which a multiprocessor holds the most threads, and the blocks that fill the device.
fn best_block(
    blocks: Out<i32>,
    threads: Out<i32>,
    function: Handle,
    shared_of: Option<unsafe extern "C" fn(i32) -> usize>,
    dynamic_shared: usize,
    limit: i32,
) -> Result<()> {
    let limit = match limit {
        0 => 1024,
        _ => u32::try_from(limit).map_err(|_| Error::INVALID_VALUE)?.min(1024),
    };
    // The program's function may call the driver, and the state is not held while it runs.
    let shared: Vec<usize> = (1..=32)
        .map(|warps| match shared_of {
            // SAFETY: the program gave it to be called so.
            Some(shared_of) => unsafe { shared_of(warps * 32) },
            None => dynamic_shared,
        })
        .collect();
    let state = lock();
    state.usable()?;
    let settings = state.settings()?;
    let own = state.functions.get(function)?;
    let candidates = shared.into_iter().zip((32..=limit).step_by(32)).map(|(shared, threads)| {
        let blocks = blocks_of(&settings.architecture, own, threads, shared);
        (blocks * threads, threads, blocks)
    });
    let (_, best, count) = candidates.max().ok_or(Error::INVALID_VALUE)?;
    blocks.give((count * settings.multiprocessors) as i32)?;
    threads.give(best as i32)
}
