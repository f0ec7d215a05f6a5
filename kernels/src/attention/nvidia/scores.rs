//! [`Scores`]: the products of a warp's queries and the keys of a block.
//!
//! Where a head has an odd number of eights, the last product is of half the depth: of four times eight keys at once.

use super::Schedule;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{ChunkWalk, MMA, Matrices, Sums, Thread, no_sums, read_matrices};

/// The fragments of a warp's queries for a product along the head: of each part, of each 16 queries.
pub(super) type StepQueries = Vec<Vec<Vec<Value>>>;

/// Those of all products along the head, where they stay in registers.
pub(super) type Queries = Option<Vec<StepQueries>>;

/// Where a lane reads the fragments of queries and keys.
pub(super) struct Scores {
    schedule: Schedule,
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
        Scores { schedule: *schedule, memory, queries, keys, last }
    }

    /// Reads the queries, where there are registers for them.
    pub(super) fn queries(&self, b: &mut Builder) -> Queries {
        let schedule = &self.schedule;
        schedule
            .holds_queries()
            .then(|| (0..schedule.head_steps()).map(|step| self.step_queries(b, step)).collect())
    }

    /// Reads the queries for a product along the head.
    fn step_queries(&self, b: &mut Builder, step: i64) -> StepQueries {
        let schedule = &self.schedule;
        // Of an odd eight there are the upper and the lower half alone.
        let count = if self.is_whole(step) { 4 } else { 2 };
        (0..schedule.parts())
            .map(|part| {
                let part = b.offset_constant(self.memory, part * schedule.queries_bytes());
                (0..schedule.row_products() as i64)
                    .map(|number| {
                        let from = self.queries.at(b, part, (MMA[0] * number, step));
                        read_matrices(b, from, Matrices { count, transposed: false })
                    })
                    .collect()
            })
            .collect()
    }

    /// Whether a product along the head has all of its depth.
    fn is_whole(&self, step: i64) -> bool {
        (step + 1) * MMA[2] <= self.schedule.head_size
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
        for step in 0..schedule.head_steps() {
            let held = queries.as_ref().and_then(|queries| queries.get(step as usize));
            let queries = match held {
                Some(queries) => queries,
                None => &self.step_queries(b, step),
            };
            // Keys whose matrices are read at once, and registers of the fragment of eight of them.
            let (keys_at_once, registers) = if self.is_whole(step) { (16, 2) } else { (32, 1) };
            for first in (0..schedule.keys).step_by(keys_at_once) {
                let parts: Vec<Vec<Value>> = (0..schedule.parts())
                    .map(|part| self.keys(b, keys, (first, step, part)))
                    .collect();
                for number in 0..4 / registers {
                    let column = first as usize / MMA[1] as usize + number;
                    let fragment = number * registers..(number + 1) * registers;
                    for (row, scores) in scores.iter_mut().enumerate() {
                        for (of_query, of_key) in schedule.arithmetic.products() {
                            let operands =
                                (&queries[*of_query][row][..], &parts[*of_key][fragment.clone()]);
                            let sums = scores[column];
                            scores[column] = schedule.arithmetic.multiply(b, operands, sums);
                        }
                    }
                }
            }
        }
        scores
    }

    /// Reads a part of some keys, from the first of them on, for a product along the head.
    fn keys(
        &self,
        b: &mut Builder,
        keys: Value,
        (first, step, part): (i64, i64, i64),
    ) -> Vec<Value> {
        let part = b.offset_constant(keys, part * self.schedule.keys_bytes());
        let from = match self.is_whole(step) {
            true => self.keys.at(b, part, (first, step)),
            false => {
                let last = b.offset(part, self.last);
                b.offset_constant(last, first * self.schedule.rows().bytes())
            }
        };
        read_matrices(b, from, Matrices { count: 4, transposed: false })
    }
}
