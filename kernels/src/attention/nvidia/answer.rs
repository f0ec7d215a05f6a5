//! [`Answer`]: sums of weighted values, divided by those of the weights, and written.
//!
//! They go through the part of shared memory in which the warp's queries were, so that a lane writes a run of a row and the lanes
//! beside it the runs beside that.

use super::WarpAttention;
use super::softmax::from_lane;
use super::state::State;
use super::tile::Tile;
use crate::entry::synchronize_warp;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{CHUNK, CHUNK_BYTES, Thread};
use crate::{WARP, vector};
use ocellus_dialects::ElementType;

/// Bytes of an element.
const ELEMENT: i64 = 2;

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
        synchronize_warp(b);
        let (row, column) = self.thread.place_in_sums(b);
        let first = b.mul_constant(self.thread.warp, schedule.queries);
        let row = b.add(first, row);
        let zero = b.integer(0, Type::I32);
        let places = schedule.rows().walk(b, (row, zero), 1);
        let column = b.mul_constant(column, ELEMENT);
        let to = b.offset(memory, column);
        for (number, sums) in state.answer.iter().enumerate() {
            for half in 0..2 {
                let factor = self.factor(b, state.weights[number][half]);
                for (column, sums) in sums.iter().enumerate() {
                    let pair = [0, 1].map(|lane| b.mul(sums[2 * half + lane], factor));
                    let pair = b.vector(&pair);
                    let stored = vector::narrow(b, self.attention.target, self.element, pair);
                    let down = 16 * number as i64 + 8 * half as i64;
                    let to = places.at(b, to, (down, column as i64));
                    b.store_aligned(stored, to, 2 * ELEMENT);
                }
            }
        }
        synchronize_warp(b);
        let chunks = schedule.queries * schedule.rows().chunks;
        for start in (0..chunks).step_by(WARP as usize) {
            let number = b.add_constant(self.thread.lane, start);
            match start + WARP <= chunks {
                true => self.write_chunk(b, memory, (first, number)),
                false => {
                    let end = b.integer(chunks, Type::I32);
                    let is_there = b.compare(Comparison::Less, number, end);
                    b.if_then(is_there, |b| self.write_chunk(b, memory, (first, number)));
                }
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

    /// Writes the chunk of that number of the warp's rows, where its query is there.
    fn write_chunk(&self, b: &mut Builder, memory: Value, (first, number): (Value, Value)) {
        let rows = self.attention.schedule.rows();
        let chunks = b.integer(rows.chunks, Type::I32);
        let (row, chunk) = (b.div(number, chunks), b.rem(number, chunks));
        let row = b.add(first, row);
        let wide = b.extend_unsigned(row, Scalar::I64);
        let is_there = b.compare(Comparison::Less, wide, self.tile.queries_left);
        b.if_then(is_there, |b| {
            let place = rows.at(b, row, chunk);
            let from = b.offset(memory, place);
            let result = self.tile.result.from(b, wide);
            let column = b.mul_constant(chunk, CHUNK_BYTES);
            let column = b.extend_unsigned(column, Scalar::I64);
            let to = b.offset(result.start, column);
            let run = self.attention.runs[3];
            for within in (0..CHUNK).step_by(run as usize) {
                let bytes = ELEMENT * within;
                let (from, to) = (b.offset_constant(from, bytes), b.offset_constant(to, bytes));
                let stored = b.load_aligned(from, run_of(run), ELEMENT * run);
                b.store_aligned(stored, to, ELEMENT * run);
            }
        });
    }
}

/// The type of so many elements that are moved at once.
fn run_of(elements: i64) -> Type {
    match elements {
        8 => Type::Vector(Scalar::I32, 4),
        4 => Type::Vector(Scalar::I32, 2),
        2 => Type::I32,
        _ => Type::Scalar(Scalar::I16),
    }
}
