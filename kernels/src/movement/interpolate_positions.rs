//! A table of positions resampled to another grid.

use super::taps::{Axis, Taps, element_at, most_taps, store_at};
use super::{Movement, expect_rank};
use crate::arguments::{
    Count, Fixed, Given, Positive, Tensor, Words, argument_block, flatten, place,
};
use crate::entry::{Entry, Worker, by_one_thread};
use crate::mlir::{Builder, Module, Type, Value};
use crate::rows::EvenRows;
use crate::vector::{self, Width, for_columns};
use crate::{Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::InterpolationFilter;
use ocellus_runtime::signature::{Amount, Signature};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InterpolatePositions {
    /// How the table and the result are stored.
    pub element: ElementType,
    /// The rows of the table's own grid.
    pub native_rows: i64,
    /// The columns of the table's own grid.
    pub native_cols: i64,
    /// The weights.
    pub filter: InterpolationFilter,
    /// Whether a table that shrinks is low-passed first.
    pub antialias: bool,
    /// Elements of a position, where that is known at compile time.
    pub width: Option<i64>,
}

argument_block! {
    /// The argument block of an [`InterpolatePositions`].
    struct InterpolatePositionsArguments<S> {
        table: EvenRows<S>,
        /// Rows of the grid that is wanted.
        rows: Positive<S>,
        /// Its columns.
        cols: Positive<S>,
        /// Elements of a position.
        width: Count<S>,
        result: EvenRows<S>,
    }
}

/// Offsets in bytes of what a worker keeps in scratch memory.
struct Scratch {
    row_indices: i64,
    row_weights: i64,
    col_indices: i64,
    col_weights: i64,
    offsets: i64,
    weights: i64,
    bytes: i64,
}

impl InterpolatePositions {
    /// The launch; a tile is a row of the wanted grid.
    pub(super) fn launch(
        self,
        table: &Layout,
        result: &Layout,
        (rows, cols): (&Dim, &Dim),
    ) -> Result<Launch<Movement>, Reason> {
        expect_rank("interpolate_positions", 0, table, 2)?;
        let native = self.native_rows.checked_mul(self.native_cols).unwrap_or(0);
        if self.native_rows < 1 || self.native_cols < 1 || table.ty.rows() != Dim::from(native) {
            let (rows, cols) = (self.native_rows, self.native_cols);
            let why = format!("a table {} is no grid of {rows} x {cols}", table.ty);
            return Err(Reason::Unsupported(why));
        }
        let arguments = InterpolatePositionsArguments::<Given> {
            table: EvenRows::of(Tensor::Operand(0), table),
            rows: Positive(rows.clone()),
            cols: Positive(cols.clone()),
            width: Count(result.ty.width()),
            result: EvenRows::of(Tensor::Result, result),
        };
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(rows.clone(), 1)]),
            scratch_bytes: Dim::from(self.scratch().bytes),
            packed: vec![],
            kernel: Movement::InterpolatePositions(self),
        })
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(InterpolatePositionsArguments::fixed());
        let InterpolatePositionsArguments { table, rows, cols, width, result } = arguments;
        let width = self.width.map_or(width.amount(), Amount::Constant);
        let native = Amount::Constant(self.native_rows * self.native_cols);
        let wanted = rows.amount() * cols.amount();
        words.read(&table.start, self.element, [table.walk(native, width.clone())]);
        words.write(&result.start, self.element, [result.walk(wanted, width)]);
        words.tiled(rows.amount(), self.scratch().bytes)
    }

    fn scratch(&self) -> Scratch {
        let (index, weight) = (Type::I64.scalar().bytes(), Type::F32.scalar().bytes());
        let (rows, cols) = (most_taps(self.native_rows), most_taps(self.native_cols));
        let row_indices = 0;
        let col_indices = row_indices + rows * index;
        let offsets = col_indices + cols * index;
        let row_weights = offsets + rows * cols * index;
        let col_weights = row_weights + rows * weight;
        let weights = col_weights + cols * weight;
        let bytes = weights + rows * cols * weight;
        Scratch { row_indices, row_weights, col_indices, col_weights, offsets, weights, bytes }
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        entry.define(module, |b, Worker { block, first, end, scratch }| {
            let arguments = place(InterpolatePositionsArguments::fixed());
            let table = arguments.table.start.load(b, block);
            let table_bytes = arguments.table.row_stride.load_bytes(b, block, self.element);
            let rows = arguments.rows.load(b, block);
            let cols = arguments.cols.load(b, block);
            let width = arguments.width.load(b, block);
            let width = self.width.map_or(Width::Dynamic(width), Width::Static);
            let result = arguments.result.start.load(b, block);
            let result_bytes = arguments.result.row_stride.load_bytes(b, block, self.element);

            let places = self.scratch();
            let arrays = |b: &mut Builder, indices, weights| {
                (b.offset_constant(scratch, indices), b.offset_constant(scratch, weights))
            };
            let row_arrays = arrays(b, places.row_indices, places.row_weights);
            let col_arrays = arrays(b, places.col_indices, places.col_weights);
            let arrays = arrays(b, places.offsets, places.weights);
            let axis = |native, wanted| Axis {
                native,
                wanted,
                filter: self.filter,
                antialias: self.antialias,
            };
            let (row_axis, col_axis) = (axis(self.native_rows, rows), axis(self.native_cols, cols));
            let zero = b.i64(0);
            b.for_each((first, end, 1), |b, row| {
                let row_taps = row_axis.emit(b, target, row, row_arrays);
                b.for_each((zero, cols, 1), |b, col| {
                    let col_taps = col_axis.emit(b, target, col, col_arrays);
                    let (indices, weights) = arrays;
                    let count = b.mul(row_taps.count, col_taps.count);
                    let taps = Taps { indices, weights, count };
                    by_one_thread(b, target, |b| {
                        self.products(b, &row_taps, &col_taps, table_bytes, &taps);
                    });
                    let position = b.mul(row, cols);
                    let position = b.add(position, col);
                    let bytes = b.mul(position, result_bytes);
                    let to = b.offset(result, bytes);
                    for_columns(b, target, width, |b, column, lanes| {
                        let table = vector::element_pointer(b, table, self.element, column);
                        let sum = self.weigh(b, table, &taps, lanes);
                        let to = vector::element_pointer(b, to, self.element, column);
                        vector::store(b, target, self.element, sum, to);
                    });
                });
            });
        });
    }

    /// Every pair of a row's tap and a column's: where its entry lies, in bytes, and its weight.
    fn products(
        &self,
        b: &mut Builder,
        rows: &Taps,
        cols: &Taps,
        entry_bytes: Value,
        Taps { indices: offsets, weights, .. }: &Taps,
    ) {
        let zero = b.i64(0);
        b.for_each((zero, rows.count, 1), |b, i| {
            let (row, row_weight) = tap(b, rows, i);
            let first_entry = b.mul_constant(row, self.native_cols);
            let first_place = b.mul(i, cols.count);
            b.for_each((zero, cols.count, 1), |b, j| {
                let (col, col_weight) = tap(b, cols, j);
                let entry = b.add(first_entry, col);
                let offset = b.mul(entry, entry_bytes);
                let weight = b.mul(row_weight, col_weight);
                let place = b.add(first_place, j);
                store_at(b, *offsets, place, offset);
                store_at(b, *weights, place, weight);
            });
        });
    }

    /// The sum of some columns of all entries, each with its weight.
    fn weigh(&self, b: &mut Builder, table: Value, taps: &Taps, lanes: u32) -> Value {
        let none = b.splat(0.0, Type::f32s(lanes));
        let zero = b.i64(0);
        let sum = b.for_loop((zero, taps.count, 1), &[none], |b, place, sum| {
            let (offset, weight) = tap(b, taps, place);
            let pointer = b.offset(table, offset);
            let entry = vector::load(b, self.element, pointer, lanes);
            let weight = b.broadcast(weight, lanes);
            vec![b.fma(entry, weight, sum[0])]
        });
        sum[0]
    }
}

fn tap(b: &mut Builder, taps: &Taps, place: Value) -> (Value, Value) {
    let index = element_at(b, taps.indices, place, Type::I64);
    let weight = element_at(b, taps.weights, place, Type::F32);
    (b.load(index, Type::I64), b.load(weight, Type::F32))
}
