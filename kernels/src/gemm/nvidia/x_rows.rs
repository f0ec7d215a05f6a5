//! [`XRows`]: where the rows of x lie.

use crate::arguments::Placed;
use crate::mlir::{Builder, Value};
use crate::rows::{BoundPatches, BoundRows, RowSource};

/// The rows of x at run time. No thread gathers a patch: each copies its part of it from where that lies.
pub(super) enum XRows {
    /// Each lies in one run.
    Rows(BoundRows),
    /// Each is a patch of an image.
    Patches(BoundPatches),
}

impl XRows {
    /// The rows, of which the argument block is given.
    pub(super) fn load(b: &mut Builder, block: Value, source: &RowSource<Placed>) -> Self {
        match source {
            RowSource::Rows(rows) => XRows::Rows(BoundRows::load(b, block, rows)),
            RowSource::Patches(patches) => XRows::Patches(BoundPatches::load(b, block, patches)),
        }
    }

    /// The address of a row's first element.
    pub(super) fn start(&self, b: &mut Builder, row: Value) -> Value {
        match self {
            XRows::Rows(rows) => rows.row(b, row),
            XRows::Patches(patches) => patches.start(b, row),
        }
    }

    /// The patches, where a row's columns do not follow each other.
    pub(super) fn patches(&self) -> Option<BoundPatches> {
        match self {
            XRows::Rows(_) => None,
            XRows::Patches(patches) => Some(*patches),
        }
    }
}
