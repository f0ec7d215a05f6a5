//! Writes the row-wise kernel.

use super::RowWise;
use crate::arguments::place;
use crate::entry::{Entry, Worker};
use crate::mlir::Module;
use crate::rows::{BoundEpilogue, BoundPrologue, BoundRows};
use crate::vector::{self, Columns, Width};

impl RowWise {
    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = self.target;
        entry.define(module, |b, Worker { block, first, end, .. }| {
            let arguments = place(self.arguments());
            let rows = arguments.rows.load(b, block);
            let columns = arguments.columns.load(b, block);
            let x = BoundRows::load(b, block, &arguments.x);
            let prologue = BoundPrologue::load(b, block, &arguments.prologue);
            let epilogue = BoundEpilogue::load(b, block, &arguments.epilogue);
            let result = BoundRows::load_even(b, block, &arguments.result, self.to);
            let width = self.width.map_or(Width::Dynamic(columns), Width::Static);
            let columns = Columns { width, at_once: self.at_once };

            let first_row = b.mul_constant(first, self.tile_rows());
            let end_row = b.mul_constant(end, self.tile_rows());
            let end_row = b.min(end_row, rows);
            b.for_each((first_row, end_row, 1), |b, row| {
                let from = x.row(b, row);
                let to = result.row(b, row);
                let epilogue = epilogue.row(b, row);
                prologue.for_row(b, target, (x.element, from), columns, |b, column, value| {
                    let value = epilogue.apply(b, column, value);
                    let to = vector::element_pointer(b, to, self.to, column);
                    vector::store(b, target, self.to, value, to);
                });
            });
        });
    }
}
