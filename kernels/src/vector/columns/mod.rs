//! Walks the columns of a row.

mod cpu;
mod nvidia;

pub(crate) use cpu::pieces;
pub(crate) use nvidia::fold_threads;

use crate::mlir::{Builder, Value};
use crate::{Layout, Target};

/// How many columns a row has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width {
    /// Known when the kernel is written.
    Static(i64),
    /// Known at run time.
    Dynamic(Value),
}

/// The columns of a row, and how many of them lie aligned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Columns {
    /// How many there are.
    pub width: Width,
    /// How many a thread of a GPU reads at once: every row begins at a multiple of so many elements, in all that is read and
    /// written. A power of two. (A CPU's vectors may lie anywhere.)
    pub at_once: u32,
}

impl From<Width> for Columns {
    fn from(width: Width) -> Self {
        Columns { width, at_once: 1 }
    }
}

/// How many elements of rows that lie so a thread reads and writes at once: on a GPU, as many as every row of each begins at a
/// multiple of; on a CPU it does not matter.
pub(crate) fn at_once<'a>(target: Target, rows: impl IntoIterator<Item = &'a Layout>) -> u32 {
    match target {
        Target::Cpu(_) => 1,
        Target::Nvidia(_) => {
            rows.into_iter().map(|layout| layout.vector() as u32).min().unwrap_or(1)
        }
    }
}

/// Makes one value of two.
pub type Combine = fn(&mut Builder, Value, Value) -> Value;

/// Calls `body` with the first column and the number of lanes of each piece of the row. The threads of a worker share the
/// pieces.
pub fn for_columns(
    b: &mut Builder,
    target: impl Into<Target>,
    columns: impl Into<Columns>,
    body: impl FnMut(&mut Builder, Value, u32),
) {
    let columns = columns.into();
    match target.into() {
        Target::Cpu(target) => cpu::for_columns(b, target.lanes(), columns.width, body),
        Target::Nvidia(_) => nvidia::for_columns(b, columns, body),
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
    columns: impl Into<Columns>,
    identity: f64,
    combine: Combine,
    body: impl FnMut(&mut Builder, Value, u32) -> Value,
) -> Value {
    let columns = columns.into();
    match target.into() {
        Target::Cpu(target) => {
            cpu::fold_columns(b, target.lanes(), columns.width, (identity, combine), body)
        }
        Target::Nvidia(_) => nvidia::fold_columns(b, columns, (identity, combine), body),
    }
}
