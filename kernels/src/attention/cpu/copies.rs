//! Blocks of keys and values are copied to scratch memory: widened or paired, contiguous, padded with zeros to full
//! register blocks.

use super::operand::Operand;
use super::tile::Tile;
use super::{Functions, interleave};
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::vector::{self, CELL, Cell, pieces};

impl Tile<'_> {
    /// Keys, row after row, rotated where that is asked for, and zeros up to the next full register block.
    pub(super) fn copy_keys(
        &self,
        b: &mut Builder,
        functions: &Functions,
        first: Value,
        keys: Value,
    ) {
        let emitter = self.emitter();
        let schedule = &emitter.schedule;
        let cells = pieces(0, schedule.head_cells, emitter.lanes());
        let source = self.keys.at(self.keys.row(b, first));
        let copy = self.part(b, emitter.scratch.keys);
        let row_bytes = schedule.head_row();
        let cell_bytes = schedule.cell.elements() * emitter.element.bytes();
        let zero = b.i64(0);
        match &functions.rotate {
            Some(rotate) => self.rotate_rows(b, rotate, source, (first, keys), copy),
            None => b.for_each((zero, keys, 1), |b, key| {
                let row = source.row(b, key);
                let bytes = b.mul_constant(key, row_bytes);
                let to = b.offset(copy, bytes);
                for (cell, lanes) in &cells {
                    let pointer = b.offset_constant(row, cell * cell_bytes);
                    let value = emitter.load_cells(b, pointer, *lanes);
                    let pointer = b.offset_constant(to, cell * CELL);
                    b.store(value, pointer);
                }
            }),
        }
        let blocks = b.ceil_div(keys, schedule.rows);
        let end = b.mul_constant(blocks, schedule.rows);
        b.for_each((keys, end, 1), |b, key| {
            let bytes = b.mul_constant(key, row_bytes);
            let to = b.offset(copy, bytes);
            store_zeros(b, to, &cells);
        });
    }

    /// Values, row after row or two rows together, each row filled with zeros up to full register blocks.
    pub(super) fn copy_values(&self, b: &mut Builder, first: Value, keys: Value) {
        let emitter = self.emitter();
        let schedule = &emitter.schedule;
        let columns = pieces(0, schedule.head_size, emitter.lanes());
        let padding = pieces(schedule.head_size, schedule.padded_head, emitter.lanes());
        let source = self.values.at(self.values.row(b, first));
        let copy = self.part(b, emitter.scratch.values);
        let elements = schedule.cell.elements();
        let zero = b.i64(0);
        b.for_each((zero, keys, elements), |b, key| {
            let row = source.row(b, key);
            let next = NextRow::after(b, &source, key, keys);
            let bytes = b.mul_constant(key, schedule.padded_head * CELL / elements);
            let to = b.offset(copy, bytes);
            for (column, lanes) in &columns {
                let offset = column * emitter.element.bytes();
                let pointer = b.offset_constant(row, offset);
                let value = match schedule.cell {
                    Cell::F32 => vector::load(b, emitter.element, pointer, *lanes),
                    Cell::Bf16Pair => {
                        let even = b.load(pointer, Type::Vector(Scalar::I16, *lanes));
                        let odd = next.load(b, offset, *lanes);
                        interleave(b, even, odd)
                    }
                };
                let pointer = b.offset_constant(to, column * CELL);
                b.store(value, pointer);
            }
            store_zeros(b, to, &padding);
        });
    }
}

/// The other row of a pair, which may not be there.
pub(super) struct NextRow {
    row: Value,
    exists: Value,
}

impl NextRow {
    pub(super) fn after(b: &mut Builder, source: &Operand, row: Value, end: Value) -> Self {
        let next = b.add_constant(row, 1);
        let exists = b.compare(Comparison::Less, next, end);
        let readable = b.select(exists, next, row);
        NextRow { row: source.row(b, readable), exists }
    }

    /// Zeros where the row is not there.
    pub(super) fn load(&self, b: &mut Builder, offset: i64, lanes: u32) -> Value {
        let ty = Type::Vector(Scalar::I16, lanes);
        let pointer = b.offset_constant(self.row, offset);
        let value = b.load(pointer, ty);
        let zeros = b.splat(0.0, ty);
        b.select(self.exists, value, zeros)
    }
}

fn store_zeros(b: &mut Builder, to: Value, cells: &[(i64, u32)]) {
    for (cell, lanes) in cells {
        let zeros = b.splat(0.0, Type::f32s(*lanes));
        let pointer = b.offset_constant(to, cell * CELL);
        b.store(zeros, pointer);
    }
}
