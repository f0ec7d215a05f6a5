//! [`Fragments`]: what a warp reads of a step by `ldmatrix`, and multiplies by `mma.sync`.
//!
//! A fragment is a matrix of 16 rows of x, or two of 8 rows of the weight, as deep as a product, spread over the lanes of a
//! warp. `ldmatrix` knows of pairs of 16 bits alone, and an f32 is such a pair.

use super::Schedule;
use super::lane_columns;
use super::thread::Thread;
use crate::gemm::Product;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{Matrices, READ_BYTES, read_matrices};

/// Where a lane reads fragments: in any stage, for each two chunks along the depth of a step.
pub(super) struct Fragments {
    schedule: Schedule,
    x: Vec<Value>,
    weight: Vec<Value>,
}

impl Fragments {
    pub(super) fn of(
        b: &mut Builder,
        schedule: &Schedule,
        product: &Product,
        thread: &Thread,
    ) -> Self {
        let [warp_rows, warp_columns] = schedule.warp_tile();
        let reads = reads(schedule);
        // Of x the upper and the lower half come first, then the same of the next chunk.
        let first = b.mul_constant(thread.warp_row, warp_rows);
        let (row, chunk) = thread.in_block.place_in_matrices(b);
        let row = b.add(first, row);
        let x = at(b, schedule, (row, chunk), thread);
        // Of the weight the first chunk and the second, then the same of the next eight rows.
        let first = b.mul_constant(thread.warp_column, warp_columns);
        let (row, chunk) = thread.in_block.place_in_matrix_pairs(b);
        let row = if product.is_gated() { row } else { lane_columns::weight_row(b, row) };
        let row = b.add(first, row);
        let weight = at(b, schedule, (row, chunk), thread);
        let mut of_reads = |start: Value, behind: i64| -> Vec<Value> {
            (0..reads)
                .map(|read| {
                    let bytes = b.integer(READ_BYTES * read, Type::I32);
                    let at = b.xor(start, bytes);
                    b.add_constant(at, behind)
                })
                .collect()
        };
        let (x, weight) = (of_reads(x, 0), of_reads(weight, schedule.weight_at()));
        Fragments { schedule: *schedule, x, weight }
    }

    /// Fragments of 16 rows of x.
    pub(super) fn x(&self, b: &mut Builder, stage: Value, step: usize, number: i64) -> Vec<Value> {
        self.read(b, stage, (&self.x, step), number)
    }

    /// Fragments of 16 rows of the weight: two of eight, one after the other in each read.
    pub(super) fn weight(
        &self,
        b: &mut Builder,
        stage: Value,
        step: usize,
        pair: i64,
    ) -> Vec<Value> {
        self.read(b, stage, (&self.weight, step), pair)
    }

    /// The registers of a fragment, read by read.
    fn read(
        &self,
        b: &mut Builder,
        stage: Value,
        (places, step): (&[Value], usize),
        number: i64,
    ) -> Vec<Value> {
        let mut registers = vec![];
        let reads = self.schedule.arithmetic.reads() as usize;
        for at in places.chunks(reads).nth(step).into_iter().flatten() {
            let from = b.offset(stage, *at);
            let from = b.offset_constant(from, 16 * number * self.schedule.row_bytes());
            registers.extend(read_matrices(b, from, Matrices { count: 4, transposed: false }));
        }
        registers
    }
}

/// Reads of a row along a slice of a step's depth.
fn reads(schedule: &Schedule) -> i64 {
    let [_, _, steps] = schedule.products();
    steps * schedule.arithmetic.reads()
}

/// Where a row's chunk lies in a stage, of the first product of the thread's slice of a step.
fn at(
    b: &mut Builder,
    schedule: &Schedule,
    (row, chunk): (Value, Value),
    thread: &Thread,
) -> Value {
    let at = schedule.chunk_rows().at(b, row, chunk);
    if schedule.warps.slices == 1 {
        return at;
    }
    let slice = b.mul_constant(thread.slice, READ_BYTES * reads(schedule));
    b.xor(at, slice)
}
