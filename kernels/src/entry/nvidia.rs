//! A kernel for an NVIDIA GPU: a block of [`WARPS`] warps, each with a tile.
//!
//! ```text
//! .entry symbol(.param .align 8 .b8 arguments[8 * words], .param .b64 tiles)
//! ```
//! The grid is a line of blocks, as many as the tiles need or more: a warp behind the last tile does nothing. Arguments are
//! parameters by value, so that a node of a graph takes others without a copy.
//!
//! Where launches [begin early](crate::NvidiaTarget::begins_early), every thread of every kernel waits for the launch before,
//! whether or not it has a tile, before it uses any memory but its parameters. So whatever waits for a launch waits for all launches
//! before it too, although it asks for one alone. Behind the wait it lets the next launch begin, whose blocks get in where all
//! blocks of this one have theirs: they take nothing from it, and have their parameters and places when it ends.

use super::{Entry, Worker};
use crate::Target;
use crate::mlir::{Builder, Comparison, GpuThreads, Module, Scalar, Type, Value};
use crate::{ThreadBlock, WARP};

/// Warps of a block.
const WARPS: i64 = 4;

/// A block whose warps have a tile each.
pub(crate) const BLOCK_OF_WARPS: ThreadBlock =
    ThreadBlock { threads: WARPS * WARP, tiles: WARPS, shared_bytes: 0 };

/// Blocks that a multiprocessor should have room for: their 32 warps are enough to wait for memory, with 64 registers a thread.
/// Where nothing is said, the assembler goes for 32 registers, and puts what does not fit into local memory.
pub(crate) const BLOCKS_AT_ONCE: i64 = 8;

/// The scratch memory of each warp begins at a multiple of so many bytes.
const ALIGNMENT: i64 = 16;

/// Bytes of scratch memory that a warp may have: of the shared memory that a kernel may declare, its share.
pub(crate) const SCRATCH_LIMIT: i64 = (48 << 10) / WARPS;

/// All threads of a warp, as a mask.
const ALL_LANES: i64 = -1;

/// Writes the kernel.
pub(super) fn define(
    entry: &Entry<'_>,
    module: &mut Module,
    body: impl FnOnce(&mut Builder, Worker),
) {
    let scratch = (entry.scratch_bytes > 0).then(|| format!("{}_scratch", entry.symbol));
    let scratch_bytes = (entry.scratch_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if let Some(name) = &scratch {
        module.shared_memory(name, scratch_bytes * WARPS);
    }
    let blocks_at_once = entry.blocks_at_once;
    let threads = GpuThreads { of_block: BLOCK_OF_WARPS.threads, blocks_at_once };
    module.define_gpu(entry.symbol, entry.words, threads, |b, block, tiles| {
        await_launch_before(b, entry.target);
        let [block_index, thread] = ["ctaid.x", "tid.x"].map(|name| {
            let value = special_register(b, name);
            b.extend_unsigned(value, Scalar::I64)
        });
        let lanes = b.i64(WARP);
        let warp = b.div(thread, lanes);
        let first = b.mul_constant(block_index, WARPS);
        let first = b.add(first, warp);
        let end = b.add_constant(first, 1);
        let end = b.min(end, tiles);
        let scratch = match scratch {
            None => block,
            Some(name) => {
                let start = b.shared_address(&name);
                let bytes = b.mul_constant(warp, scratch_bytes);
                b.offset(start, bytes)
            }
        };
        body(b, Worker { block, first, end, scratch });
    });
}

/// Writes a kernel whose blocks have a tile each, and shared memory of which a launch says how much. `body` gets the argument
/// block, the number of the tile, `i32`, and where the shared memory begins.
pub(crate) fn define_tiles(
    entry: &Entry<'_>,
    module: &mut Module,
    threads: impl Into<GpuThreads>,
    body: impl FnOnce(&mut Builder, (Value, Value), Value),
) {
    let memory = module.dynamic_shared_memory();
    module.define_gpu(entry.symbol, entry.words, threads, |b, block, tiles| {
        await_launch_before(b, entry.target);
        let number = special_register(b, "ctaid.x");
        let wide = b.extend_unsigned(number, Scalar::I64);
        // The grid may be larger than the tiles need.
        let has_tile = b.compare(Comparison::Less, wide, tiles);
        b.if_then(has_tile, |b| {
            let memory = b.shared_memory(memory);
            body(b, (block, number), memory);
        });
    });
}

/// Waits until the launch before has ended and all that it wrote can be read, and lets the next one begin.
fn await_launch_before(b: &mut Builder, target: Target) {
    match target {
        Target::Nvidia(target) if target.begins_early() => {
            // LLVM's intrinsics for these use no memory, so that it might move what does before the wait.
            b.barrier_assembly("griddepcontrol.wait;");
            b.barrier_assembly("griddepcontrol.launch_dependents;");
        }
        Target::Nvidia(_) | Target::Cpu(_) => {}
    }
}

/// One of the numbers that tell a thread who it is.
pub(crate) fn special_register(b: &mut Builder, name: &str) -> Value {
    let name = format!("llvm.nvvm.read.ptx.sreg.{name}");
    b.intrinsic(&name, &[], Type::I32)
}

/// The same, read where it is asked for: what was computed of it before need not be kept until then.
pub(crate) fn special_register_anew(b: &mut Builder, name: &str) -> Value {
    b.assembly(&format!("mov.u32 $0, %{name};"), ("=r", true), &[], Type::I32)
}

/// The number of the thread in its warp.
pub(crate) fn lane(b: &mut Builder) -> Value {
    let lane = special_register(b, "laneid");
    b.extend_unsigned(lane, Scalar::I64)
}

/// What the first thread of a warp does for all.
pub(super) fn by_one_thread(b: &mut Builder, body: impl FnOnce(&mut Builder)) {
    synchronize_warp(b);
    let (lane, zero) = (lane(b), b.i64(0));
    let is_first = b.compare(Comparison::Equal, lane, zero);
    b.if_then(is_first, body);
    synchronize_warp(b);
}

/// Waits for all threads of the warp.
pub(crate) fn synchronize_warp(b: &mut Builder) {
    let all = all_lanes(b);
    b.intrinsic_without_result("llvm.nvvm.bar.warp.sync", &[all]);
}

/// All threads of a warp, as the mask that instructions among them take.
pub(crate) fn all_lanes(b: &mut Builder) -> Value {
    b.splat(ALL_LANES as f64, Type::I32)
}
