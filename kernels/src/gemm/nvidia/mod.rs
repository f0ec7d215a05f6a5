//! The gemm of an NVIDIA GPU: a thread block copies tiles of x and of the weight to shared memory, some steps along k ahead,
//! and its warps multiply them by `mma.sync`.
//!
//! ```text
//! device ──cp.async──► stages in shared memory ──ldmatrix──► fragments ──mma.sync──► sums ──epilogue──► shared memory ──► device
//! ```
//! Rows of x may be patches of an image, whose pieces are copied from where they lie. What `cp.async` cannot copy (elements that
//! are stored otherwise, or lie at odd multiples of two bytes) goes by way of registers.
//!
//! A row of a stage is a run of k, in chunks of 16 bytes that are exchanged by the number of the row, so that neither the copies
//! nor `ldmatrix` find two of them in one bank. What lies past the end of rows, columns or k is zero, and is not read.

mod answer;
mod chunk;
mod copies;
mod emit;
mod fragments;
mod lane_columns;
mod main_loop;
mod schedule;
mod shared_sums;
mod thread;
mod x_rows;

pub use schedule::Schedule;
pub(super) use schedule::tiles;

use super::{Placement, Product};
use crate::nvidia::Arithmetic;
use crate::rows::RowSource;
use crate::{Layout, NvidiaTarget, Reason, ThreadBlock};
use chunk::Storage;
use lane_columns::RUN;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::GemmTile;
use ocellus_dialects::symbolic::Dim;

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
    /// Elements of a row that an epilogue is given at once, of those that a lane has beside each other.
    pub epilogue_run: i64,
}

impl StagedGemm {
    /// The division of a gemm among thread blocks, or why there is no kernel for it.
    pub(super) fn of(
        product: &Product,
        &Placement { x, weight, epilogue, result }: &Placement<'_>,
        tile: GemmTile,
        target: NvidiaTarget,
    ) -> Result<Self, Reason> {
        let schedule = Schedule::of(tile, arithmetic(product, &target)?, &target)?;
        let run = |layout: &Layout, columns: i64| {
            let most = schedule.chunk().min(layout.vector());
            power_of_two_in(most | columns)
        };
        let depth = product.slice_depth();
        let x_columns = match &product.x {
            RowSource::Rows(_) => depth,
            RowSource::Patches(patches) => patches.patch.width,
        };
        // Numbers of rows are read one by one.
        let others = epilogue.iter().filter(|layout| layout.ty.width() != Dim::from(1));
        let beside = others.map(Layout::vector).fold(RUN, i64::min);
        Ok(StagedGemm {
            target,
            schedule,
            x_run: run(x, x_columns),
            weight_run: run(weight, depth),
            result_run: power_of_two_in(result.vector() | product.width()),
            epilogue_run: power_of_two_in(beside | product.width()),
        })
    }

    /// How elements of an operand are stored that is copied in runs of so many.
    fn storage(&self, element: ElementType, run: i64) -> Storage {
        let staged = self.schedule.arithmetic.element();
        Storage { target: self.target, element, staged, run }
    }

    /// The thread blocks that run it.
    pub(super) fn thread_block(&self) -> ThreadBlock {
        let schedule = &self.schedule;
        ThreadBlock { threads: schedule.threads(), tiles: 1, shared_bytes: schedule.shared_bytes() }
    }
}

/// How tensor cores make a product, or why they do not.
fn arithmetic(product: &Product, target: &NvidiaTarget) -> Result<Arithmetic, Reason> {
    let refused = |why: String| Err(Reason::Unsupported(why));
    if product.prologue.needs_statistics() {
        let why = "a norm before a gemm is a row-wise kernel on a GPU, where each tile would read its rows twice";
        return refused(why.into());
    }
    if product.to == ElementType::I32 {
        return refused("sums are no integers".into());
    }
    let (x, weight) = (product.prologue.element(product.x.element()), product.weight);
    match Arithmetic::of(weight, target) {
        Some(arithmetic) if x == weight => Ok(arithmetic),
        _ => refused(format!(
            "tensor cores multiply bf16 by bf16, f16 by f16 or f32 by f32, not {x} by {weight}"
        )),
    }
}

/// The greatest power of two that divides a number other than zero.
fn power_of_two_in(number: i64) -> i64 {
    number & number.wrapping_neg()
}
