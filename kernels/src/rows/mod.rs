//! Rows of operands, and what gemm and row-wise kernels do to a row before and after: prologues and epilogues.

mod block;
mod chain;
mod epilogue;
mod operand;
mod prologue;

pub use block::ArgumentReader;
pub use chain::{Real, RowEpilogue, RowPrologue};
pub use epilogue::{BoundEpilogue, EpilogueRow};
pub use operand::{BoundRows, RowOperand};
pub use prologue::BoundPrologue;
