//! The batched gemm of an NVIDIA GPU: a thread block has 64 by 64 elements of one product, and copies steps along k of both
//! operands to shared memory, some of them ahead, while its warps multiply others by `mma.sync`.
//!
//! Every size is known at run time alone. What lies past the end of rows, columns or k is zero, and is not read. Of a b whose
//! rows are steps along k, columns become rows as they are read from shared memory.

mod answer;
mod emit;
mod main_loop;
mod operand;

use crate::nvidia::{CHUNK, ChunkRows, MMA, tile_bytes};
use crate::{Layout, NvidiaTarget, Reason, ThreadBlock, WARP};
use ocellus_dialects::ElementType;

/// Rows and columns of a tile, and of a warp's part of it.
const TILE: i64 = 64;
const WARP_TILE: i64 = 32;

/// Warps down a tile, and across it.
const WARPS: i64 = TILE / WARP_TILE;

/// Threads of a block.
const THREADS: i64 = WARP * WARPS * WARPS;

/// Columns of a step along k.
const DEPTH: i64 = 2 * MMA[2];

/// Steps that shared memory holds.
const STAGES: i64 = 4;

/// How the thread blocks of a GPU divide a batched gemm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StagedProduct {
    /// The GPU that it is written for.
    pub target: NvidiaTarget,
    /// Elements of a row of a and of b that are copied at once, and of the result that are written at once.
    pub runs: [i64; 3],
}

impl StagedProduct {
    /// The division of a product among thread blocks, or why there is no kernel for it. `matrices` are a, b and the result.
    pub(super) fn of(matrices: [&Layout; 3], target: NvidiaTarget) -> Result<Self, Reason> {
        let [a, b, result] = matrices.map(|layout| layout.ty.element);
        if a != b || !matches!(a, ElementType::BF16 | ElementType::F16) {
            let why = format!("tensor cores multiply bf16 by bf16 or f16 by f16, not {a} by {b}");
            return Err(Reason::Unsupported(why));
        }
        if result == ElementType::I32 {
            return Err(Reason::Unsupported("sums are no integers".into()));
        }
        let mut runs = matrices.map(|layout| layout.row_alignment().min(CHUNK));
        // A run is written whole or not at all, so that it must divide rows, as it divides those that follow each other.
        let packed = Layout::contiguous(&matrices[2].ty).row_alignment();
        runs[2] = runs[2].min(packed);
        Ok(StagedProduct { target, runs })
    }

    /// The thread blocks that run it.
    pub(super) fn thread_block(&self) -> ThreadBlock {
        ThreadBlock { threads: THREADS, tiles: 1, shared_bytes: STAGES * stage_bytes() }
    }

    /// Rows of a tile.
    pub(super) fn rows(&self) -> i64 {
        TILE
    }

    /// Columns of a tile.
    pub(super) fn columns(&self) -> i64 {
        TILE
    }
}

/// A run of k of each row of a tile.
fn along_depth() -> (ChunkRows, i64) {
    (ChunkRows { chunks: DEPTH / CHUNK }, TILE)
}

/// A row of a tile for each of a run of k.
fn across_depth() -> (ChunkRows, i64) {
    (ChunkRows { chunks: TILE / CHUNK }, DEPTH)
}

/// Bytes of an operand in a stage: as many however it lies.
fn operand_bytes() -> i64 {
    let (rows, count) = along_depth();
    tile_bytes(rows, count, THREADS)
}

/// Bytes of a stage: a, and behind it b.
fn stage_bytes() -> i64 {
    2 * operand_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operand_takes_as_much_however_it_lies_and_every_gpu_has_room_for_three_blocks() {
        let (rows, count) = across_depth();
        assert_eq!(tile_bytes(rows, count, THREADS), operand_bytes());
        let target = NvidiaTarget::SM_86;
        assert!(NvidiaTarget::ALL.iter().all(|gpu| gpu.shared_bytes >= target.shared_bytes));
        assert!(3 * (STAGES * stage_bytes() + 1024) <= target.shared_bytes + 1024);
    }
}
