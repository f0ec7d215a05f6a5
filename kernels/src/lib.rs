//! The kernel families of Ocellus. One folder a family: what it computes, its schedules, one emitter a target.
//!
//! [`lower`] turns one `kernel` operation on concrete layouts into a [`Launch`]: a [`Kernel`] (all that its code
//! depends on; equal kernels share code), the argument block, and the number of tiles. [`Kernel::emit`] writes its MLIR,
//! and [`Kernel::signature`] says what it does with its argument block.
//!
//! # The CPU calling convention
//! `void symbol(const int64_t *arguments, int64_t first_tile, int64_t end_tile, uint8_t *scratch)`. The argument block is
//! what [`Launch::arguments`] lists. Tiles are independent; any worker may run any interval of them. Scratch belongs to
//! the worker, is aligned to 64 bytes, and holds at least [`Launch::scratch_bytes`]. Neighbouring tiles share work where
//! they are of one interval (a gemm packs its rows once), so few long intervals are better than many short ones.

pub mod attention;
pub mod back_to_back_gemm;
pub mod batched_gemm;
pub mod gemm;
mod kernel;
mod lower;
pub mod mlir;
pub mod movement;
mod patch_layout;
pub mod rows;
pub mod rowwise;
mod symbols;
mod target;
pub mod vector;
mod words;
mod work;

pub use kernel::{Kernel, emit_module};
pub use lower::{Launch, LowerError, lower};
pub use patch_layout::PatchLayout;
pub use symbols::symbols;
pub use target::CpuTarget;
pub use work::{Work, gather_flops, work};

use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::Dim;

/// How an operand lies in memory: element `(i0, .., row, column)` of a tensor whose rows are contiguous, or are patches of
/// an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The type.
    pub ty: TensorType,
    /// Elements from one row to the next; from a patch to the one beside it.
    pub row_stride: Dim,
    /// Elements from one index of the first dimension to the next; zero where all images share memory.
    pub image_stride: Dim,
    /// What else there is to know where rows are patches of an image.
    pub patches: Option<PatchLayout>,
}

impl Layout {
    /// The layout of a tensor that is contiguous.
    pub fn contiguous(ty: &TensorType) -> Self {
        let image_stride = ty.shape.iter().skip(1).cloned().product();
        Layout { ty: ty.clone(), row_stride: ty.width(), image_stride, patches: None }
    }

    /// The product of all dimensions but the first and the last.
    pub fn rows_per_image(&self) -> Dim {
        let middle = self.ty.rank().saturating_sub(2);
        self.ty.shape.iter().skip(1).take(middle).cloned().product()
    }
}

/// One word of the argument block.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// The address of an operand, by position.
    Operand(usize),
    /// The address of the result.
    Result,
    /// A number.
    Integer(Dim),
}

/// A count of tiles: the product of `ceil(extent / step)`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tiles(pub Vec<(Dim, i64)>);
