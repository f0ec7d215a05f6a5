//! How a kernel begins: what it is given, and which tiles it works on.
//!
//! A worker runs an interval of tiles. On a CPU it is a thread, on a GPU a warp, whose threads share what is done with the
//! columns of a row ([`for_columns`](crate::vector::for_columns)) and do everything else all alike.

mod cpu;
mod nvidia;

use crate::Target;
use crate::mlir::{Builder, Module, Value};

pub(crate) use nvidia::{
    BLOCK_OF_WARPS, BLOCKS_AT_ONCE, SCRATCH_LIMIT, all_lanes, define_tiles, lane, special_register,
    special_register_anew, synchronize_warp,
};

/// A kernel that is about to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Its symbol.
    pub(crate) symbol: &'a str,
    /// Words of its argument block.
    pub(crate) words: usize,
    /// Bytes of scratch memory that each worker needs.
    pub(crate) scratch_bytes: i64,
    /// What it is written for.
    pub(crate) target: Target,
    /// Blocks of a GPU whose warps have a tile each that a multiprocessor should have room for: the fewer, the more registers has
    /// a thread.
    pub(crate) blocks_at_once: i64,
}

/// What a worker is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    /// The argument block.
    pub(crate) block: Value,
    /// The first tile.
    pub(crate) first: Value,
    /// The tile behind the last.
    pub(crate) end: Value,
    /// Its scratch memory.
    pub(crate) scratch: Value,
}

impl Entry<'_> {
    /// Writes the kernel; `body` is what a worker does.
    pub(crate) fn define(&self, module: &mut Module, body: impl FnOnce(&mut Builder, Worker)) {
        match self.target {
            Target::Cpu(_) => cpu::define(self, module, body),
            Target::Nvidia(_) => nvidia::define(self, module, body),
        }
    }
}

/// What one thread of a worker does for all: writing scratch memory. The others wait, and read it then.
pub(crate) fn by_one_thread(b: &mut Builder, target: Target, body: impl FnOnce(&mut Builder)) {
    match target {
        Target::Cpu(_) => body(b),
        Target::Nvidia(_) => nvidia::by_one_thread(b, body),
    }
}
