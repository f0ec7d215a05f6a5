//! `kernel`: one operation a launch. What was fused into a kernel stands in its prologue and its epilogue.
//!
//! A [`Function`] here is what extraction chose for a `venc` function: launches over values, where a value may also
//! be a view (no work) or the result of work on weights alone (done at compile time).

mod calls;
mod family;
mod irdl;
mod module;
mod moved;
mod op;
mod parse;
mod parse_launch;
mod print;
#[cfg(test)]
mod random;
mod tile;
mod typing;
mod view;

pub use family::{Family, UnknownFamily};
pub use irdl::{elementwise_irdl, view_irdl};
pub use module::{Argument, Function, Module, Step, Value, ValueKind};
pub use moved::Moved;
pub use op::{Between, Broadcast, Combine, EpilogueOp, KernelOp, Mask, Prologue, RowOperation};
pub use tile::{GemmTile, WarpTiling};
pub use typing::infer;
pub use view::View;
