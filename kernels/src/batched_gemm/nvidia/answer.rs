//! [`Answer`]: what is written of a tile's sums. Elements of 16 bits go through shared memory; f32 are written as they lie, for four
//! lanes have a whole sector of 32 bytes.

use super::main_loop::WarpSums;
use super::{StagedProduct, WARP_TILE};
use crate::batched_gemm::bound::Matrix;
use crate::mlir::{Builder, Comparison, Scalar, Value};
use crate::nvidia::{AnswerRows, CHUNK, ChunkRows, Thread};
use crate::vector;
use ocellus_dialects::ElementType;

/// Where the sums of a tile go.
pub(super) struct Answer<'a> {
    pub(super) division: &'a StagedProduct,
    pub(super) element: ElementType,
    pub(super) result: Matrix,
    /// The tile's first row and column, `i64`.
    pub(super) first: [Value; 2],
    /// How many of its rows and columns there are, `i32`.
    pub(super) there: [Value; 2],
    /// Which of the warps it is, down the tile and across it.
    pub(super) warp: [Value; 2],
    pub(super) thread: Thread,
}

impl Answer<'_> {
    /// Writes the sums. Nobody else uses shared memory meanwhile.
    pub(super) fn write(&self, b: &mut Builder, memory: Value, sums: &WarpSums) {
        // Of the warp in the tile.
        let own = self.warp.map(|warp| b.mul_constant(warp, WARP_TILE));
        match self.element {
            ElementType::BF16 | ElementType::F16 => self.write_runs(b, own, memory, sums),
            ElementType::F32 | ElementType::I32 => self.write_pairs(b, own, sums),
        }
    }

    /// Writes runs of rows, by way of the warp's part of shared memory.
    fn write_runs(&self, b: &mut Builder, own: [Value; 2], memory: Value, sums: &WarpSums) {
        let rows = AnswerRows {
            rows: ChunkRows::of(WARP_TILE / CHUNK),
            count: WARP_TILE,
            run: self.division.runs[2],
        };
        let part = b.mul_constant(self.thread.warp, WARP_TILE * rows.rows.bytes());
        let part = b.offset(memory, part);
        let places = rows.places(b, &self.thread, part);
        for (number, sums) in sums.iter().enumerate() {
            for (columns, sums) in sums.iter().enumerate() {
                for half in 0..2 {
                    let pair = b.vector(&sums[2 * half..2 * half + 2]);
                    let stored = vector::narrow(b, self.division.target, self.element, pair);
                    places.put(b, stored, (16 * number as i64 + 8 * half as i64, columns as i64));
                }
            }
        }
        rows.write(b, (&self.thread, part), |b, row, column| {
            let (row, column) = (b.add(own[0], row), b.add(own[1], column));
            let start = self.address(b, row, own[1]);
            (start, self.is_there(b, row, column))
        });
    }

    /// Writes f32 from where they are.
    fn write_pairs(&self, b: &mut Builder, own: [Value; 2], sums: &WarpSums) {
        let (row, column) = self.thread.place_in_sums(b);
        let (row, column) = (b.add(own[0], row), b.add(own[1], column));
        let run = self.division.runs[2].min(2);
        for (number, sums) in sums.iter().enumerate() {
            for (columns, sums) in sums.iter().enumerate() {
                for half in 0..2 {
                    let row = b.add_constant(row, 16 * number as i64 + 8 * half as i64);
                    let column = b.add_constant(column, 8 * columns as i64);
                    let pair = &sums[2 * half..2 * half + 2];
                    for (position, sums) in pair.chunks(run as usize).enumerate() {
                        let column = b.add_constant(column, position as i64);
                        let is_there = self.is_there(b, row, column);
                        b.if_then(is_there, |b| {
                            let to = self.address(b, row, column);
                            let stored = b.vector(sums);
                            b.store_aligned(stored, to, run * self.element.bytes());
                        });
                    }
                }
            }
        }
    }

    /// Whether the tile has such a row and column.
    fn is_there(&self, b: &mut Builder, row: Value, column: Value) -> Value {
        let [rows, columns] = self.there;
        let in_rows = b.compare(Comparison::Less, row, rows);
        let in_columns = b.compare(Comparison::Less, column, columns);
        b.and(in_rows, in_columns)
    }

    /// Where an element of the tile lies.
    fn address(&self, b: &mut Builder, row: Value, column: Value) -> Value {
        let [row, column] = [row, column].map(|number| b.extend_unsigned(number, Scalar::I64));
        let (row, column) = (b.add(self.first[0], row), b.add(self.first[1], column));
        let start = self.result.row(b, row);
        let to = vector::element_pointer(b, start, self.element, column);
        b.global_address(to)
    }
}
