//! [`Fragments`]: what a warp reads of a step by `ldmatrix`, and multiplies by `mma.sync`.
//!
//! A fragment is a matrix of 16 by 16 elements of x, or two of 8 by 16 of the weight, spread over the lanes of a warp.

use super::Schedule;
use super::thread::Thread;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{MMA, Matrices, read_matrices};

/// Bytes that lie between the chunks of one product along k and those of the next.
const PRODUCT_BYTES: i64 = 2 * MMA[2];

/// Where a lane reads fragments: in any stage, for each product along the depth of a step.
pub(super) struct Fragments {
    schedule: Schedule,
    x: Vec<Value>,
    weight: Vec<Value>,
}

impl Fragments {
    pub(super) fn of(b: &mut Builder, schedule: &Schedule, thread: &Thread) -> Self {
        let [warp_rows, warp_columns] = schedule.warp_tile();
        let [_, _, steps] = schedule.products();
        let constant = |b: &mut Builder, value| b.integer(value, Type::I32);
        let below = |b: &mut Builder, value: i64| {
            let mask = constant(b, value - 1);
            b.and(thread.lane, mask)
        };
        // Lanes give the rows of four matrices: of x the upper and the lower half, then the same of the next chunk.
        let row = b.mul_constant(thread.warp_row, warp_rows);
        let (within, chunk) = (below(b, 16), b.shift_right(thread.lane, 4));
        let row = b.add(row, within);
        let x = at(b, schedule, (row, chunk), thread);
        // Of the weight the first chunk and the second, then the same of the next eight rows.
        let first = b.mul_constant(thread.warp_column, warp_columns);
        let (within, next) = (below(b, 8), b.shift_right(thread.lane, 4));
        let next = b.mul_constant(next, 8);
        let row = b.add(first, within);
        let row = b.add(row, next);
        let chunk = b.shift_right(thread.lane, 3);
        let one = constant(b, 1);
        let chunk = b.and(chunk, one);
        let weight = at(b, schedule, (row, chunk), thread);
        let mut of_steps = |start: Value, behind: i64| -> Vec<Value> {
            (0..steps)
                .map(|step| {
                    let bytes = constant(b, PRODUCT_BYTES * step);
                    let at = b.xor(start, bytes);
                    b.add_constant(at, behind)
                })
                .collect()
        };
        let (x, weight) = (of_steps(x, 0), of_steps(weight, schedule.weight_at()));
        Fragments { schedule: *schedule, x, weight }
    }

    /// Fragments of 16 rows of x.
    pub(super) fn x(&self, b: &mut Builder, stage: Value, step: usize, number: i64) -> Vec<Value> {
        self.read(b, stage, self.x[step % self.x.len()], number)
    }

    /// Fragments of 16 rows of the weight: two of eight, one after the other.
    pub(super) fn weight(
        &self,
        b: &mut Builder,
        stage: Value,
        step: usize,
        pair: i64,
    ) -> Vec<Value> {
        self.read(b, stage, self.weight[step % self.weight.len()], pair)
    }

    fn read(&self, b: &mut Builder, stage: Value, at: Value, number: i64) -> Vec<Value> {
        let from = b.offset(stage, at);
        let from = b.offset_constant(from, 16 * number * self.schedule.row_bytes());
        // Of x one fragment, of the weight two.
        read_matrices(b, from, Matrices { count: 4, transposed: false })
    }
}

/// Where a row's chunk lies in a stage, of the first product of the thread's slice of a step.
fn at(
    b: &mut Builder,
    schedule: &Schedule,
    (row, chunk): (Value, Value),
    thread: &Thread,
) -> Value {
    let [_, _, steps] = schedule.products();
    let at = schedule.chunk_rows().at(b, row, chunk);
    if schedule.warps.slices == 1 {
        return at;
    }
    let slice = b.mul_constant(thread.slice, PRODUCT_BYTES * steps);
    b.xor(at, slice)
}
