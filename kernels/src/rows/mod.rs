//! Rows of operands, and what gemm and row-wise kernels do to a row before and after: prologues and epilogues.

mod epilogue;
mod operand;
mod patches;
mod prologue;
mod real;
mod source;
mod strided;

pub use epilogue::{BoundEpilogue, EpilogueRow, RowEpilogue};
pub use operand::{BoundRows, RowOperand, RowOrder};
pub use patches::{BoundPatches, GatheredPatches, Patch, PatchOperand};
pub use prologue::{Affine, BoundPrologue, RowPrologue};
pub use real::Real;
pub use source::{BoundSource, RowSource};
pub(crate) use strided::ImageExtent;
pub use strided::{ColumnOperand, EvenRows, RowsOfImages};
