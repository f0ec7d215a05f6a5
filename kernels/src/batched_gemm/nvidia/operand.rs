//! [`Operand`]: how a thread copies its share of an operand, and where its lane reads fragments.

use super::{THREADS, WARP_TILE, across_depth, along_depth};
use crate::batched_gemm::bound::Matrix;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{CHUNK, ChunkWalk, MMA, Matrices, Piece, RowCopies, Thread, read_matrices};

/// Bytes of an element.
const ELEMENT: i64 = 2;

/// Which operand it is, and how it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `a[m, k]`
    Left,
    /// `b[n, k]`
    RightTransposed,
    /// `b[k, n]`
    Right,
}

/// A thread's share of an operand.
pub(super) struct Operand {
    side: Side,
    /// Elements of a copy.
    run: i64,
    copies: RowCopies,
    offsets: Vec<Value>,
    /// How many rows or columns of the result there are from the tile's first on, `i32`.
    there: Value,
    /// k, `i32`.
    depth: Value,
    /// Bytes from a step to the next.
    step_bytes: Value,
    fragments: ChunkWalk,
}

impl Operand {
    /// That of a tile, and where its first step begins. `first` is the tile's first row or column, of which so many are
    /// there from that on; `warp` is the number of the warp down or across the tile.
    pub(super) fn of(
        b: &mut Builder,
        (side, run): (Side, i64),
        matrix: &Matrix,
        (first, there, depth): (Value, Value, Value),
        (thread, warp): (&Thread, Value),
    ) -> (Self, Value) {
        let is_along = side != Side::Right;
        let (rows, count) = if is_along { along_depth() } else { across_depth() };
        let copies = RowCopies::of(b, rows, count, (thread.number, THREADS));
        let offsets = copies.offsets(b, matrix.row_bytes);
        let step_bytes = match is_along {
            true => b.i64(super::DEPTH * ELEMENT),
            false => b.mul_constant(matrix.row_bytes, super::DEPTH),
        };
        let start = match is_along {
            true => matrix.row(b, first),
            false => {
                let zero = b.i64(0);
                let row = matrix.row(b, zero);
                let bytes = b.mul_constant(first, ELEMENT);
                b.offset(row, bytes)
            }
        };
        let start = b.global_address(start);
        let place = match side {
            Side::Left | Side::Right => thread.place_in_matrices(b),
            Side::RightTransposed => thread.place_in_matrix_pairs(b),
        };
        let place = match is_along {
            true => {
                let own = b.mul_constant(warp, WARP_TILE);
                (b.add(own, place.0), place.1)
            }
            false => {
                let own = b.mul_constant(warp, WARP_TILE / CHUNK);
                (place.0, b.add(own, place.1))
            }
        };
        let fragments = rows.walk(b, place, 2);
        (Operand { side, run, copies, offsets, there, depth, step_bytes, fragments }, start)
    }

    /// Copies the step that begins at a column of a, to an address. What is not there is zero.
    pub(super) fn copy(&self, b: &mut Builder, (from, first): (Value, Value), to: Value) {
        let depth_left = b.sub(self.depth, first);
        let size = |b: &mut Builder, piece: &Piece, within: i64| {
            let (rows, columns) = match self.side {
                Side::Left | Side::RightTransposed => (self.there, depth_left),
                Side::Right => (depth_left, self.there),
            };
            let column = b.mul_constant(piece.chunk, CHUNK);
            let column = b.add_constant(column, within);
            let left = b.sub(columns, column);
            let (none, run) = (b.integer(0, Type::I32), b.integer(self.run, Type::I32));
            let left = b.min(left, run);
            let left = b.max(left, none);
            let is_row = b.compare(Comparison::Less, piece.row, rows);
            let left = b.select(is_row, left, none);
            b.mul_constant(left, ELEMENT)
        };
        self.copies.copy(b, (self.run, ELEMENT), (from, &self.offsets, to), size);
    }

    /// The step behind that one.
    pub(super) fn next(&self, b: &mut Builder, from: Value) -> Value {
        b.offset(from, self.step_bytes)
    }

    /// Fragments of 16 rows or columns of the result, for a product along k of a step: of a one, of b two of eight.
    pub(super) fn fragments(
        &self,
        b: &mut Builder,
        stage: Value,
        (number, product): (i64, i64),
    ) -> Vec<Value> {
        let (place, transposed) = match self.side {
            Side::Left | Side::RightTransposed => ((MMA[0] * number, product), false),
            Side::Right => ((MMA[2] * product, number), true),
        };
        let from = self.fragments.at(b, stage, place);
        read_matrices(b, from, Matrices { count: 4, transposed })
    }
}

/// How many there are from one on, `i32`, of which no more than so many matter.
pub(super) fn left(b: &mut Builder, (all, first): (Value, Value), most: i64) -> Value {
    let left = b.sub(all, first);
    let most = b.i64(most);
    let left = b.min(left, most);
    b.truncate_integer(left, Scalar::I32)
}
