//! [`Answer`]: sums of weighted values, divided by those of the weights, and written, by way of the part of shared memory in which
//! the warp's queries were.

use super::WarpAttention;
use super::softmax::from_lane;
use super::state::State;
use super::tile::Tile;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{AnswerRows, Thread};
use crate::vector;
use ocellus_dialects::ElementType;

/// Where the answer of a tile goes.
pub(super) struct Answer<'a> {
    pub(super) attention: &'a WarpAttention,
    pub(super) element: ElementType,
    pub(super) tile: Tile,
    pub(super) thread: Thread,
}

impl Answer<'_> {
    /// Writes the answer. No other warp reads or writes this one's queries meanwhile.
    pub(super) fn write(&self, b: &mut Builder, memory: Value, state: &State) {
        let schedule = &self.attention.schedule;
        let rows = AnswerRows {
            rows: schedule.rows(),
            count: schedule.queries,
            run: self.attention.runs[3],
        };
        let first = b.mul_constant(self.thread.warp, schedule.queries);
        let own = b.mul_constant(first, schedule.rows().bytes());
        let own = b.offset(memory, own);
        let places = rows.places(b, &self.thread, own);
        for (number, sums) in state.answer.iter().enumerate() {
            for half in 0..2 {
                let factor = self.factor(b, state.weights[number][half]);
                let down = 16 * number as i64 + 8 * half as i64;
                for (columns, sums) in sums.iter().enumerate() {
                    let pair = [0, 1].map(|lane| b.mul(sums[2 * half + lane], factor));
                    let pair = b.vector(&pair);
                    let stored = vector::narrow(b, self.attention.target, self.element, pair);
                    places.put(b, stored, (down, columns as i64));
                }
            }
        }
        rows.write(b, (&self.thread, own), |b, row, _| {
            let row = b.add(first, row);
            let row = b.extend_unsigned(row, Scalar::I64);
            let is_there = b.compare(Comparison::Less, row, self.tile.queries_left);
            (self.tile.result.from(b, row).start, is_there)
        });
    }

    /// One over the sum of the weights that the four lanes of a row have.
    fn factor(&self, b: &mut Builder, own: Value) -> Value {
        let mut sum = own;
        for distance in [1, 2] {
            let other = from_lane(b, sum, distance);
            sum = b.add(sum, other);
        }
        b.intrinsic("llvm.nvvm.rcp.approx.ftz.f", &[sum], Type::F32)
    }
}
