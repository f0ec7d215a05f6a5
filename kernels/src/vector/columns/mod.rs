//! Walks the columns of a row.

mod cpu;
mod nvidia;

pub(crate) use cpu::pieces;

use crate::Target;
use crate::mlir::{Builder, Value};

/// How many columns a row has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width {
    /// Known when the kernel is written.
    Static(i64),
    /// Known at run time.
    Dynamic(Value),
}

/// Makes one value of two.
pub type Combine = fn(&mut Builder, Value, Value) -> Value;

/// Calls `body` with the first column and the number of lanes of each piece of the row. The threads of a worker share the
/// pieces.
pub fn for_columns(
    b: &mut Builder,
    target: impl Into<Target>,
    width: Width,
    body: impl FnMut(&mut Builder, Value, u32),
) {
    match target.into() {
        Target::Cpu(target) => cpu::for_columns(b, target.lanes(), width, body),
        Target::Nvidia(_) => nvidia::for_columns(b, width, body),
    }
}

/// Calls `body` with each column of `first..end`, one by one. The threads of a worker share them.
pub(crate) fn for_each_column(
    b: &mut Builder,
    target: Target,
    (first, end): (Value, Value),
    body: impl FnOnce(&mut Builder, Value),
) {
    match target {
        Target::Cpu(_) => b.for_each((first, end, 1), body),
        Target::Nvidia(_) => nvidia::for_each_column(b, (first, end), body),
    }
}

/// Combines what `body` gives for each piece of the row into one scalar, which all threads of a worker get. `identity` is
/// the number that `combine` leaves as it is.
pub fn fold_columns(
    b: &mut Builder,
    target: impl Into<Target>,
    width: Width,
    identity: f64,
    combine: Combine,
    body: impl FnMut(&mut Builder, Value, u32) -> Value,
) -> Value {
    match target.into() {
        Target::Cpu(target) => {
            cpu::fold_columns(b, target.lanes(), width, (identity, combine), body)
        }
        Target::Nvidia(_) => nvidia::fold_columns(b, width, (identity, combine), body),
    }
}
