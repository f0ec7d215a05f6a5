//! The gemm of an NVIDIA GPU: a thread block copies tiles of x and of the weight to shared memory, some steps along k ahead,
//! and its warps multiply them by `mma.sync`.
//!
//! ```text
//! device ──cp.async──► stages in shared memory ──ldmatrix──► fragments ──mma.sync──► sums ──epilogue──► shared memory ──► device
//! ```
//! A row of a stage is a run of k, in chunks of 16 bytes that are exchanged by the number of the row, so that neither the copies
//! nor `ldmatrix` find two of them in one bank. What lies past the end of rows, columns or k is zero, and is not read.

mod answer;
mod copies;
mod emit;
mod fragments;
mod main_loop;
mod schedule;
mod shared_sums;
mod thread;

pub use schedule::Schedule;
pub(super) use schedule::tiles;

use super::{Placement, Product};
use crate::nvidia::{Arithmetic, CHUNK_BYTES};
use crate::rows::RowSource;
use crate::{Layout, NvidiaTarget, Reason, ThreadBlock};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::GemmTile;

/// How the thread blocks of a GPU divide a gemm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StagedGemm {
    /// The GPU that it is written for.
    pub target: NvidiaTarget,
    /// How a block computes a tile.
    pub schedule: Schedule,
    /// Elements of x that are copied at once.
    pub x_run: i64,
    /// Elements of the weight that are copied at once.
    pub weight_run: i64,
    /// Elements of the result that are written at once.
    pub result_run: i64,
}

impl StagedGemm {
    /// The division of a gemm among thread blocks, or why there is no kernel for it.
    pub(super) fn of(
        product: &Product,
        Placement { x, weight, result }: &Placement<'_>,
        tile: GemmTile,
        target: NvidiaTarget,
    ) -> Result<Self, Reason> {
        let refused = |why: String| Err(Reason::Unsupported(why));
        if !product.prologue.name().is_empty() {
            return refused(
                "rows are prepared by a kernel of their own before a gemm of a GPU".into(),
            );
        }
        if !matches!(product.x, RowSource::Rows(_)) {
            return refused(format!("operand 0, {}, is patches of an image", x.ty));
        }
        let element = product.weight;
        let arithmetic = Arithmetic::of(element, &target).filter(|_| x.ty.element == element);
        let Some(arithmetic) = arithmetic else {
            return refused(format!(
                "tensor cores multiply bf16 by bf16, f16 by f16 or f32 by f32, not {} by {element}",
                x.ty.element
            ));
        };
        if product.to == ElementType::I32 {
            return refused("sums are no integers".into());
        }
        let run = |layout: &Layout, columns: i64, what: &str| {
            let element = layout.ty.element;
            let run =
                power_of_two_in((CHUNK_BYTES / element.bytes()) | layout.row_alignment() | columns);
            match run * element.bytes() {
                2 => Err(Reason::Unsupported(format!(
                    "rows of {what}, {}, must begin at multiples of four bytes to be copied",
                    layout.ty
                ))),
                _ => Ok(run),
            }
        };
        let depth = product.slice_depth();
        let schedule = Schedule::of(tile, arithmetic, &target)?;
        let (x_run, weight_run) = (run(x, depth, "operand 0")?, run(weight, depth, "the weight")?);
        let result_run = power_of_two_in(
            (CHUNK_BYTES / product.to.bytes()) | result.row_alignment() | product.width(),
        );
        Ok(StagedGemm { target, schedule, x_run, weight_run, result_run })
    }

    /// The thread blocks that run it.
    pub(super) fn thread_block(&self) -> ThreadBlock {
        let schedule = &self.schedule;
        ThreadBlock { threads: schedule.threads(), tiles: 1, shared_bytes: schedule.shared_bytes() }
    }
}

/// The greatest power of two that divides a number other than zero.
fn power_of_two_in(number: i64) -> i64 {
    number & number.wrapping_neg()
}
