//! What every family does with vectors: reads and writes storage as f32, walks the columns of a row, and evaluates
//! functions.

mod activation;
mod columns;
mod copy;
mod elementwise;
mod functions;
mod register_block;
mod rotation;
mod storage;
mod transpose;

pub use activation::activate;
pub use columns::{Columns, Width, fold_columns, for_columns};
pub(crate) use columns::{at_once, fold_threads, for_each_column, pieces};
pub use copy::copy;
pub(crate) use copy::copy_piece;
pub use elementwise::{ACTIVATION_FLOPS, elementwise, elementwise_flops};
pub use functions::{erf, exp, sigmoid, tanh};
pub(crate) use register_block::{CELL, Cell, RegisterBlock};
pub(crate) use rotation::Rotation;
pub(crate) use storage::storage;
pub use storage::{element_pointer, load, narrow, store, widen};
pub(crate) use transpose::{fold_rows, transpose};
