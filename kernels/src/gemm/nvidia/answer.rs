//! [`Answer`]: what becomes of a warp's sums, and where they are written.
//!
//! A lane has pairs of sums beside each other. The epilogue makes elements of them, and these go through shared memory, so that
//! a lane writes a run of a row and the lanes beside it the runs beside that. f32 are written as they lie: four lanes have a
//! whole sector of 32 bytes.

use super::StagedGemm;
use super::main_loop::WarpSums;
use super::thread::{Thread, Tile};
use crate::WARP;
use crate::entry::synchronize_warp;
use crate::gemm::Product;
use crate::gemm::tokens_before::BoundTokens;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::Sums;
use crate::rows::{BoundEpilogue, BoundRows, EpilogueRow};
use crate::vector;
use ocellus_dialects::ElementType;

/// Bytes of an element that goes through shared memory.
const ELEMENT: i64 = 2;

/// Products of a warp's row whose sums go through the epilogue side by side.
const PRODUCTS_AT_ONCE: usize = 4;

/// More pieces than this are written in a loop.
const MOST_PIECES: i64 = 32;

/// Where the sums of a tile go.
pub(super) struct Answer<'a> {
    pub(super) gemm: &'a StagedGemm,
    pub(super) product: &'a Product,
    pub(super) tile: Tile,
    pub(super) thread: Thread,
    pub(super) epilogue: &'a BoundEpilogue,
    pub(super) result: BoundRows,
    pub(super) tokens: Option<BoundTokens>,
}

/// The elements of 16 rows by 8 columns that a lane has, as they are stored: those of a row, and those of the eighth behind
/// it.
type Elements = [Value; 2];

/// What a warp stores.
struct Block {
    /// Its first row of x.
    first_row: Value,
    /// Its first column of the result.
    first_column: Value,
    /// Columns of it.
    columns: i64,
    /// Elements, row by row.
    elements: Vec<Vec<Elements>>,
}

