//! Sums, divided by what their weights sum to, are rows of the result.

use super::Run;
use super::softmax::{broadcast_at, load_rows};
use crate::mlir::{Builder, Type, Value};
use crate::tile_registers::{TILE_ROW_BYTES, TILE_ROWS};
use crate::vector::{self, fold_rows, pieces};
use ocellus_dialects::ElementType::{BF16, F32};

impl Run<'_> {
    pub(super) fn store_outputs(&self, b: &mut Builder) {
        let (scratch, schedule) = (&self.writer.scratch, &self.writer.schedule);
        let target = self.writer.emitter.target;
        let zero = b.i64(0);
        let count = self.queries.count;
        let factors = self.part(b, scratch.factors);
        let outputs = self.part(b, scratch.outputs);
        b.for_each((zero, count, TILE_ROWS), |b, first| {
            let sums = self.part(b, scratch.sums);
            let bytes = b.mul_constant(first, TILE_ROW_BYTES);
            let sums = b.offset(sums, bytes);
            let sums = load_rows(b, sums);
            let sums = fold_rows(b, &sums, |b, x, y| b.add(x, y));
            let one = b.splat(1.0, sums.ty());
            let inverses = b.div(one, sums);
            b.store(inverses, factors);
            let rest = b.sub(count, first);
            let full = b.i64(TILE_ROWS);
            let rows = b.min(rest, full);
            b.for_each((zero, rows, 1), |b, row| {
                let factor = broadcast_at(b, factors, row);
                let query = b.add(first, row);
                let bytes = b.mul_constant(query, schedule.output_row());
                let from = b.offset(outputs, bytes);
                let to = self.queries.result.row(b, query);
                for (column, lanes) in pieces(0, schedule.head_size, target.lanes()) {
                    let from = b.offset_constant(from, column * F32.bytes());
                    let sum: Value = b.load(from, Type::f32s(lanes));
                    let factor =
                        if lanes == target.lanes() { factor } else { b.lanes(factor, 0, lanes) };
                    let value = b.mul(sum, factor);
                    let to = b.offset_constant(to, column * BF16.bytes());
                    vector::store(b, target, BF16, value, to);
                }
            });
        });
    }
}
