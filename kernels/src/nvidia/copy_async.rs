//! Copies from a GPU's memory to that of a block, which go on beside the work until they are waited for.

use super::chunks::CHUNK_BYTES;
use crate::mlir::{Builder, Type, Value};

/// Copies the first `size` of so many bytes, 4, 8 or 16, and writes zeros behind them. Where there are none, nothing is read.
pub(crate) fn copy(b: &mut Builder, bytes: i64, size: Value, (from, to): (Value, Value)) {
    // What is read once need not stay in the first-level cache, and only whole chunks can pass it by.
    let cache = if bytes == CHUNK_BYTES { "cg" } else { "ca" };
    let name = format!("llvm.nvvm.cp.async.{cache}.shared.global.{bytes}.s");
    b.intrinsic_without_result(&name, &[to, from, size]);
}

/// All copies that were not yet are a group from here on.
pub(crate) fn commit(b: &mut Builder) {
    b.intrinsic_without_result("llvm.nvvm.cp.async.commit.group", &[]);
}

/// Waits until all groups but the last so many have come.
pub(crate) fn wait(b: &mut Builder, pending: i64) {
    let pending = b.integer(pending, Type::I32);
    b.intrinsic_without_result("llvm.nvvm.cp.async.wait.group", &[pending]);
}

/// Waits for all threads of the block.
pub(crate) fn barrier(b: &mut Builder) {
    let which = b.integer(0, Type::I32);
    b.intrinsic_without_result("llvm.nvvm.barrier.cta.sync.aligned.all", &[which]);
}
