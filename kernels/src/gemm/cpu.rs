//! Writes the gemm for a CPU.

use super::{CHUNK_BYTES, Gemm, MicroKernel, Schedule};
use crate::CpuTarget;
use crate::mlir::{Builder, Comparison, Function, Linkage, Module, Scalar, Type, Value};
use crate::rows::{ArgumentReader, BoundEpilogue, BoundPrologue, BoundRows};
use crate::vector::{self, Width, pieces};
use ocellus_dialects::ElementType;

/// A gemm being written: what its parts share.
struct Emitter<'a> {
    gemm: &'a Gemm,
    target: &'a CpuTarget,
    schedule: Schedule,
    microkernel: Function,
    rows: Value,
    x: BoundRows,
    prologue: BoundPrologue,
    weight: Value,
    epilogue: BoundEpilogue,
    result: BoundRows,
    packed: Value,
    sums: Value,
}

/// Where a block of rows lies: its first panel, its panels, its first row, its rows.
#[derive(Clone, Copy)]
struct Block {
    panels: Value,
    first_row: Value,
    rows: Value,
}

impl Gemm {
    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        let schedule = self.schedule(target);
        let microkernel = schedule.kernel.define(module);
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            if let [block, first, end, scratch] = parameters {
                let mut arguments = ArgumentReader::new(*block);
                let emitter = Emitter {
                    gemm: self,
                    target,
                    schedule,
                    microkernel,
                    rows: arguments.integer(b),
                    x: self.x.read(b, &mut arguments),
                    prologue: BoundPrologue::read(self.prologue, b, &mut arguments),
                    weight: arguments.pointer(b),
                    epilogue: BoundEpilogue::read(&self.epilogue, b, &mut arguments),
                    result: BoundRows::contiguous(self.to, b, &mut arguments),
                    packed: *scratch,
                    sums: b.offset_constant(*scratch, schedule.packed_bytes()),
                };
                emitter.tiles(b, *first, *end);
            }
        });
    }
}

