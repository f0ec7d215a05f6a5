//! Rows of operands, and what gemm and row-wise kernels do to a row before and after: prologues and epilogues.

mod block;
mod chain;
mod epilogue;
mod operand;
mod patches;
mod prologue;
mod source;
mod strided;

pub use block::ArgumentReader;
pub use chain::{Real, RowEpilogue, RowPrologue};
pub use epilogue::{BoundEpilogue, EpilogueRow};
pub use operand::{BoundRows, RowOperand, RowOrder};
pub use patches::{BoundPatches, PatchOperand};
pub use prologue::BoundPrologue;
pub use source::{BoundSource, RowSource};
pub(crate) use strided::ImageExtent;
pub use strided::{EvenRows, RowsOfImages};
