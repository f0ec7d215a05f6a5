//! [`Answer`]: sums of weighted values, divided by those of the weights, and written. Elements of 16 bits go by way of the part of
//! shared memory in which the warp's queries were; f32 are written as they lie, for four lanes have a whole sector of 32 bytes.

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
        match self.element {
            ElementType::BF16 | ElementType::F16 => self.write_runs(b, memory, state),
            ElementType::F32 | ElementType::I32 => self.write_pairs(b, state),
        }
    }

    /// Writes runs of rows.
    fn write_runs(&self, b: &mut Builder, memory: Value, state: &State) {
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

    /// Writes f32 from where they are.
    fn write_pairs(&self, b: &mut Builder, state: &State) {
        let (row, column) = self.thread.place_in_sums(b);
        let first = b.mul_constant(self.thread.warp, self.attention.schedule.queries);
        let row = b.add(first, row);
        let row = b.extend_unsigned(row, Scalar::I64);
        let column = b.extend_unsigned(column, Scalar::I64);
        let run = self.attention.runs[3].min(2);
        for (number, sums) in state.answer.iter().enumerate() {
            for half in 0..2 {
                let factor = self.factor(b, state.weights[number][half]);
                let row = b.add_constant(row, 16 * number as i64 + 8 * half as i64);
                let is_there = b.compare(Comparison::Less, row, self.tile.queries_left);
                b.if_then(is_there, |b| {
                    let start = self.tile.result.from(b, row).start;
                    let start = vector::element_pointer(b, start, self.element, column);
                    for (columns, sums) in sums.iter().enumerate() {
                        let pair = [0, 1].map(|lane| b.mul(sums[2 * half + lane], factor));
                        for (position, run_of) in pair.chunks(run as usize).enumerate() {
                            let bytes = self.element.bytes();
                            let behind = (8 * columns + position) as i64 * bytes;
                            let to = b.offset_constant(start, behind);
                            let stored = b.vector(run_of);
                            b.store_aligned(stored, to, run * bytes);
                        }
                    }
                });
            }
        }
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
