//! The two matrix products of a panel: the scores, and the values weighed with them.

use super::panel::Panel;
use crate::mlir::{Builder, Value};
use crate::vector::{CELL, RegisterBlock};

impl Panel<'_> {
    /// `scores = keys queries^T`, not yet scaled.
    pub(super) fn score(&self, b: &mut Builder, queries: Value, keys: Value) {
        let schedule = &self.emitter.schedule;
        let block = RegisterBlock::new(
            self.emitter.target,
            schedule.cell,
            self.vectors,
            (CELL, schedule.panel_row()),
        );
        let (zero, cells) = (b.i64(0), b.i64(schedule.head_cells));
        b.for_each((zero, keys, schedule.rows), |b, key| {
            let row_bytes = schedule.head_cells * CELL;
            let bytes = b.mul_constant(key, row_bytes);
            let left = b.offset(self.keys, bytes);
            let left = block.rows_apart(b, left, row_bytes);
            let sums = block.emit(b, &left, queries, cells);
            let bytes = b.mul_constant(key, schedule.panel_row());
            let first = b.offset(self.scores, bytes);
            for (row, sums) in sums.chunks(self.vectors as usize).enumerate() {
                let row = b.offset_constant(first, row as i64 * schedule.panel_row());
                for (pointer, sum) in self.row_at(b, row).into_iter().zip(sums) {
                    b.store(*sum, pointer);
                }
            }
        });
    }

    /// `sums = sums * decay + values^T scores`
    pub(super) fn weigh_values(
        &self,
        b: &mut Builder,
        sums_at: Value,
        keys: Value,
        decay: &[Value],
    ) {
        let schedule = &self.emitter.schedule;
        let block = RegisterBlock::new(
            self.emitter.target,
            schedule.cell,
            self.vectors,
            (schedule.padded_head * CELL, schedule.panel_row()),
        );
        let steps = b.ceil_div(keys, schedule.cell.elements());
        let (zero, columns) = (b.i64(0), b.i64(schedule.padded_head));
        b.for_each((zero, columns, schedule.rows), |b, column| {
            let bytes = b.mul_constant(column, CELL);
            let left = b.offset(self.values, bytes);
            let left = block.rows_apart(b, left, CELL);
            let sums = block.emit(b, &left, self.scores, steps);
            let bytes = b.mul_constant(column, schedule.panel_row());
            let first = b.offset(sums_at, bytes);
            for (row, sums) in sums.chunks(self.vectors as usize).enumerate() {
                let row = b.offset_constant(first, row as i64 * schedule.panel_row());
                let pointers = self.row_at(b, row);
                for ((pointer, sum), decay) in pointers.into_iter().zip(sums).zip(decay) {
                    let before = b.load(pointer, self.vector_type());
                    let sum = b.fma(before, *decay, *sum);
                    b.store(sum, pointer);
                }
            }
        });
    }
}
