//! The batched gemm of an NVIDIA GPU: a thread block has 64 by 64 elements of one product, and copies steps along k of both
//! operands to shared memory, some of them ahead, while its warps multiply others by `mma.sync`.
//!
//! Every size is known at run time alone. What lies past the end of rows, columns or k is zero, and is not read. Of a b whose
//! rows are steps along k, columns become rows as they are read from shared memory: by `ldmatrix` those of 16 bits, one by one
//! those of f32, which it does not turn.

mod answer;
mod emit;
mod main_loop;
mod operand;

use crate::nvidia::{Arithmetic, CHUNK, CHUNK_BYTES, ChunkRows, Stages};
use crate::{Layout, NvidiaTarget, Reason, ThreadBlock, WARP};
use ocellus_dialects::ElementType;

/// Rows and columns of a tile, and of a warp's part of it.
const TILE: i64 = 64;
const WARP_TILE: i64 = 32;

/// Warps down a tile, and across it.
const WARPS: i64 = TILE / WARP_TILE;

/// Threads of a block.
const THREADS: i64 = WARP * WARPS * WARPS;

/// Bytes of a row that a step along k has.
const STEP_BYTES: i64 = 4 * CHUNK_BYTES;

/// Bytes of an operand in a stage: as many however it lies.
const OPERAND_BYTES: i64 = TILE * STEP_BYTES;

/// Steps that shared memory holds, each of a and behind it of b.
const STAGES: Stages = Stages { first: 0, count: 4, bytes: 2 * OPERAND_BYTES };

/// How the thread blocks of a GPU divide a batched gemm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StagedProduct {
    /// The GPU that it is written for.
    pub target: NvidiaTarget,
    /// How warps multiply.
    pub arithmetic: Arithmetic,
    /// Elements of a row of a and of b that are copied at once, and of the result that are written at once.
    pub runs: [i64; 3],
}

impl StagedProduct {
    /// The division of a product among thread blocks, or why there is no kernel for it. `matrices` are a, b and the result.
    pub(super) fn of(matrices: [&Layout; 3], target: NvidiaTarget) -> Result<Self, Reason> {
        let [a, b, result] = matrices.map(|layout| layout.ty.element);
        let arithmetic = match Arithmetic::of(a, &target) {
            Some(arithmetic) if a == b => arithmetic,
            _ => {
                let why = format!(
                    "tensor cores multiply bf16 by bf16, f16 by f16 or f32 by f32, not {a} by {b}"
                );
                return Err(Reason::Unsupported(why));
            }
        };
        if result == ElementType::I32 {
            return Err(Reason::Unsupported("sums are no integers".into()));
        }
        let most = [arithmetic.chunk(), arithmetic.chunk(), CHUNK];
        let mut runs =
            std::array::from_fn(|matrix| matrices[matrix].row_alignment().min(most[matrix]));
        // A run is written whole or not at all, so that it must divide rows, as it divides those that follow each other.
        let packed = Layout::contiguous(&matrices[2].ty).row_alignment();
        runs[2] = runs[2].min(packed);
        Ok(StagedProduct { target, arithmetic, runs })
    }

    /// The thread blocks that run it.
    pub(super) fn thread_block(&self) -> ThreadBlock {
        ThreadBlock { threads: THREADS, tiles: 1, shared_bytes: STAGES.count * STAGES.bytes }
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

/// Columns of a step along k.
fn depth(arithmetic: Arithmetic) -> i64 {
    STEP_BYTES / arithmetic.element().bytes()
}

/// A run of k of each row of a tile.
fn along_depth() -> (ChunkRows, i64) {
    (ChunkRows::of(STEP_BYTES / CHUNK_BYTES), TILE)
}

/// A row of a tile for each of a run of k. Of f32, a warp reads eight beside each other of four rows at once.
fn across_depth(arithmetic: Arithmetic) -> (ChunkRows, i64) {
    let chunks = TILE / arithmetic.chunk();
    let rows = match arithmetic {
        Arithmetic::Bf16 | Arithmetic::F16 => ChunkRows::of(chunks),
        Arithmetic::ThreeBf16 | Arithmetic::Tf32 => ChunkRows::of_pairs(chunks),
    };
    (rows, depth(arithmetic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvidia::tile_bytes;

    #[test]
    fn an_operand_takes_as_much_however_it_lies_and_every_gpu_has_room_for_three_blocks() {
        let across = [Arithmetic::Bf16, Arithmetic::ThreeBf16, Arithmetic::Tf32].map(across_depth);
        for (rows, count) in across.into_iter().chain([along_depth()]) {
            assert_eq!(tile_bytes(rows, count, THREADS), OPERAND_BYTES);
        }
        let target = NvidiaTarget::SM_86;
        assert!(NvidiaTarget::ALL.iter().all(|gpu| gpu.shared_bytes >= target.shared_bytes));
        assert!(3 * (STAGES.count * STAGES.bytes + 1024) <= target.shared_bytes + 1024);
    }
}
