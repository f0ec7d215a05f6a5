//! [`Answer`]: what becomes of a warp's sums, and where they are written.
//!
//! A lane has runs of sums beside each other. The epilogue makes elements of them, and these go through shared memory, so that
//! a lane writes a longer run of a row and the lanes beside it the runs beside that. f32 are written as they lie: four lanes have
//! whole sectors of 32 bytes.

use super::StagedGemm;
use super::lane_columns::{self, RUN};
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
use std::ops::Range;

/// Bytes of an element that goes through shared memory.
const ELEMENT: i64 = 2;

/// Elements of a lane's row that go through the epilogue side by side.
const ELEMENTS_AT_ONCE: usize = 8;

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

/// Elements that a lane has beside each other, as they are stored: those of a row, and those of the eighth behind it.
type Runs = [Value; 2];

/// What a warp stores.
struct Block {
    /// Its first row of x.
    first_row: Value,
    /// Its first column of the result.
    first_column: Value,
    /// Columns of it.
    columns: i64,
    /// Elements, for each 16 rows.
    elements: Vec<Vec<Runs>>,
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
            ElementType::F32 | ElementType::I32 => self.write_as_they_lie(b, &block),
        }
    }

    /// Elements of a row that a lane has beside each other.
    fn run(&self) -> i64 {
        if self.product.is_gated() { 2 } else { RUN }
    }

    /// The row and the column of the first of a lane's elements in those of 16 rows of a warp.
    fn within_rows(&self, b: &mut Builder) -> (Value, Value) {
        let (row, lane_of_four) = self.thread.in_block.place_in_matrix(b);
        let column = b.mul_constant(lane_of_four, self.run());
        (b.extend_unsigned(row, Scalar::I64), b.extend_unsigned(column, Scalar::I64))
    }

    /// How many columns behind a lane's run its next one is.
    fn distance(&self) -> i64 {
        4 * self.run()
    }

    /// What the epilogue makes of the sums. Of columns that are not there it makes what nobody stores, of the last that is.
    fn elements(
        &self,
        b: &mut Builder,
        (first_row, first_column): (Value, Value),
        sums: &WarpSums,
    ) -> Vec<Vec<Runs>> {
        let (row, column) = self.within_rows(b);
        let row = b.add(first_row, row);
        let column = b.add(first_column, column);
        let mut all = vec![];
        for (number, sums) in sums.iter().enumerate() {
            let halves = [0, 1].map(|half| {
                let row = b.add_constant(row, 16 * number as i64 + 8 * half as i64);
                self.elements_of_row(b, (row, column), (sums, half))
            });
            let [upper, lower] = halves;
            all.push(upper.into_iter().zip(lower).map(|(upper, lower)| [upper, lower]).collect());
        }
        all
    }

    /// Of a row, some elements at a time. What is not there is skipped; and the branches keep the assembler from reading the
    /// operands of all rows at once, for which it has no registers.
    fn elements_of_row(
        &self,
        b: &mut Builder,
        (row, column): (Value, Value),
        (sums, half): (&[Sums], usize),
    ) -> Vec<Value> {
        let pairs: Vec<[&Sums; 2]> =
            sums.chunks_exact(2).map(|pair| [&pair[0], &pair[1]]).collect();
        if self.product.epilogue.is_empty() {
            let stored = |pair: &[&Sums; 2]| {
                let run = lane_columns::run_of(b, &self.thread.in_block, *pair, half);
                self.stored(b, &run)
            };
            return pairs.iter().map(stored).collect();
        }
        let there = b.compare(Comparison::Less, row, self.tile.rows);
        let width = b.i64(self.product.width());
        let mut elements = vec![];
        for pairs in pairs.chunks(ELEMENTS_AT_ONCE / self.run() as usize) {
            let column = b.add_constant(column, self.distance() * elements.len() as i64);
            let in_columns = b.compare(Comparison::Less, column, width);
            let there = b.and(there, in_columns);
            let apply = |b: &mut Builder| {
                let epilogue = self.epilogue.row(b, row);
                let applied = pairs.iter().enumerate().map(|(number, pair)| {
                    let column = b.add_constant(column, self.distance() * number as i64);
                    self.applied(b, &epilogue, column, (*pair, half))
                });
                applied.collect()
            };
            let nothing = |b: &mut Builder| {
                let zero = b.splat(0.0, Type::F32);
                vec![self.stored(b, &vec![zero; self.run() as usize]); pairs.len()]
            };
            elements.extend(b.if_else(there, apply, nothing));
        }
        elements
    }

    /// The epilogue of a row, applied to a lane's sums of two products.
    fn applied(
        &self,
        b: &mut Builder,
        epilogue: &EpilogueRow,
        column: Value,
        (pair, half): ([&Sums; 2], usize),
    ) -> Value {
        if self.product.is_gated() {
            let [left, right] = pair.map(|sums| &sums[2 * half..2 * half + 2]);
            return self.applied_to_run(b, column, left, |b, column, left, places| {
                let right = b.vector(&right[places]);
                let behind = b.add_constant(column, self.product.width());
                epilogue.apply_gate(b, (column, behind), (left, right))
            });
        }
        let run = lane_columns::run_of(b, &self.thread.in_block, pair, half);
        self.applied_to_run(b, column, &run, |b, column, sums, _| epilogue.apply(b, column, sums))
    }

    /// What `apply` makes of sums from a column on, as many at once as what it reads lies together. It gets the column, the sums,
    /// and which of them they are.
    fn applied_to_run(
        &self,
        b: &mut Builder,
        column: Value,
        sums: &[Value],
        apply: impl Fn(&mut Builder, Value, Value, Range<usize>) -> Value,
    ) -> Value {
        let at_once = self.gemm.epilogue_run.min(self.run());
        let last = b.i64(self.product.width() - at_once);
        let at_once = at_once as usize;
        let mut elements = vec![];
        for first in (0..sums.len()).step_by(at_once) {
            let column = b.add_constant(column, first as i64);
            let column = b.min(column, last);
            let places = first..first + at_once;
            let vector = b.vector(&sums[places.clone()]);
            let applied = apply(b, column, vector, places);
            elements.extend((0..at_once as u32).map(|lane| b.lane(applied, lane)));
        }
        self.stored(b, &elements)
    }

    /// Elements as they are stored: at once, for they take half of the registers so. Those of 16 bits are pairs.
    fn stored(&self, b: &mut Builder, elements: &[Value]) -> Value {
        let element = self.product.to;
        if element.bytes() != ELEMENT {
            return b.vector(elements);
        }
        let pairs: Vec<Value> = elements
            .chunks_exact(2)
            .map(|pair| {
                let pair = b.vector(pair);
                let narrow = vector::narrow(b, self.gemm.target, element, pair);
                let pair = b.bitcast(narrow, Type::Vector(Scalar::I32, 1));
                b.lane(pair, 0)
            })
            .collect();
        b.vector(&pairs)
    }

    /// A lane's runs, each behind how many rows and columns from its first element it begins.
    fn runs(&self, block: &Block) -> Vec<(i64, i64, Value)> {
        let mut all = vec![];
        for (rows, runs) in (0..).step_by(16).zip(&block.elements) {
            for (columns, [upper, lower]) in (0..).step_by(self.distance() as usize).zip(runs) {
                all.extend([(rows, columns, *upper), (rows + 8, columns, *lower)]);
            }
        }
        all
    }

    /// Writes runs of rows, by way of the warp's part of shared memory.
    fn write_runs(&self, b: &mut Builder, memory: Value, block: &Block) {
        let schedule = &self.gemm.schedule;
        let pitch = schedule.answer_pitch(block.columns, self.run());
        let rows = schedule.stored_rows();
        let own = b.mul_constant(self.thread.in_block.warp, rows * pitch);
        let own = b.offset(memory, own);
        let (row, column) = self.within_rows(b);
        let at = b.mul_constant(row, pitch);
        let column = b.mul_constant(column, ELEMENT);
        let at = b.add(at, column);
        let put = b.offset(own, at);
        for (rows, columns, run) in self.runs(block) {
            let to = b.offset_constant(put, rows * pitch + columns * ELEMENT);
            b.store_aligned(run, to, self.run() * ELEMENT);
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

    /// Writes f32 from where they are, as many at once as lie together.
    fn write_as_they_lie(&self, b: &mut Builder, block: &Block) {
        let (row, column) = self.within_rows(b);
        let row = b.add(block.first_row, row);
        let column = b.add(block.first_column, column);
        for (rows, columns, run) in self.runs(block) {
            let row = b.add_constant(row, rows);
            let column = b.add_constant(column, columns);
            self.write_pieces(b, (row, column), run);
        }
    }

    fn write_pieces(&self, b: &mut Builder, (row, column): (Value, Value), run: Value) {
        let at_once = self.gemm.result_run.min(self.run());
        for first in (0..self.run()).step_by(at_once as usize) {
            let column = b.add_constant(column, first);
            self.if_there(b, (row, column), |b| {
                let to = self.address(b, row, column);
                let lanes: Vec<Value> =
                    (first..first + at_once).map(|lane| b.lane(run, lane as u32)).collect();
                let piece = b.vector(&lanes);
                b.store_aligned(piece, to, at_once * self.product.to.bytes());
            });
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
