//! Writes the row-wise kernel for a CPU.

use super::RowWise;
use crate::CpuTarget;
use crate::mlir::{Linkage, Module, Type};
use crate::rows::{ArgumentReader, BoundEpilogue, BoundPrologue, BoundRows};
use crate::vector::{self, Width};

impl RowWise {
    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            let [block, first, end, _] = parameters else { return };
            let mut arguments = ArgumentReader::new(*block);
            let rows = arguments.integer(b);
            let columns = arguments.integer(b);
            let x = self.x.read(b, &mut arguments);
            let prologue = BoundPrologue::read(self.prologue, b, &mut arguments);
            let epilogue = BoundEpilogue::read(&self.epilogue, b, &mut arguments);
            let result = BoundRows::contiguous(self.to, b, &mut arguments);
            let width = self.width.map_or(Width::Dynamic(columns), Width::Static);

            let first_row = b.mul_constant(*first, self.tile_rows());
            let end_row = b.mul_constant(*end, self.tile_rows());
            let end_row = b.min(end_row, rows);
            b.for_each((first_row, end_row, 1), |b, row| {
                let from = x.row(b, row);
                let to = result.row(b, row);
                let epilogue = epilogue.row(b, row);
                prologue.for_row(b, target, (x.element, from), width, |b, column, value| {
                    let value = epilogue.apply(b, column, value);
                    let to = vector::element_pointer(b, to, self.to, column);
                    vector::store(b, target, self.to, value, to);
                });
            });
        });
    }
}