impl Emitter<'_> {
    fn kernel(&self) -> MicroKernel {
        self.schedule.kernel
    }

    /// Runs the tiles `first..end`, and packs rows where a tile's block is not the one before's.
    fn tiles(&self, b: &mut Builder, first: Value, end: Value) {
        let groups = self.gemm.n.div_euclid(self.schedule.tile_columns)
            + i64::from(self.gemm.n % self.schedule.tile_columns != 0);
        let none = b.i64(-1);
        b.for_loop((first, end, 1), &[none], |b, tile, packed| {
            let groups = b.i64(groups);
            let index = b.div(tile, groups);
            let group = b.rem(tile, groups);
            let block = self.block(b, index);
            let stale = b.compare(Comparison::NotEqual, index, packed[0]);
            b.if_then(stale, |b| self.pack(b, block));
            self.tile(b, block, group);
            vec![index]
        });
    }

    /// The block of that index: blocks share the panels evenly, so that none is left with a few rows.
    fn block(&self, b: &mut Builder, index: Value) -> Block {
        let kernel = self.kernel();
        let blocks = b.ceil_div(self.rows, self.schedule.block_rows);
        let panels = b.ceil_div(self.rows, kernel.rows);
        let start = b.mul(index, panels);
        let start = b.div(start, blocks);
        let end = b.add_constant(index, 1);
        let end = b.mul(end, panels);
        let end = b.div(end, blocks);
        let first_row = b.mul_constant(start, kernel.rows);
        let end_row = b.mul_constant(end, kernel.rows);
        let end_row = b.min(end_row, self.rows);
        Block { panels: b.sub(end, start), first_row, rows: b.sub(end_row, first_row) }
    }

    /// Copies a block's rows, as the prologue makes them, into panels; rows past the end are zero.
    fn pack(&self, b: &mut Builder, block: Block) {
        let zero = b.i64(0);
        b.for_each((zero, block.rows, 1), |b, index| {
            let row = b.add(block.first_row, index);
            let from = self.x.row(b, row);
            let to = self.packed_row(b, index);
            let width = Width::Static(self.gemm.k);
            self.prologue.for_row(
                b,
                self.target,
                (self.x.element, from),
                width,
                |b, column, value| self.store_packed(b, to, column, value),
            );
            self.zero_columns(b, to, self.gemm.k);
        });
        let padded = b.mul_constant(block.panels, self.kernel().rows);
        b.for_each((block.rows, padded, 1), |b, index| {
            let to = self.packed_row(b, index);
            let chunks = b.i64(self.schedule.chunks);
            b.for_each((zero, chunks, 1), |b, chunk| {
                let bytes = b.mul_constant(chunk, self.kernel().rows * CHUNK_BYTES);
                let to = b.offset(to, bytes);
                let zeros = b.splat(0.0, Type::f32s((CHUNK_BYTES / 4) as u32));
                b.store(zeros, to);
            });
        });
    }

    /// The address of a packed row's first chunk.
    fn packed_row(&self, b: &mut Builder, index: Value) -> Value {
        let kernel = self.kernel();
        let rows = b.i64(kernel.rows);
        let panel = b.div(index, rows);
        let row = b.rem(index, rows);
        let panel = b.mul_constant(panel, kernel.row_panel_bytes(self.schedule.chunks));
        let row = b.mul_constant(row, CHUNK_BYTES);
        let bytes = b.add(panel, row);
        b.offset(self.packed, bytes)
    }

    /// The address of an element of a packed row.
    fn packed_column(&self, b: &mut Builder, row: Value, column: Value) -> Value {
        let kernel = self.kernel();
        let elements = b.i64(kernel.chunk_elements());
        let chunk = b.div(column, elements);
        let within = b.rem(column, elements);
        let chunk = b.mul_constant(chunk, kernel.rows * CHUNK_BYTES);
        let within = b.mul_constant(within, kernel.format.row_element().bytes());
        let bytes = b.add(chunk, within);
        b.offset(row, bytes)
    }

    fn store_packed(&self, b: &mut Builder, row: Value, column: Value, value: Value) {
        let element = self.kernel().format.row_element();
        let narrow = vector::narrow(b, self.target, element, value);
        let most = self.kernel().chunk_elements() as u32;
        for first in (0..value.lanes()).step_by(most as usize) {
            let part = match value.lanes() > most {
                true => b.lanes(narrow, first, most),
                false => narrow,
            };
            let column = b.add_constant(column, i64::from(first));
            let to = self.packed_column(b, row, column);
            b.store(part, to);
        }
    }

    /// Zeros from `column` to the end of its chunk.
    fn zero_columns(&self, b: &mut Builder, row: Value, column: i64) {
        let elements = self.kernel().chunk_elements();
        let end = self.schedule.chunks * elements;
        let scalar = match self.kernel().format.row_element() {
            ElementType::F32 => Scalar::F32,
            ElementType::I32 => Scalar::I32,
            ElementType::BF16 | ElementType::F16 => Scalar::I16,
        };
        for column in column..end {
            let column = b.i64(column);
            let to = self.packed_column(b, row, column);
            let zero = b.splat(0.0, Type::Scalar(scalar));
            b.store(zero, to);
        }
    }

    /// The panels of columns of one tile, each by all panels of rows.
    fn tile(&self, b: &mut Builder, block: Block, group: Value) {
        let kernel = self.kernel();
        let all_panels = (self.gemm.n + kernel.columns - 1) / kernel.columns;
        let panels = self.schedule.tile_columns / kernel.columns;
        let first = b.mul_constant(group, panels);
        let end = b.add_constant(first, panels);
        let most = b.i64(all_panels);
        let end = b.min(end, most);
        let zero = b.i64(0);
        b.for_each((first, end, 1), |b, column_panel| {
            let bytes = kernel.column_panel_bytes(self.schedule.chunks);
            let bytes = b.mul_constant(column_panel, bytes);
            let weight = b.offset(self.weight, bytes);
            b.for_each((zero, block.panels, 1), |b, row_panel| {
                let bytes = kernel.row_panel_bytes(self.schedule.chunks);
                let bytes = b.mul_constant(row_panel, bytes);
                let packed = b.offset(self.packed, bytes);
                let start = b.mul_constant(row_panel, kernel.rows);
                let rows = b.sub(block.rows, start);
                let most = b.i64(kernel.rows);
                let rows = b.min(rows, most);
                let chunks = b.i64(self.schedule.chunks);
                let fresh = b.i1(false);
                let operands = [packed, weight, chunks, self.sums, rows, fresh];
                b.call(&self.microkernel, &operands);
                let first_row = b.add(block.first_row, start);
                self.write_sums(b, (first_row, rows), column_panel);
            });
        });
    }

    /// Puts one result of the micro-kernel through the epilogue and stores it.
    fn write_sums(&self, b: &mut Builder, rows: (Value, Value), column_panel: Value) {
        let columns = self.panel_columns();
        let rest = self.gemm.columns() % columns;
        if rest == 0 {
            return self.write_columns(b, rows, column_panel, columns);
        }
        if self.gemm.columns() < columns {
            return self.write_columns(b, rows, column_panel, rest);
        }
        let last = b.i64(self.gemm.columns() / columns);
        let full = b.compare(Comparison::Less, column_panel, last);
        b.if_else(
            full,
            |b| {
                self.write_columns(b, rows, column_panel, columns);
                vec![]
            },
            |b| {
                self.write_columns(b, rows, column_panel, rest);
                vec![]
            },
        );
    }

    /// Columns of the result that a panel of the weight makes: with a gate, each of two sums.
    fn panel_columns(&self) -> i64 {
        let columns = self.kernel().columns;
        if self.gemm.is_gated() { columns / 2 } else { columns }
    }

    fn write_columns(
        &self,
        b: &mut Builder,
        (first_row, rows): (Value, Value),
        column_panel: Value,
        columns: i64,
    ) {
        let zero = b.i64(0);
        b.for_each((zero, rows, 1), |b, index| {
            let row = b.add(first_row, index);
            let to = self.result.row(b, row);
            let epilogue = self.epilogue.row(b, row);
            let sums = b.mul_constant(index, self.kernel().columns * 4);
            let sums = b.offset(self.sums, sums);
            let first_column = b.mul_constant(column_panel, self.panel_columns());
            for (within, lanes) in pieces(0, columns, self.target.lanes()) {
                let from = b.offset_constant(sums, 4 * within);
                let value = b.load(from, Type::f32s(lanes));
                let column = b.add_constant(first_column, within);
                let value = if self.gemm.is_gated() {
                    let from = b.offset_constant(sums, 4 * (self.panel_columns() + within));
                    let other = b.load(from, Type::f32s(lanes));
                    let right = b.add_constant(column, self.gemm.columns());
                    epilogue.apply_gate(b, (column, right), (value, other))
                } else {
                    epilogue.apply(b, column, value)
                };
                let to = vector::element_pointer(b, to, self.gemm.to, column);
                vector::store(b, self.target, self.gemm.to, value, to);
            }
        });
    }
}
