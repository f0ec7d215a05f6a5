//! The attention of an NVIDIA GPU, after FlashAttention-2 (Dao, arXiv:2307.08691): a thread block has some queries of one head
//! of one image, a warp its own of them, and all visit blocks of keys, which are copied to shared memory one ahead.
//!
//! ```text
//! device ──cp.async──► q ──ldmatrix──► fragments, kept ─┐
//!        ──cp.async──► k, v of a block ──ldmatrix───────┴─► scores ──softmax so far──► weights x v ──► answer ──► device
//! ```
//! Scores never leave registers: what a lane has of them after the first product is what it needs as the left side of the
//! second. Heads of 72 or 88 elements are not padded: the first product ends with a `mma.sync` of half the depth, and columns
//! of the second come by eights. f32 are split into two bf16 each when their copies have come, and multiplied as three products.
//! Blocks are visited from the last to the first, so that only the first visit finds keys past the end: these have zeros for values,
//! since a weight of zero times NaN is NaN.
//!
//! A warp has sixteen queries, whose fragments it keeps, or twice as many, whose fragments it reads again for each block: then it
//! multiplies each fragment of keys and of values twice.

mod answer;
mod copies;
mod emit;
mod halves;
mod preparation;
mod range;
mod rotation;
mod schedule;
mod scores;
mod segments;
mod softmax;
mod split;
mod state;
mod tile;
mod values;
mod visits;

pub(super) use schedule::Heads;
pub use schedule::Schedule;

use crate::nvidia::{Arithmetic, CHUNK, CHUNK_BYTES};
use crate::{Layout, NvidiaTarget, Reason, ThreadBlock};
use ocellus_dialects::ElementType;

/// How the thread blocks of a GPU divide an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WarpAttention {
    /// The GPU that it is written for.
    pub target: NvidiaTarget,
    /// How a block computes a tile.
    pub schedule: Schedule,
    /// Elements of a row of q, k and v that are copied at once, and of the result that are written at once.
    pub runs: [i64; 4],
    /// Elements of a row of a table that are read at once.
    pub table_run: i64,
}

/// The sizes of heads that warps have registers for.
const HEAD_SIZES: std::ops::RangeInclusive<i64> = 8..=128;

/// Elements of a table that a rotation reads at once.
const TABLE_RUN: i64 = 4;

/// Of heads whose fragments leave registers for it, the queries of a warp that multiplies each fragment of keys and of values
/// twice.
pub(super) fn more_queries(
    heads: Heads,
    element: ElementType,
    target: NvidiaTarget,
) -> Option<i64> {
    let arithmetic = Arithmetic::of(element, &NvidiaTarget { tf32: false, ..target })?;
    let wide = has_size(heads).then(|| Schedule::wide(heads, arithmetic, &target))?;
    wide.map(|wide| wide.queries)
}

fn has_size(heads: Heads) -> bool {
    HEAD_SIZES.contains(&heads.size) && heads.size % CHUNK == 0
}

impl WarpAttention {
    /// The division of an attention among thread blocks, or why there is no kernel for it. `operands` are q, k, v and the
    /// result.
    pub(super) fn of(
        heads: Heads,
        warp_queries: Option<i64>,
        operands: [&Layout; 4],
        tables: &[&Layout],
        target: NvidiaTarget,
    ) -> Result<Self, Reason> {
        let refused = |why: String| Err(Reason::Unsupported(why));
        let element = operands[0].ty.element;
        // Parts of f32 are what shared memory holds, also where a gemm would round to tf32.
        let target = NvidiaTarget { tf32: false, ..target };
        let Some(arithmetic) = Arithmetic::of(element, &target) else {
            return refused(format!("tensor cores multiply bf16, f16 or f32, not {element}"));
        };
        if !has_size(heads) {
            return refused(format!(
                "a head has {} elements, and {} has kernels for multiples of {CHUNK} up to {}",
                heads.size,
                target.name,
                HEAD_SIZES.end()
            ));
        }
        let schedule = match warp_queries {
            None | Some(Schedule::QUERIES) => Schedule::of(heads, arithmetic, &target),
            Some(queries) => match Schedule::wide(heads, arithmetic, &target) {
                Some(wide) if wide.queries == queries => wide,
                _ => {
                    return refused(format!(
                        "a warp of {} has no registers for {queries} queries of such heads",
                        target.name
                    ));
                }
            },
        };
        if schedule.shared_bytes() > target.shared_bytes {
            return refused(format!(
                "heads of {} elements take {} bytes of shared memory, and {} has {}",
                heads.size,
                schedule.shared_bytes(),
                target.name,
                target.shared_bytes
            ));
        }
        let table_runs = tables.iter().map(|table| table.row_alignment().min(TABLE_RUN));
        Ok(WarpAttention {
            target,
            schedule,
            runs: operands.map(|layout| layout.row_alignment().min(CHUNK_BYTES / element.bytes())),
            table_run: table_runs.min().unwrap_or(TABLE_RUN),
        })
    }

    /// The thread blocks that run it.
    pub(super) fn thread_block(&self) -> ThreadBlock {
        let schedule = &self.schedule;
        ThreadBlock { threads: schedule.threads(), tiles: 1, shared_bytes: schedule.shared_bytes() }
    }

    /// Queries of a tile.
    pub(super) fn tile_queries(&self) -> i64 {
        self.schedule.tile_queries()
    }
}
