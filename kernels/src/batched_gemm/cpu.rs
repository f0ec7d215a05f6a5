//! The CPU's batched gemm. A tile is a panel of columns of one product: b's panel is packed `[k][column]` once, then
//! every block of rows of a meets it. All in f32, whatever the storage.

use super::bound::{BoundMatrices, Matrix};
use super::{BatchedGemm, BatchedGemmArguments};
use crate::CpuTarget;
use crate::arguments::{Fixed, place};
use crate::entry::{Entry, Worker};
use crate::mlir::{Builder, Function, Linkage, Module, Type, Value};
use crate::vector::{self, CELL, Cell, RegisterBlock, Width, for_columns, transpose};
use ocellus_dialects::ElementType;

/// Vectors across a panel of columns.
const PANEL_VECTORS: i64 = 3;

/// Columns of a panel: a tile.
pub(super) fn panel_columns(target: &CpuTarget) -> i64 {
    PANEL_VECTORS * i64::from(target.lanes())
}

/// Bytes of scratch memory that a worker needs: for a panel of columns and a block of rows, all of k; then a block of the result.
/// So many for each element of a row of a, and so many more.
pub(super) fn scratch_bytes(target: &CpuTarget) -> [i64; 2] {
    let (columns, rows) = (panel_columns(target), RegisterBlock::rows_of(target));
    [(columns + rows) * CELL, rows * columns * CELL]
}

/// Writes the kernel.
pub(super) fn define(
    gemm: &BatchedGemm,
    target: &CpuTarget,
    module: &mut Module,
    entry: Entry<'_>,
) {
    let emitter = Emitter { gemm, target, columns: panel_columns(target) };
    let multiply = emitter.define_multiply(entry.symbol, module);
    entry.define(module, |b, Worker { block, first, end, scratch }| {
        let arguments = place(BatchedGemmArguments::fixed());
        let m = arguments.m.load(b, block);
        let n = arguments.n.load(b, block);
        let k = arguments.k.load(b, block);
        let matrices = arguments.matrices.load(b, block);
        let left = BoundMatrices::load(b, block, &arguments.a, gemm.a);
        let right = BoundMatrices::load(b, block, &arguments.b, gemm.b);
        let result = BoundMatrices::load(b, block, &arguments.result, gemm.to);
        let panels = b.ceil_div(n, emitter.columns);
        let scratch = Scratch::new(b, scratch, k, &emitter);
        b.for_each((first, end, 1), |b, tile| {
            let panel = b.rem(tile, panels);
            let product = b.div(tile, panels);
            let matrix = b.rem(product, matrices);
            let image = b.div(product, matrices);
            let [left, right, result] =
                [left, right, result].map(|matrices| matrices.at(b, image, matrix));
            let column = b.mul_constant(panel, emitter.columns);
            let rest = b.sub(n, column);
            let full = b.i64(emitter.columns);
            let columns = b.min(rest, full);
            emitter.pack_columns(b, &right, (column, columns), k, scratch.panel);
            let zero = b.i64(0);
            let rows = RegisterBlock::rows_of(target);
            b.for_each((zero, m, rows), |b, row| {
                let rest = b.sub(m, row);
                let full = b.i64(rows);
                let count = b.min(rest, full);
                let from = left.row(b, row);
                b.call(
                    &multiply,
                    &[from, left.row_bytes, count, k, scratch.panel, scratch.rows, scratch.sums],
                );
                b.for_each((zero, count, 1), |b, index| {
                    let row = b.add(row, index);
                    let to = result.row(b, row);
                    let to = vector::element_pointer(b, to, gemm.to, column);
                    let bytes = b.mul_constant(index, emitter.columns * CELL);
                    let sums = b.offset(scratch.sums, bytes);
                    emitter.copy(b, (ElementType::F32, sums), (gemm.to, to), columns);
                });
            });
        });
    });
}

/// What all functions of one kernel share.
struct Emitter<'a> {
    gemm: &'a BatchedGemm,
    target: &'a CpuTarget,
    columns: i64,
}

/// A worker's memory.
struct Scratch {
    /// `[k][column]`
    panel: Value,
    /// `[row][k]`
    rows: Value,
    /// `[row][column]`
    sums: Value,
}

impl Scratch {
    fn new(b: &mut Builder, base: Value, k: Value, emitter: &Emitter) -> Self {
        let panel_bytes = b.mul_constant(k, emitter.columns * CELL);
        let rows = b.offset(base, panel_bytes);
        let rows_bytes = b.mul_constant(k, RegisterBlock::rows_of(emitter.target) * CELL);
        Scratch { panel: base, rows, sums: b.offset(rows, rows_bytes) }
    }
}

