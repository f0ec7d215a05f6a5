//! [`Scores`]: the products of a warp's queries and the keys of a block.
//!
//! Where a head has an odd number of eights, the last product is of half the depth: of four times eight keys at once.

use super::Schedule;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{ChunkWalk, MMA, Matrices, Sums, Thread, multiply, no_sums, read_matrices};
use ocellus_dialects::ElementType;

/// The fragments of a warp's queries: for each product along the head, of each 16 queries.
pub(super) type Queries = Vec<Vec<Vec<Value>>>;

/// Where a lane reads the fragments of queries and keys.
pub(super) struct Scores {
    schedule: Schedule,
    element: ElementType,
    /// Where the queries lie.
    memory: Value,
    queries: ChunkWalk,
    keys: ChunkWalk,
    /// The last eight elements of a key of a lane's number, in bytes behind the first key.
    last: Value,
}

impl Scores {
    pub(super) fn of(
        b: &mut Builder,
        schedule: &Schedule,
        element: ElementType,
        (thread, memory): (&Thread, Value),
    ) -> Self {
        let rows = schedule.rows();
        let (row, chunk) = thread.place_in_matrices(b);
        let first = b.mul_constant(thread.warp, schedule.queries);
        let row = b.add(first, row);
        let queries = rows.walk(b, (row, chunk), 2);
        let place = thread.place_in_matrix_pairs(b);
        let keys = rows.walk(b, place, 2);
        let chunk = b.integer(rows.chunks - 1, Type::I32);
        let last = rows.at(b, thread.lane, chunk);
        Scores { schedule: *schedule, element, memory, queries, keys, last }
    }

    /// Reads the queries.
    pub(super) fn queries(&self, b: &mut Builder) -> Queries {
        let schedule = &self.schedule;
        let mut all = vec![];
        for step in 0..(schedule.head_size + MMA[2] - 1) / MMA[2] {
            // Of an odd eight there are the upper and the lower half alone.
            let is_whole = (step + 1) * MMA[2] <= schedule.head_size;
            let matrices = Matrices { count: if is_whole { 4 } else { 2 }, transposed: false };
            let mut fragments = vec![];
            for number in 0..schedule.row_products() as i64 {
                let from = self.queries.at(b, self.memory, (MMA[0] * number, step));
                fragments.push(read_matrices(b, from, matrices));
            }
            all.push(fragments);
        }
        all
    }

    /// The scores of the keys that lie there: of 16 queries by 8 keys each, row by row.
    pub(super) fn of_block(
        &self,
        b: &mut Builder,
        queries: &Queries,
        keys: Value,
    ) -> Vec<Vec<Sums>> {
        let schedule = &self.schedule;
        let none = no_sums(b);
        let mut scores = vec![vec![none; schedule.key_products()]; schedule.row_products()];
        for (step, queries) in queries.iter().enumerate() {
            let is_whole = (step as i64 + 1) * MMA[2] <= schedule.head_size;
            // Keys whose matrices are read at once, and registers of the fragment of eight of them.
            let (keys_at_once, registers) = if is_whole { (16, 2) } else { (32, 1) };
            for first in (0..schedule.keys).step_by(keys_at_once) {
                let from = match is_whole {
                    true => self.keys.at(b, keys, (first, step as i64)),
                    false => {
                        let last = b.offset(keys, self.last);
                        b.offset_constant(last, first * schedule.rows().bytes())
                    }
                };
                let four = read_matrices(b, from, Matrices { count: 4, transposed: false });
                for (number, fragment) in four.chunks(registers).enumerate() {
                    let column = (first / MMA[1]) as usize + number;
                    for (row, query) in scores.iter_mut().zip(queries) {
                        row[column] = multiply(b, self.element, (query, fragment), row[column]);
                    }
                }
            }
        }
        scores
    }
}
