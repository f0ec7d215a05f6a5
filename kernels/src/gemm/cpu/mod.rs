//! The gemm of a CPU: a worker packs a block of rows of x, and a micro-kernel multiplies their panels by those of the weight.

mod block;
mod emit;
mod microkernel;
mod packed_rows;
mod packing;
mod panel_product;
mod rows_after_tokens;
mod schedule;
mod tile_product;

pub(crate) use block::Block;
pub(crate) use microkernel::Multiplier;
pub use microkernel::{MicroKernel, PanelFormat};
pub(crate) use packed_rows::{PackedRows, TensorRows};
pub use packing::{PackError, WeightPacker, WeightPacking};
pub(crate) use panel_product::PanelProduct;
pub(super) use schedule::tiles_of;
pub use schedule::{Schedule, tiles};

use super::Product;
use crate::{CpuTarget, Reason};
use ocellus_dialects::kernel::GemmTile;

/// How a CPU's workers divide a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedGemm {
    /// The CPU that it is written for.
    pub target: CpuTarget,
    /// How the result is cut into tiles.
    pub tile: GemmTile,
}

impl PackedGemm {
    /// The division of a gemm into tiles, or why there is no kernel for it.
    pub(super) fn of(product: &Product, tile: GemmTile, target: CpuTarget) -> Result<Self, Reason> {
        if tile.warps.is_some() {
            let why = format!("a tile of {tile} is computed by warps, of which there are none");
            return Err(Reason::Unsupported(why));
        }
        let division = PackedGemm { target, tile };
        let chunk = division.kernel(product).chunk_elements();
        let (k, slices) = (product.k, product.slices);
        if slices > 1 && k % (slices * chunk) != 0 {
            let why = format!("{k} columns are not {slices} slices of whole chunks of {chunk}");
            return Err(Reason::Unsupported(why));
        }
        Ok(division)
    }

    /// What computes a panel of rows by a panel of columns.
    pub(super) fn kernel(&self, product: &Product) -> MicroKernel {
        let rows = product.prologue.element(product.x.element());
        MicroKernel::new(PanelFormat::of(rows, product.weight, &self.target), &self.target)
    }

    /// How the work is divided.
    pub(super) fn schedule(&self, product: &Product) -> Schedule {
        Schedule::new(self.kernel(product), product.slice_depth(), self.tile)
    }

    /// How the weight must be packed.
    pub(super) fn packing(&self, product: &Product) -> WeightPacking {
        let (kernel, halves) = (self.kernel(product), product.is_gated());
        WeightPacking {
            rows: product.n,
            columns: product.k,
            element: product.weight,
            halves,
            kernel,
        }
    }

    /// Bytes of scratch memory that a worker needs.
    pub(super) fn scratch_bytes(&self, product: &Product) -> i64 {
        self.schedule(product).scratch_bytes() + product.x.scratch_bytes()
    }
}