impl Answer<'_> {
    /// Puts the sums through the epilogue, and writes them. Nobody else uses shared memory meanwhile.
    pub(super) fn write(&self, b: &mut Builder, memory: Value, sums: &WarpSums) {
        let schedule = &self.gemm.schedule;
        let [warp_rows, warp_columns] = schedule.warp_tile();
        let columns = if self.product.is_gated() { warp_columns / 2 } else { warp_columns };
        let row = b.mul_constant(self.thread.warp_row, warp_rows);
        let own = b.mul_constant(self.thread.slice, schedule.stored_rows());
        let row = b.add(row, own);
        let row = b.extend_unsigned(row, Scalar::I64);
        let column = b.mul_constant(self.thread.warp_column, columns);
        let column = b.extend_unsigned(column, Scalar::I64);
        let first_row = b.add(self.tile.first_row, row);
        let first_column = b.add(self.tile.first_column, column);
        let elements = self.elements(b, (first_row, first_column), sums);
        let block = Block { first_row, first_column, columns, elements };
        match self.product.to {
            ElementType::BF16 | ElementType::F16 => self.write_runs(b, memory, &block),
            ElementType::F32 | ElementType::I32 => self.write_pairs(b, &block),
        }
    }

    /// What the epilogue makes of the sums. Of columns that are not there it makes what nobody stores, of the last that is.
    fn elements(
        &self,
        b: &mut Builder,
        (first_row, first_column): (Value, Value),
        sums: &WarpSums,
    ) -> Vec<Vec<Elements>> {
        let (row, column) = self.within_product(b);
        let row = b.add(first_row, row);
        let column = b.add(first_column, column);
        let mut all = vec![];
        for (number, sums) in sums.iter().enumerate() {
            let halves = [0, 1].map(|half| {
                let row = b.add_constant(row, 16 * number as i64 + 8 * half);
                self.elements_of_row(b, (row, column), (sums, half as usize))
            });
            let [upper, lower] = halves;
            all.push(upper.into_iter().zip(lower).map(|(upper, lower)| [upper, lower]).collect());
        }
        all
    }

    /// Of a row, some products at a time. What is not there is skipped; and the branches keep the assembler from reading the
    /// operands of all rows at once, for which it has no registers.
    fn elements_of_row(
        &self,
        b: &mut Builder,
        (row, column): (Value, Value),
        (sums, half): (&[Sums], usize),
    ) -> Vec<Value> {
        if self.product.epilogue.is_empty() {
            let stored = |sums: &Sums| {
                let pair = b.vector(&sums[2 * half..2 * half + 2]);
                self.stored(b, pair)
            };
            return sums.iter().map(stored).collect();
        }
        let sums_of_element = if self.product.is_gated() { 2 } else { 1 };
        let there = b.compare(Comparison::Less, row, self.tile.rows);
        let width = b.i64(self.product.width());
        let mut elements = vec![];
        for sums in sums.chunks(PRODUCTS_AT_ONCE * sums_of_element) {
            let column = b.add_constant(column, 8 * elements.len() as i64);
            let in_columns = b.compare(Comparison::Less, column, width);
            let there = b.and(there, in_columns);
            let apply = |b: &mut Builder| {
                let epilogue = self.epilogue.row(b, row);
                self.applied(b, &epilogue, column, (sums, half))
            };
            let nothing = |b: &mut Builder| {
                let none = b.splat(0.0, Type::f32s(2));
                vec![self.stored(b, none); sums.len() / sums_of_element]
            };
            elements.extend(b.if_else(there, apply, nothing));
        }
        elements
    }

    /// The epilogue of a row, applied to its sums.
    fn applied(
        &self,
        b: &mut Builder,
        epilogue: &EpilogueRow,
        first_column: Value,
        (sums, half): (&[Sums], usize),
    ) -> Vec<Value> {
        let pair = |sums: &Sums| [sums[2 * half], sums[2 * half + 1]];
        let mut elements = vec![];
        if self.product.is_gated() {
            for (number, sums) in sums.chunks_exact(2).enumerate() {
                let column = b.add_constant(first_column, 8 * number as i64);
                let (left, right) = (pair(&sums[0]), pair(&sums[1]));
                elements.push(self.element_pair(b, column, left, |b, column, left, lanes| {
                    let right = b.vector(&right[lanes.0..lanes.1]);
                    let behind = b.add_constant(column, self.product.width());
                    epilogue.apply_gate(b, (column, behind), (left, right))
                }));
            }
        } else {
            for (number, sums) in sums.iter().enumerate() {
                let column = b.add_constant(first_column, 8 * number as i64);
                elements.push(self.element_pair(b, column, pair(sums), |b, column, sums, _| {
                    epilogue.apply(b, column, sums)
                }));
            }
        }
        elements
    }

    /// What `apply` makes of two sums from a column on, at once, or one by one where the last column stands alone or what it
    /// reads does not lie in pairs. It gets the column, the sums, and which of the two they are.
    fn element_pair(
        &self,
        b: &mut Builder,
        column: Value,
        sums: [Value; 2],
        apply: impl Fn(&mut Builder, Value, Value, (usize, usize)) -> Value,
    ) -> Value {
        let width = self.product.width();
        if self.gemm.epilogue_run == 2 {
            let last = b.i64(width - 2);
            let column = b.min(column, last);
            let sums = b.vector(&sums);
            let elements = apply(b, column, sums, (0, 2));
            return self.stored(b, elements);
        }
        let last = b.i64(width - 1);
        let elements = [0, 1].map(|position| {
            let column = b.add_constant(column, position as i64);
            let column = b.min(column, last);
            let sum = b.vector(&sums[position..position + 1]);
            let element = apply(b, column, sum, (position, position + 1));
            b.lane(element, 0)
        });
        let elements = b.vector(&elements);
        self.stored(b, elements)
    }

    /// Elements as they are stored: at once, for they take half of the registers so.
    fn stored(&self, b: &mut Builder, elements: Value) -> Value {
        vector::narrow(b, self.gemm.target, self.product.to, elements)
    }

    /// The row and the column of the first of a lane's sums in those of a warp, 16 by 8.
    fn within_product(&self, b: &mut Builder) -> (Value, Value) {
        let (row, column) = self.thread.in_block.place_in_sums(b);
        (b.extend_unsigned(row, Scalar::I64), b.extend_unsigned(column, Scalar::I64))
    }

    /// Writes runs of rows, by way of the warp's part of shared memory.
    fn write_runs(&self, b: &mut Builder, memory: Value, block: &Block) {
        let schedule = &self.gemm.schedule;
        let pitch = schedule.answer_pitch(block.columns);
        let rows = schedule.stored_rows();
        let own = b.mul_constant(self.thread.in_block.warp, rows * pitch);
        let own = b.offset(memory, own);
        let (row, column) = self.within_product(b);
        let at = b.mul_constant(row, pitch);
        let column = b.mul_constant(column, ELEMENT);
        let at = b.add(at, column);
        let put = b.offset(own, at);
        for (row, products) in block.elements.iter().enumerate() {
            for (column, halves) in products.iter().enumerate() {
                for (half, pair) in halves.iter().enumerate() {
                    let rows = 16 * row as i64 + 8 * half as i64;
                    let to = b.offset_constant(put, rows * pitch + 8 * column as i64 * ELEMENT);
                    b.store_aligned(*pair, to, 2 * ELEMENT);
                }
            }
        }
        synchronize_warp(b);
        let run = self.gemm.result_run;
        let pieces = rows * block.columns / run / WARP;
        let lane = b.extend_unsigned(self.thread.in_block.lane, Scalar::I64);
        if pieces <= MOST_PIECES {
            for piece in 0..pieces {
                let number = b.add_constant(lane, WARP * piece);
                self.write_run(b, (own, pitch), block, number);
            }
        } else {
            let end = b.i64(rows * block.columns / run);
            b.for_each((lane, end, WARP), |b, number| {
                self.write_run(b, (own, pitch), block, number);
            });
        }
    }

    /// Writes the run of that number among those of the warp.
    fn write_run(&self, b: &mut Builder, (own, pitch): (Value, i64), block: &Block, number: Value) {
        let run = self.gemm.result_run;
        let runs = b.i64(block.columns / run);
        let (row, column) = (b.div(number, runs), b.rem(number, runs));
        let at = b.mul_constant(row, pitch);
        let run_at = b.mul_constant(column, run * ELEMENT);
        let at = b.add(at, run_at);
        let from = b.offset(own, at);
        let ty = match run {
            8 => Type::Vector(Scalar::I32, 4),
            4 => Type::Vector(Scalar::I32, 2),
            2 => Type::I32,
            _ => Type::Scalar(Scalar::I16),
        };
        let stored = b.load_aligned(from, ty, run * ELEMENT);
        let row = b.add(block.first_row, row);
        let column = b.mul_constant(column, run);
        let column = b.add(block.first_column, column);
        self.if_there(b, (row, column), |b| {
            let to = self.address(b, row, column);
            b.store_aligned(stored, to, run * ELEMENT);
        });
    }

    /// Writes f32 from where they are.
    fn write_pairs(&self, b: &mut Builder, block: &Block) {
        let (row, column) = self.within_product(b);
        let row = b.add(block.first_row, row);
        let column = b.add(block.first_column, column);
        let element = self.product.to;
        for (number, products) in block.elements.iter().enumerate() {
            for (position, halves) in products.iter().enumerate() {
                for (half, pair) in halves.iter().enumerate() {
                    let row = b.add_constant(row, 16 * number as i64 + 8 * half as i64);
                    let column = b.add_constant(column, 8 * position as i64);
                    if self.gemm.result_run > 1 {
                        self.if_there(b, (row, column), |b| {
                            let to = self.address(b, row, column);
                            b.store_aligned(*pair, to, 2 * element.bytes());
                        });
                        continue;
                    }
                    for lane in 0..2 {
                        let column = b.add_constant(column, i64::from(lane));
                        self.if_there(b, (row, column), |b| {
                            let to = self.address(b, row, column);
                            let element = b.lane(*pair, lane);
                            b.store(element, to);
                        });
                    }
                }
            }
        }
    }

    /// Runs `body` where there is such a row and such a column.
    fn if_there(
        &self,
        b: &mut Builder,
        (row, column): (Value, Value),
        body: impl FnOnce(&mut Builder),
    ) {
        let width = b.i64(self.product.width());
        let in_rows = b.compare(Comparison::Less, row, self.tile.rows);
        let in_columns = b.compare(Comparison::Less, column, width);
        let there = b.and(in_rows, in_columns);
        b.if_then(there, body);
    }

    /// Where an element of the result lies.
    fn address(&self, b: &mut Builder, row: Value, column: Value) -> Value {
        let row = match &self.tokens {
            Some(tokens) => tokens.place(b, row),
            None if self.product.slices > 1 => {
                let before = b.mul(self.tile.slice, self.tile.rows);
                b.add(before, row)
            }
            None => row,
        };
        let row = self.result.row(b, row);
        let to = vector::element_pointer(b, row, self.product.to, column);
        b.global_address(to)
    }
}
