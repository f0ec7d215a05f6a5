//! [`Rotation`]: heads of queries and keys are rotated in shared memory, when their copies have come.

use super::WarpAttention;
use super::halves::{HalfPiece, HalfPieces, RUN};
use crate::arguments::Placed;
use crate::attention::RotaryTables;
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::nvidia::ChunkRows;
use crate::{NvidiaTarget, vector};
use ocellus_dialects::ElementType;

/// The tables at run time.
pub(super) struct Rotation {
    target: NvidiaTarget,
    /// How heads are stored.
    element: ElementType,
    rows: ChunkRows,
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
            rows: attention.schedule.rows(),
            alignment: attention.table_run * ElementType::F32.bytes(),
            tables,
        }
    }

    /// Rotates rows where they lie, as they are stored: the first `there` of `count`, the first of which is that of a token.
    pub(super) fn rotate(
        &self,
        b: &mut Builder,
        pieces: &HalfPieces,
        (at, token): (Value, Value),
        (count, there): (i64, Value),
    ) {
        let scalar = if self.element == ElementType::F16 { Scalar::F16 } else { Scalar::I16 };
        let alignment = RUN * self.element.bytes();
        pieces.each(b, (count, there), |b, piece| {
            let places = piece.places(b, self.rows, (at, self.element.bytes()));
            let halves = places.map(|place| {
                let stored = b.load_aligned(place, Type::Vector(scalar, RUN as u32), alignment);
                vector::widen(b, self.element, stored)
            });
            let turned = self.turned(b, piece, token, halves);
            for (half, place) in turned.into_iter().zip(places) {
                let stored = vector::narrow(b, self.target, self.element, half);
                b.store_aligned(stored, place, alignment);
            }
        });
    }

    /// `x * cos + concat(-x[d/2..], x[..d/2]) * sin`, of a piece of the rows that begin with that of a token.
    pub(super) fn turned(
        &self,
        b: &mut Builder,
        piece: &HalfPiece,
        token: Value,
        [lower, upper]: [Value; 2],
    ) -> [Value; 2] {
        let row = b.extend_unsigned(piece.row, Scalar::I64);
        let token = b.add(token, row);
        let zero = b.splat(0.0, upper.ty());
        let minus_upper = b.sub(zero, upper);
        let pairs = [(lower, minus_upper), (upper, lower)];
        [0, 1].map(|half| {
            let (x, other) = pairs[half];
            let column = piece.columns[half];
            let [cos, sin] = self.tables.map(|table| self.read(b, table, (token, column)));
            let rotated = b.mul(x, cos);
            b.fma(other, sin, rotated)
        })
    }

    /// Four numbers of a table, from a column on.
    fn read(&self, b: &mut Builder, table: Table, (token, column): (Value, Value)) -> Value {
        let row = b.mul(token, table.row_bytes);
        let row = b.offset(table.start, row);
        let column = b.mul_constant(column, ElementType::F32.bytes());
        let column = b.extend_unsigned(column, Scalar::I64);
        let from = b.offset(row, column);
        b.load_aligned(from, Type::f32s(RUN as u32), self.alignment)
    }
}
