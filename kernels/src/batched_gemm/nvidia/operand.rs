//! [`Operand`]: how a thread copies its share of an operand, and where its lane reads fragments.

use super::{StagedProduct, THREADS, WARP_TILE, across_depth, along_depth};
use crate::batched_gemm::bound::Matrix;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{
    Arithmetic, ChunkRows, ChunkWalk, MMA, Matrices, Piece, RowCopies, Thread, read_matrices,
};

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

/// How an operand is copied.
#[derive(Clone, Copy)]
pub(super) struct Copied {
    side: Side,
    arithmetic: Arithmetic,
    /// Elements of a copy.
    run: i64,
}

impl StagedProduct {
    /// How that operand is copied.
    pub(super) fn copied(&self, side: Side) -> Copied {
        let [of_left, of_right, _] = self.runs;
        let run = if side == Side::Left { of_left } else { of_right };
        Copied { side, arithmetic: self.arithmetic, run }
    }
}

impl Copied {
    /// Whether rows are runs of k, and not steps along it.
    fn is_along_depth(&self) -> bool {
        match self.side {
            Side::Left | Side::RightTransposed => true,
            Side::Right => false,
        }
    }

    /// How a step lies in shared memory, and how many rows it has.
    fn rows(&self) -> (ChunkRows, i64) {
        if self.is_along_depth() { along_depth() } else { across_depth(self.arithmetic) }
    }

    fn element_bytes(&self) -> i64 {
        self.arithmetic.element().bytes()
    }

    /// Where a lane of that warp down or across the tile reads fragments.
    fn fragments(&self, b: &mut Builder, (thread, warp): (&Thread, Value)) -> ChunkWalk {
        let (rows, _) = self.rows();
        let own = b.mul_constant(warp, WARP_TILE);
        match (self.side, self.arithmetic) {
            (Side::Left, _) => {
                let (row, chunk) = thread.place_in_matrices(b);
                let row = b.add(own, row);
                rows.walk(b, (row, chunk), 2)
            }
            (Side::RightTransposed, _) => {
                let (row, chunk) = thread.place_in_matrix_pairs(b);
                let row = b.add(own, row);
                rows.walk(b, (row, chunk), 2)
            }
            (Side::Right, Arithmetic::Bf16 | Arithmetic::F16) => {
                let (row, chunk) = thread.place_in_matrices(b);
                let own = b.mul_constant(warp, WARP_TILE / self.arithmetic.chunk());
                let chunk = b.add(own, chunk);
                rows.walk(b, (row, chunk), 2)
            }
            (Side::Right, Arithmetic::ThreeBf16 | Arithmetic::Tf32) => {
                let (column, row) = thread.place_in_matrix(b);
                let column = b.add(own, column);
                let chunk_columns = b.integer(self.arithmetic.chunk(), Type::I32);
                let (chunk, within) = (b.div(column, chunk_columns), b.rem(column, chunk_columns));
                let bytes = b.mul_constant(within, self.element_bytes());
                rows.walk(b, (row, chunk), 2).further(b, bytes)
            }
        }
    }
}

/// A thread's share of an operand.
pub(super) struct Operand {
    copied: Copied,
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
        copied: Copied,
        matrix: &Matrix,
        (first, there, depth): (Value, Value, Value),
        (thread, warp): (&Thread, Value),
    ) -> (Self, Value) {
        let (rows, count) = copied.rows();
        let copies = RowCopies::of(b, rows, count, (thread.number, THREADS));
        let offsets = copies.offsets(b, matrix.row_bytes);
        let (start, step_bytes) = match copied.is_along_depth() {
            true => (matrix.row(b, first), b.i64(super::STEP_BYTES)),
            false => {
                let zero = b.i64(0);
                let row = matrix.row(b, zero);
                let bytes = b.mul_constant(first, copied.element_bytes());
                let columns = super::depth(copied.arithmetic);
                (b.offset(row, bytes), b.mul_constant(matrix.row_bytes, columns))
            }
        };
        let start = b.global_address(start);
        let fragments = copied.fragments(b, (thread, warp));
        (Operand { copied, copies, offsets, there, depth, step_bytes, fragments }, start)
    }

    /// Copies the step that begins at a column of a, to an address. What is not there is zero.
    pub(super) fn copy(&self, b: &mut Builder, (from, first): (Value, Value), to: Value) {
        let Copied { arithmetic, run, .. } = self.copied;
        let element_bytes = self.copied.element_bytes();
        let depth_left = b.sub(self.depth, first);
        let (rows, columns) = match self.copied.is_along_depth() {
            true => (self.there, depth_left),
            false => (depth_left, self.there),
        };
        let size = |b: &mut Builder, piece: &Piece, within: i64| {
            let column = b.mul_constant(piece.chunk, arithmetic.chunk());
            let column = b.add_constant(column, within);
            let left = b.sub(columns, column);
            let [none, run] = [0, run].map(|elements| b.integer(elements, Type::I32));
            let left = b.min(left, run);
            let left = b.max(left, none);
            let is_row = b.compare(Comparison::Less, piece.row, rows);
            let left = b.select(is_row, left, none);
            b.mul_constant(left, element_bytes)
        };
        self.copies.copy(b, (run, element_bytes), (from, &self.offsets, to), size);
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
        let Copied { side, arithmetic, .. } = self.copied;
        let mut registers = vec![];
        for read in 0..arithmetic.reads() {
            let read = product * arithmetic.reads() + read;
            registers.extend(match (side, arithmetic) {
                (Side::Left | Side::RightTransposed, _) => {
                    let from = self.fragments.at(b, stage, (MMA[0] * number, read));
                    read_matrices(b, from, Matrices { count: 4, transposed: false })
                }
                (Side::Right, Arithmetic::Bf16 | Arithmetic::F16) => {
                    let from = self.fragments.at(b, stage, (MMA[2] * read, number));
                    read_matrices(b, from, Matrices { count: 4, transposed: true })
                }
                (Side::Right, Arithmetic::ThreeBf16 | Arithmetic::Tf32) => {
                    self.turned(b, stage, (number, read))
                }
            });
        }
        registers
    }

    /// What four matrices of f32 would be read as if `ldmatrix` turned them: of eight columns four rows and the next four, and of
    /// the next eight columns the same.
    fn turned(&self, b: &mut Builder, stage: Value, (number, read): (i64, i64)) -> Vec<Value> {
        let mut registers = vec![];
        for columns in [2 * number, 2 * number + 1] {
            for rows in [8 * read, 8 * read + 4] {
                let from = self.fragments.at(b, stage, (rows, columns));
                registers.push(b.load(from, Type::I32));
            }
        }
        registers
    }
}

/// How many there are from one on, `i32`, of which no more than so many matter.
pub(super) fn left(b: &mut Builder, (all, first): (Value, Value), most: i64) -> Value {
    let left = b.sub(all, first);
    let most = b.i64(most);
    let left = b.min(left, most);
    b.truncate_integer(left, Scalar::I32)
}
