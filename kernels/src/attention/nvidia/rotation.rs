//! [`Rotation`]: heads of queries and keys are rotated in shared memory, when their copies have come.
//!
//! A thread turns four elements of the lower half of a head with the four of the upper half that stand as far in it: a half of
//! a chunk. Sixteen threads have both halves of a chunk of eight rows, which lie in all banks.

use super::WarpAttention;
use crate::arguments::Placed;
use crate::attention::RotaryTables;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{CHUNK, ChunkRows, Thread};
use crate::{NvidiaTarget, vector};
use ocellus_dialects::ElementType;

/// Elements that are turned at once.
const RUN: i64 = 4;

/// Bytes of an element.
const ELEMENT: i64 = 2;

/// The tables at run time, and how heads are stored.
pub(super) struct Rotation {
    target: NvidiaTarget,
    element: ElementType,
    head_size: i64,
    /// Bytes that rows of the tables begin at a multiple of.
    alignment: i64,
    rows: ChunkRows,
    thread: Thread,
    threads: i64,
    tables: [Table; 2],
}

/// Four elements of a half of a head, and those that they are turned with.
struct Piece {
    /// The row, `i32`.
    row: Value,
    /// The column of the first in the lower half, `i32`.
    column: Value,
}

/// A row of f32 for each token.
#[derive(Clone, Copy)]
struct Table {
    start: Value,
    row_bytes: Value,
}

impl Rotation {
    pub(super) fn load(
        b: &mut Builder,
        block: Value,
        (attention, element, thread): (&WarpAttention, ElementType, Thread),
        tables: &RotaryTables<Placed>,
    ) -> Self {
        let tables = [&tables.cos, &tables.sin].map(|table| {
            let start = table.start.load(b, block);
            let row_bytes = table.row_stride.load_bytes(b, block, ElementType::F32);
            Table { start: b.global_address(start), row_bytes }
        });
        Rotation {
            target: attention.target,
            element,
            head_size: attention.schedule.head_size,
            alignment: attention.table_run * ElementType::F32.bytes(),
            rows: attention.schedule.rows(),
            thread,
            threads: attention.schedule.threads(),
            tables,
        }
    }

    /// Rotates the first `there` of `count` rows that lie at an address, the first of which is that of a token.
    pub(super) fn rotate(
        &self,
        b: &mut Builder,
        (at, token): (Value, Value),
        (count, there): (i64, Value),
    ) {
        let pairs = (self.rows.chunks + 1) / 2;
        let pieces = 2 * pairs * count;
        for start in (0..pieces).step_by(self.threads as usize) {
            let piece = self.piece(b, start, pairs);
            let mut is_there = b.compare(Comparison::Less, piece.row, there);
            if self.rows.chunks % 2 == 1 {
                let half = b.integer(self.head_size / 2, Type::I32);
                let is_in_half = b.compare(Comparison::Less, piece.column, half);
                is_there = b.and(is_there, is_in_half);
            }
            b.if_then(is_there, |b| self.turn(b, &piece, (at, token)));
        }
    }

    /// The thread's piece among those from that number on: halves of chunks, of eight rows, in these pairs of pieces, in groups
    /// of rows.
    fn piece(&self, b: &mut Builder, start: i64, pairs: i64) -> Piece {
        let number = b.add_constant(self.thread.number, start);
        let (one, seven) = (b.integer(1, Type::I32), b.integer(7, Type::I32));
        let half = b.and(number, one);
        let row = b.shift_right(number, 1);
        let row = b.and(row, seven);
        let rest = b.shift_right(number, 4);
        let pairs = b.integer(pairs, Type::I32);
        let (group, pair) = (b.div(rest, pairs), b.rem(rest, pairs));
        let first = b.mul_constant(group, 8);
        let column = b.mul_constant(pair, 2);
        let column = b.add(column, half);
        Piece { row: b.add(first, row), column: b.mul_constant(column, RUN) }
    }

    fn turn(&self, b: &mut Builder, piece: &Piece, (at, token): (Value, Value)) {
        let half = self.head_size / 2;
        let columns = [piece.column, b.add_constant(piece.column, half)];
        let places = columns.map(|column| {
            let (chunks, last) = (b.integer(CHUNK, Type::I32), b.integer(CHUNK - 1, Type::I32));
            let chunk = b.div(column, chunks);
            let within = b.and(column, last);
            let within = b.mul_constant(within, ELEMENT);
            let place = self.rows.at(b, piece.row, chunk);
            let place = b.add(place, within);
            b.offset(at, place)
        });
        let row = b.extend_unsigned(piece.row, Scalar::I64);
        let token = b.add(token, row);
        let angles =
            columns.map(|column| self.tables.map(|table| self.read(b, table, token, column)));
        let [lower, upper] = places.map(|place| {
            let stored = b.load_aligned(place, self.stored(), RUN * ELEMENT);
            vector::widen(b, self.element, stored)
        });
        let zero = b.splat(0.0, upper.ty());
        let minus_upper = b.sub(zero, upper);
        let pairs = [(lower, minus_upper), (upper, lower)];
        for ((place, (x, other)), [cos, sin]) in places.into_iter().zip(pairs).zip(angles) {
            let rotated = b.mul(x, cos);
            let rotated = b.fma(other, sin, rotated);
            let stored = vector::narrow(b, self.target, self.element, rotated);
            b.store_aligned(stored, place, RUN * ELEMENT);
        }
    }

    /// Four numbers of a table, from a column on.
    fn read(&self, b: &mut Builder, table: Table, token: Value, column: Value) -> Value {
        let row = b.mul(token, table.row_bytes);
        let row = b.offset(table.start, row);
        let column = b.mul_constant(column, ElementType::F32.bytes());
        let column = b.extend_unsigned(column, Scalar::I64);
        let from = b.offset(row, column);
        b.load_aligned(from, Type::f32s(RUN as u32), self.alignment)
    }

    fn stored(&self) -> Type {
        let scalar = if self.element == ElementType::F16 { Scalar::F16 } else { Scalar::I16 };
        Type::Vector(scalar, RUN as u32)
    }
}