impl Emitter<'_> {
    fn lanes(&self) -> i64 {
        i64::from(self.target.lanes())
    }

    /// `(left, row bytes, count, k, panel, rows, sums)`: a block of `count` rows times a packed panel. Rows past the
    /// last repeat it. `rows` is where narrow elements are widened.
    fn define_multiply(&self, symbol: &str, module: &mut Module) -> Function {
        let (pointer, integer) = (Type::Pointer, Type::I64);
        let parameters = [pointer, integer, integer, integer, pointer, pointer, pointer];
        let name = format!("{symbol}_multiply");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[left, row_bytes, count, k, panel, rows, sums] = parameters else { return };
            let panel_row = self.columns * CELL;
            let block =
                RegisterBlock::new(self.target, Cell::F32, PANEL_VECTORS, (CELL, panel_row));
            let last = b.add_constant(count, -1);
            let left: Vec<Value> = (0..block.rows)
                .map(|row| {
                    let row = b.i64(row);
                    let readable = b.min(row, last);
                    let bytes = b.mul(readable, row_bytes);
                    let from = b.offset(left, bytes);
                    if self.gemm.a == ElementType::F32 {
                        return from;
                    }
                    let place = b.mul(row, k);
                    let to = vector::element_pointer(b, rows, ElementType::F32, place);
                    self.copy(b, (self.gemm.a, from), (ElementType::F32, to), k);
                    to
                })
                .collect();
            let products = block.emit(b, &left, panel, k);
            for (position, sum) in products.into_iter().enumerate() {
                let to = b.offset_constant(sums, position as i64 * self.lanes() * CELL);
                b.store(sum, to);
            }
        })
    }

    /// Copies a row from one storage to another.
    fn copy(
        &self,
        b: &mut Builder,
        (from_element, from): (ElementType, Value),
        (to_element, to): (ElementType, Value),
        width: Value,
    ) {
        for_columns(b, self.target, Width::Dynamic(width), |b, column, lanes| {
            let from = vector::element_pointer(b, from, from_element, column);
            let value = vector::load(b, from_element, from, lanes);
            let to = vector::element_pointer(b, to, to_element, column);
            vector::store(b, self.target, to_element, value, to);
        });
    }

    /// Writes columns of b as rows of vectors. Places past the last column hold whatever, and nobody reads their sums.
    fn pack_columns(
        &self,
        b: &mut Builder,
        right: &Matrix,
        (column, columns): (Value, Value),
        k: Value,
        panel: Value,
    ) {
        match self.gemm.transpose_rhs {
            true => self.pack_transposed(b, right, (column, columns), k, panel),
            false => {
                let zero = b.i64(0);
                b.for_each((zero, k, 1), |b, step| {
                    let from = right.row(b, step);
                    let from = vector::element_pointer(b, from, self.gemm.b, column);
                    let bytes = b.mul_constant(step, self.columns * CELL);
                    let to = b.offset(panel, bytes);
                    self.copy(b, (self.gemm.b, from), (ElementType::F32, to), columns);
                });
            }
        }
    }

    fn pack_transposed(
        &self,
        b: &mut Builder,
        right: &Matrix,
        (column, columns): (Value, Value),
        k: Value,
        panel: Value,
    ) {
        let (zero, lanes) = (b.i64(0), b.i64(self.lanes()));
        let blocks = b.div(k, lanes);
        let end = b.mul(blocks, lanes);
        b.for_each((zero, columns, self.lanes()), |b, group| {
            let panel = vector::element_pointer(b, panel, ElementType::F32, group);
            let rest = b.sub(columns, group);
            let full = b.i64(self.lanes());
            let count = b.min(rest, full);
            let last = b.add_constant(count, -1);
            let first = b.add(column, group);
            b.for_each((zero, end, self.lanes()), |b, step| {
                let rows: Vec<Value> = (0..self.lanes())
                    .map(|lane| {
                        let lane = b.i64(lane);
                        let readable = b.min(lane, last);
                        let row = b.add(first, readable);
                        let from = right.row(b, row);
                        let from = vector::element_pointer(b, from, self.gemm.b, step);
                        vector::load(b, self.gemm.b, from, self.target.lanes())
                    })
                    .collect();
                let bytes = b.mul_constant(step, self.columns * CELL);
                let to = b.offset(panel, bytes);
                for (index, row) in transpose(b, &rows).into_iter().enumerate() {
                    let to = b.offset_constant(to, index as i64 * self.columns * CELL);
                    b.store(row, to);
                }
            });
            b.for_each((zero, count, 1), |b, lane| {
                let row = b.add(first, lane);
                let from = right.row(b, row);
                let to = vector::element_pointer(b, panel, ElementType::F32, lane);
                b.for_each((end, k, 1), |b, step| {
                    let from = vector::element_pointer(b, from, self.gemm.b, step);
                    let value = vector::load(b, self.gemm.b, from, 1);
                    let bytes = b.mul_constant(step, self.columns * CELL);
                    let to = b.offset(to, bytes);
                    b.store(value, to);
                });
            });
        });
    }
}
