//! [`Rotation`]: heads of queries and keys are rotated in shared memory, when their copies have come.
//!
//! A thread turns four elements of the lower half of a head with the four of the upper half that stand as far in it. There are
//! as many such pieces of a head as it has chunks, so that those who copied rows share them out as they shared the copies.

use super::WarpAttention;
use crate::arguments::Placed;
use crate::attention::RotaryTables;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{CHUNK, Piece, RowCopies};
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
    tables: [Table; 2],
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
        (attention, element): (&WarpAttention, ElementType),
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
            tables,
        }
    }

    /// Rotates the first `there` rows of those that lie at an address, the first of which is that of a token.
    pub(super) fn rotate(
        &self,
        b: &mut Builder,
        rows: &RowCopies,
        (at, token): (Value, Value),
        there: Value,
    ) {
        for piece in &rows.pieces {
            let is_there = b.compare(Comparison::Less, piece.row, there);
            b.if_then(is_there, |b| self.turn(b, rows, piece, (at, token)));
        }
    }

    fn turn(&self, b: &mut Builder, rows: &RowCopies, piece: &Piece, (at, token): (Value, Value)) {
        let half = self.head_size / 2;
        let lower = b.mul_constant(piece.chunk, RUN);
        let columns = [lower, b.add_constant(lower, half)];
        let places = columns.map(|column| {
            let (chunks, last) = (b.integer(CHUNK, Type::I32), b.integer(CHUNK - 1, Type::I32));
            let chunk = b.div(column, chunks);
            let within = b.and(column, last);
            let within = b.mul_constant(within, ELEMENT);
            let place = rows.rows.at(b, piece.row, chunk);
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
