//! A row of the wanted grid by one thread: all pairs of taps of a position are written to scratch memory first, so that the walk
//! of its elements does nothing but sum.

use super::{Grids, InterpolatePositions};
use crate::CpuTarget;
use crate::entry::Worker;
use crate::mlir::{Builder, Type, Value};
use crate::movement::taps::{Taps, most_taps, store_at};
use crate::vector::{element_pointer, for_columns, load, store};

/// Offsets in bytes of what a worker keeps in scratch memory.
struct Scratch {
    row_indices: i64,
    row_weights: i64,
    col_indices: i64,
    col_weights: i64,
    offsets: i64,
    weights: i64,
    bytes: i64,
}

impl InterpolatePositions {
    /// Bytes of scratch memory.
    pub(super) fn scratch_of_pairs(&self) -> i64 {
        self.scratch().bytes
    }

    fn scratch(&self) -> Scratch {
        let (index, weight) = (Type::I64.scalar().bytes(), Type::F32.scalar().bytes());
        let (rows, cols) = (most_taps(self.native_rows), most_taps(self.native_cols));
        let row_indices = 0;
        let col_indices = row_indices + rows * index;
        let offsets = col_indices + cols * index;
        let row_weights = offsets + rows * cols * index;
        let col_weights = row_weights + rows * weight;
        let weights = col_weights + cols * weight;
        let bytes = weights + rows * cols * weight;
        Scratch { row_indices, row_weights, col_indices, col_weights, offsets, weights, bytes }
    }

    /// Writes the positions of some rows of the wanted grid.
    pub(super) fn resample_rows(
        &self,
        b: &mut Builder,
        target: CpuTarget,
        Worker { first, end, scratch, .. }: Worker,
        grids: &Grids,
    ) {
        let places = self.scratch();
        let arrays = |b: &mut Builder, indices, weights| {
            (b.offset_constant(scratch, indices), b.offset_constant(scratch, weights))
        };
        let row_arrays = arrays(b, places.row_indices, places.row_weights);
        let col_arrays = arrays(b, places.col_indices, places.col_weights);
        let (indices, weights) = arrays(b, places.offsets, places.weights);
        let [row_axis, col_axis] = grids.axes;
        let zero = b.i64(0);
        b.for_each((first, end, 1), |b, row| {
            let row_taps = row_axis.emit(b, target.into(), row, row_arrays);
            b.for_each((zero, col_axis.wanted, 1), |b, col| {
                let col_taps = col_axis.emit(b, target.into(), col, col_arrays);
                let count = b.mul(row_taps.count, col_taps.count);
                let taps = Taps { indices, weights, count };
                self.products(b, [&row_taps, &col_taps], grids.table_bytes, &taps);
                let to = grids.position(b, row, col);
                for_columns(b, target, grids.columns, |b, column, lanes| {
                    let table = element_pointer(b, grids.table, self.element, column);
                    let sum = self.weigh(b, table, &taps, lanes);
                    let to = element_pointer(b, to, self.element, column);
                    store(b, target, self.element, sum, to);
                });
            });
        });
    }

    /// Every pair of a row's tap and a column's: where its entry lies, in bytes, and its weight.
    fn products(
        &self,
        b: &mut Builder,
        [rows, cols]: [&Taps; 2],
        entry_bytes: Value,
        Taps { indices: offsets, weights, .. }: &Taps,
    ) {
        let zero = b.i64(0);
        b.for_each((zero, rows.count, 1), |b, i| {
            let (row, row_weight) = rows.at(b, i);
            let first_entry = b.mul_constant(row, self.native_cols);
            let first_place = b.mul(i, cols.count);
            b.for_each((zero, cols.count, 1), |b, j| {
                let (col, col_weight) = cols.at(b, j);
                let entry = b.add(first_entry, col);
                let offset = b.mul(entry, entry_bytes);
                let weight = b.mul(row_weight, col_weight);
                let place = b.add(first_place, j);
                store_at(b, *offsets, place, offset);
                store_at(b, *weights, place, weight);
            });
        });
    }

    /// The sum of some columns of all entries, each with its weight.
    fn weigh(&self, b: &mut Builder, table: Value, taps: &Taps, lanes: u32) -> Value {
        let none = b.splat(0.0, Type::f32s(lanes));
        let zero = b.i64(0);
        let sum = b.for_loop((zero, taps.count, 1), &[none], |b, place, sum| {
            let (offset, weight) = taps.at(b, place);
            let pointer = b.offset(table, offset);
            let entry = load(b, self.element, pointer, lanes);
            let weight = b.broadcast(weight, lanes);
            vec![b.fma(entry, weight, sum[0])]
        });
        sum[0]
    }
}
