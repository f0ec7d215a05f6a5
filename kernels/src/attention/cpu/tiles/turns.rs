//! Who works on which block of queries when.
//!
//! ```text
//! tiles    scores of 0 | scores of 1  | values of 0, scores of 2 | values of 1, scores of 3 | ..
//! vectors              | softmax of 0 | softmax of 1             | softmax of 2             | ..
//! ```
//!
//! Within a turn both take turns again, a row and a few tiles at a time, as a core looks a few hundred instructions ahead and no
//! further. Scores are written where weights were that have been used.
//!
//! It hides little more than the products: while a Sapphire Rapids uses tiles, and for about a thousand cycles behind that, one
//! port in place of two multiplies vectors of f32 (and takes their greatest, scales and reduces them), and a vector of the softmax
//! takes 9 cycles in place of 5. Additions and integers have both ports.

use super::Run;
use super::products::{ColumnGroup, KeyGroup, QueryBlock};
use super::schedule::{BLOCK_QUERIES, DEPTH, KEY_TILES};
use crate::mlir::{Builder, Comparison, Value};
use crate::tile_registers::TILE_ROWS;

/// Into how many parts each of the two products of a block is cut.
const STEPS: i64 = 2;

impl Run<'_> {
    /// Every block of queries with the keys that are copied.
    pub(super) fn take_turns(&self, b: &mut Builder, (is_first, keys): (Value, Value)) {
        let blocks = b.ceil_div(self.queries.count, BLOCK_QUERIES);
        let turns = b.add_constant(blocks, 2);
        let zero = b.i64(0);
        b.for_each((zero, turns, 1), |b, turn| {
            let scored = self.block(b, turn, blocks);
            let before = b.add_constant(turn, -1);
            let softmax = self.block(b, before, blocks);
            let before = b.add_constant(turn, -2);
            let weighed = self.block(b, before, blocks);
            let any = b.compare(Comparison::Less, zero, softmax.rows);
            b.if_then(any, |b| self.find_greatest(b, softmax, (is_first, keys)));
            self.take_steps(b, [scored, softmax, weighed], (is_first, keys));
        });
    }

    /// The block of that number, of no rows where there is none.
    fn block(&self, b: &mut Builder, number: Value, blocks: Value) -> QueryBlock {
        let zero = b.i64(0);
        let starts = b.compare(Comparison::LessOrEqual, zero, number);
        let ends = b.compare(Comparison::Less, number, blocks);
        let exists = b.and(starts, ends);
        let number = b.select(exists, number, zero);
        let first = b.mul_constant(number, BLOCK_QUERIES);
        let rest = b.sub(self.queries.count, first);
        let full = b.i64(BLOCK_QUERIES);
        let rows = b.min(rest, full);
        QueryBlock { number, rows: b.select(exists, rows, zero) }
    }

    fn take_steps(
        &self,
        b: &mut Builder,
        [scored, softmax, weighed]: [QueryBlock; 3],
        (is_first, keys): (Value, Value),
    ) {
        let zero = b.i64(0);
        let has_weights = b.compare(Comparison::Less, zero, weighed.rows);
        let chunks = b.ceil_div(keys, DEPTH);
        let chunks = b.select(has_weights, chunks, zero);
        let is_scored = b.compare(Comparison::Less, zero, scored.rows);
        let key_tiles = b.ceil_div(keys, TILE_ROWS);
        let key_groups = b.ceil_div(key_tiles, KEY_TILES);
        let key_groups = b.select(is_scored, key_groups, zero);
        let groups = self.writer.schedule.column_groups();
        let of_group = (STEPS / groups.len() as i64).max(1);
        let value_steps = of_group * groups.len() as i64;
        let all_steps = value_steps + STEPS;
        let weigh = |b: &mut Builder, step: Value| {
            let all_steps = b.i64(all_steps);
            let rows = b.part((step, all_steps), softmax.rows);
            self.weigh(b, softmax, rows, keys);
        };
        for (number, (first_tile, tiles)) in (0..).zip(groups) {
            let group = ColumnGroup { first_tile, tiles };
            b.if_then(has_weights, |b| self.start_sums_of(b, weighed, group, is_first));
            let end = b.i64(of_group);
            b.for_each((zero, end, 1), |b, step| {
                let chunks = b.part((step, end), chunks);
                self.weigh_values(b, weighed, group, chunks);
                let step = b.add_constant(step, number * of_group);
                weigh(b, step);
            });
            b.if_then(has_weights, |b| self.store_sums(b, weighed, group));
        }
        let end = b.i64(STEPS);
        b.for_each((zero, end, 1), |b, step| {
            // At most one: there are no more groups than steps.
            let (number, end) = b.part((step, end), key_groups);
            let exists = b.compare(Comparison::Less, number, end);
            let group = KeyGroup { number, exists, all_tiles: key_tiles };
            let step = b.add_constant(step, value_steps);
            self.score(b, scored, group, |b| weigh(b, step));
        });
    }
}
