//! [`Block`]: rows that are packed and multiplied together.

use super::MicroKernel;
use crate::mlir::{Builder, Value};

/// Where a block of rows lies: its panels, its first row, its rows.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) panels: Value,
    pub(crate) first_row: Value,
    pub(crate) rows: Value,
}

impl Block {
    /// The block of that index of `rows` rows in all: blocks share the panels evenly, so that none is left with a few
    /// rows.
    pub(crate) fn of(
        b: &mut Builder,
        index: Value,
        rows: Value,
        (kernel, block_rows): (MicroKernel, i64),
    ) -> Block {
        let blocks = b.ceil_div(rows, block_rows);
        let panels = b.ceil_div(rows, kernel.rows);
        let start = b.mul(index, panels);
        let start = b.div(start, blocks);
        let end = b.add_constant(index, 1);
        let end = b.mul(end, panels);
        let end = b.div(end, blocks);
        let first_row = b.mul_constant(start, kernel.rows);
        let end_row = b.mul_constant(end, kernel.rows);
        let end_row = b.min(end_row, rows);
        Block { panels: b.sub(end, start), first_row, rows: b.sub(end_row, first_row) }
    }
}
