//! [`AnswerRows`]: how a warp writes rows of 16-bit elements that its lanes have in pairs: by way of shared memory, so that a lane
//! writes a run of a row and the lanes beside it the runs beside that.

use super::chunks::{CHUNK, ChunkRows, ChunkWalk};
use super::thread::Thread;
use crate::WARP;
use crate::entry::synchronize_warp;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};

/// Bytes of an element.
const ELEMENT: i64 = 2;

/// A warp's rows on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerRows {
    /// How they lie in shared memory.
    pub(crate) rows: ChunkRows,
    /// How many there are: a multiple of eight.
    pub(crate) count: i64,
    /// Elements that are written at once.
    pub(crate) run: i64,
}

/// Where a lane puts its pairs.
pub(crate) struct Places {
    own: Value,
    walk: ChunkWalk,
}

impl AnswerRows {
    /// Where a lane puts its pairs in the memory of its warp, which begins there and which no lane still reads otherwise.
    pub(crate) fn places(&self, b: &mut Builder, thread: &Thread, own: Value) -> Places {
        synchronize_warp(b);
        let (row, column) = thread.place_in_sums(b);
        let first = b.integer(0, Type::I32);
        let walk = self.rows.walk(b, (row, first), 1);
        let column = b.mul_constant(column, ELEMENT);
        Places { own: b.offset(own, column), walk }
    }

    /// Writes the rows, when all pairs are put. `to` gives the address of a row's first element, and whether the elements
    /// from a column on are there; rows and columns are `i32`.
    pub(crate) fn write(
        &self,
        b: &mut Builder,
        (thread, own): (&Thread, Value),
        to: impl Fn(&mut Builder, Value, Value) -> (Value, Value),
    ) {
        synchronize_warp(b);
        let chunks = self.count * self.rows.chunks;
        for start in (0..chunks).step_by(WARP as usize) {
            let number = b.add_constant(thread.lane, start);
            let end = b.integer(chunks, Type::I32);
            match start + WARP <= chunks {
                true => self.write_chunk(b, (own, number), &to),
                false => {
                    let is_there = b.compare(Comparison::Less, number, end);
                    b.if_then(is_there, |b| self.write_chunk(b, (own, number), &to));
                }
            }
        }
    }

    /// Writes the chunk of that number, as far as it is there.
    fn write_chunk(
        &self,
        b: &mut Builder,
        (own, number): (Value, Value),
        to: &impl Fn(&mut Builder, Value, Value) -> (Value, Value),
    ) {
        let chunks = b.integer(self.rows.chunks, Type::I32);
        let (row, chunk) = (b.div(number, chunks), b.rem(number, chunks));
        let place = self.rows.at(b, row, chunk);
        let from = b.offset(own, place);
        let first = b.mul_constant(chunk, CHUNK);
        for within in (0..CHUNK).step_by(self.run as usize) {
            let from = b.offset_constant(from, ELEMENT * within);
            let column = b.add_constant(first, within);
            let (start, is_there) = to(b, row, column);
            b.if_then(is_there, |b| {
                let stored = b.load_aligned(from, run_type(self.run), ELEMENT * self.run);
                let bytes = b.mul_constant(column, ELEMENT);
                let bytes = b.extend_unsigned(bytes, Scalar::I64);
                let to = b.offset(start, bytes);
                b.store_aligned(stored, to, ELEMENT * self.run);
            });
        }
    }
}

impl Places {
    /// Puts a pair of the row so many below the lane's first, a multiple of eight, and of those eight columns.
    pub(crate) fn put(&self, b: &mut Builder, pair: Value, (down, columns): (i64, i64)) {
        let to = self.walk.at(b, self.own, (down, columns));
        b.store_aligned(pair, to, 2 * ELEMENT);
    }
}

/// The type of so many elements that are moved at once.
fn run_type(elements: i64) -> Type {
    match elements {
        8 => Type::Vector(Scalar::I32, 4),
        4 => Type::Vector(Scalar::I32, 2),
        2 => Type::I32,
        _ => Type::Scalar(Scalar::I16),
    }
}
