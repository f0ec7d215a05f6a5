//! [`HalfPieces`]: how threads share the heads of some tokens in shared memory, where each takes four elements of the lower half
//! of a head and the four of the upper half that stand as far in it.
//!
//! Sixteen threads have four and four of eight rows, which follow each other: they fill the banks, whether four elements are half
//! of a chunk or all of it.

use super::Schedule;
use crate::mlir::{Builder, Comparison, Type, Value};
use crate::nvidia::{CHUNK_BYTES, ChunkRows, Thread};

/// Elements that are taken at once of either half.
pub(super) const RUN: i64 = 4;

/// Rows of which four elements fill the banks.
const ROWS: i64 = 8;

/// How threads share heads.
#[derive(Clone, Copy)]
pub(super) struct HalfPieces {
    thread: Thread,
    threads: i64,
    head_size: i64,
}

/// Four elements of each half of a head.
#[derive(Clone, Copy)]
pub(super) struct HalfPiece {
    /// The row, `i32`.
    pub(super) row: Value,
    /// The columns of the first of each, `i32`.
    pub(super) columns: [Value; 2],
}

impl HalfPieces {
    pub(super) fn of(schedule: &Schedule, thread: Thread) -> Self {
        HalfPieces { thread, threads: schedule.threads(), head_size: schedule.head_size }
    }

    /// Runs `body` for each piece that the thread has of `count` rows, of which the first `there` matter: those are there, or
    /// all of them.
    pub(super) fn each(
        &self,
        b: &mut Builder,
        (count, there): (i64, Value),
        mut body: impl FnMut(&mut Builder, &HalfPiece),
    ) {
        let half = self.head_size / 2;
        let pairs = (half / RUN + 1) / 2;
        for start in (0..2 * pairs * count).step_by(self.threads as usize) {
            let piece = self.piece(b, start, pairs);
            let mut is_there = b.compare(Comparison::Less, piece.row, there);
            if half % (2 * RUN) != 0 {
                let end = b.integer(half, Type::I32);
                let is_in_half = b.compare(Comparison::Less, piece.columns[0], end);
                is_there = b.and(is_there, is_in_half);
            }
            b.if_then(is_there, |b| body(b, &piece));
        }
    }

    /// The thread's piece among those from that number on: of eight rows, of two pieces beside each other, in these pairs, in
    /// groups of rows.
    fn piece(&self, b: &mut Builder, start: i64, pairs: i64) -> HalfPiece {
        let number = b.add_constant(self.thread.number, start);
        let (one, last) = (b.integer(1, Type::I32), b.integer(ROWS - 1, Type::I32));
        let row = b.and(number, last);
        let which = b.shift_right(number, 3);
        let which = b.and(which, one);
        let rest = b.shift_right(number, 4);
        let pairs = b.integer(pairs, Type::I32);
        let (group, pair) = (b.div(rest, pairs), b.rem(rest, pairs));
        let first = b.mul_constant(group, ROWS);
        let column = b.mul_constant(pair, 2);
        let column = b.add(column, which);
        let column = b.mul_constant(column, RUN);
        let other = b.add_constant(column, self.head_size / 2);
        HalfPiece { row: b.add(first, row), columns: [column, other] }
    }
}

impl HalfPiece {
    /// Where its parts lie, among rows of elements of so many bytes that begin at an address.
    pub(super) fn places(
        &self,
        b: &mut Builder,
        rows: ChunkRows,
        (at, element_bytes): (Value, i64),
    ) -> [Value; 2] {
        self.columns.map(|column| {
            let bytes = b.mul_constant(column, element_bytes);
            let chunk_bytes = b.integer(CHUNK_BYTES, Type::I32);
            let (chunk, within) = (b.div(bytes, chunk_bytes), b.rem(bytes, chunk_bytes));
            let place = rows.at(b, self.row, chunk);
            let place = b.add(place, within);
            b.offset(at, place)
        })
    }
}
