//! A position of the wanted grid by a warp. The taps of both axes lie in shared memory; their pairs, of which there may be
//! hundreds, are made where they are used, for four warps have no room for them.

use super::{Grids, InterpolatePositions};
use crate::entry::{SCRATCH_LIMIT, Worker};
use crate::mlir::{Builder, Type, Value};
use crate::movement::taps::{Taps, most_taps};
use crate::vector::{element_pointer, for_columns, load, store};
use crate::{NvidiaTarget, Reason};

/// Bytes of the index of a tap, `i64`, and of its weight, `f32`.
const INDEX_BYTES: i64 = 8;
const WEIGHT_BYTES: i64 = 4;

impl InterpolatePositions {
    /// Bytes of scratch memory, where a warp may have as many.
    pub(super) fn scratch_of_axes(&self) -> Result<i64, Reason> {
        let bytes = self.axes_bytes();
        match bytes <= SCRATCH_LIMIT {
            true => Ok(bytes),
            false => Err(Reason::Unsupported(format!(
                "the taps of a grid of {} x {} take {bytes} bytes of shared memory, and a warp has {SCRATCH_LIMIT}",
                self.native_rows, self.native_cols
            ))),
        }
    }

    /// Bytes of the taps of both axes.
    pub(super) fn axes_bytes(&self) -> i64 {
        let taps = most_taps(self.native_rows).saturating_add(most_taps(self.native_cols));
        taps.saturating_mul(INDEX_BYTES + WEIGHT_BYTES)
    }

    /// Where the indices and the weights of each axis begin: both of the indices come first.
    fn arrays(&self) -> [(i64, i64); 2] {
        let [rows, cols] = [self.native_rows, self.native_cols].map(most_taps);
        let weights = (rows + cols) * INDEX_BYTES;
        [(0, weights), (rows * INDEX_BYTES, weights + rows * WEIGHT_BYTES)]
    }

    /// Writes some positions of the wanted grid.
    pub(super) fn resample_positions(
        &self,
        b: &mut Builder,
        target: NvidiaTarget,
        Worker { first, end, scratch, .. }: Worker,
        grids: &Grids,
    ) {
        let [row_arrays, col_arrays] = self.arrays().map(|(indices, weights)| {
            (b.offset_constant(scratch, indices), b.offset_constant(scratch, weights))
        });
        let [row_axis, col_axis] = grids.axes;
        b.for_each((first, end, 1), |b, position| {
            let row = b.div(position, col_axis.wanted);
            let col = b.rem(position, col_axis.wanted);
            let row_taps = row_axis.emit(b, target.into(), row, row_arrays);
            let col_taps = col_axis.emit(b, target.into(), col, col_arrays);
            let to = grids.position(b, row, col);
            for_columns(b, target, grids.columns, |b, column, lanes| {
                let table = element_pointer(b, grids.table, self.element, column);
                let sum = self.weigh_pairs(b, (table, grids), [&row_taps, &col_taps], lanes);
                let to = element_pointer(b, to, self.element, column);
                store(b, target, self.element, sum, to);
            });
        });
    }

    /// The sum of some columns of the entries of all pairs of taps, each with the product of their weights.
    fn weigh_pairs(
        &self,
        b: &mut Builder,
        (table, grids): (Value, &Grids),
        [rows, cols]: [&Taps; 2],
        lanes: u32,
    ) -> Value {
        let (zero, none) = (b.i64(0), b.splat(0.0, Type::f32s(lanes)));
        let sum = b.for_loop((zero, rows.count, 1), &[none], |b, i, sum| {
            let (row, row_weight) = rows.at(b, i);
            let first_entry = b.mul_constant(row, self.native_cols);
            b.for_loop((zero, cols.count, 1), sum, |b, j, sum| {
                let (col, col_weight) = cols.at(b, j);
                let entry = b.add(first_entry, col);
                let offset = b.mul(entry, grids.table_bytes);
                let pointer = b.offset(table, offset);
                let entry = load(b, self.element, pointer, lanes);
                let weight = b.mul(row_weight, col_weight);
                let weight = b.broadcast(weight, lanes);
                vec![b.fma(entry, weight, sum[0])]
            })
        });
        sum[0]
    }
}
