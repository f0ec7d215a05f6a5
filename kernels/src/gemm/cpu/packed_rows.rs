//! [`PackedRows`]: rows in a worker's scratch, in the panels that the micro-kernel reads.

use super::MicroKernel;
use super::block::Block;
use crate::CpuTarget;
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::rows::{BoundPrologue, BoundRows, BoundSource};
use crate::vector::{self, Width, pieces};
use ocellus_dialects::ElementType;

/// Where rows are written, piece by piece.
pub(crate) trait RowSink {
    /// What the pieces of a row have in common: `within` is its number in its block, `row` in the whole.
    fn row(&self, b: &mut Builder, within: Value, row: Value) -> Value;

    /// Stores elements of a row from `column` on.
    fn store(&self, b: &mut Builder, row: Value, column: Value, elements: Value);
}

/// Rows of `width` elements, packed.
pub(crate) struct PackedRows<'a> {
    pub(crate) target: &'a CpuTarget,
    /// What reads them.
    pub(crate) kernel: MicroKernel,
    /// Elements of a row.
    pub(crate) width: i64,
    /// The first panel.
    pub(crate) base: Value,
}

impl PackedRows<'_> {
    /// Chunks of a row.
    pub(crate) fn chunks(&self) -> i64 {
        self.kernel.chunks(self.width)
    }

    /// Copies a block's rows of x, as the prologue makes them; rows past the end are zero.
    pub(crate) fn pack(
        &self,
        b: &mut Builder,
        block: Block,
        (x, prologue): (&BoundSource, &BoundPrologue),
    ) {
        let zero = b.i64(0);
        b.for_each((zero, block.rows, 1), |b, index| {
            let row = b.add(block.first_row, index);
            let from = x.row(b, self.target, row);
            let to = self.address(b, index);
            if prologue.is_none() && from.0 == self.kernel.format.row_element() {
                return self.copy_row(b, from.1, to);
            }
            let width = Width::Static(self.width);
            prologue.for_row(b, self.target, from, width, |b, column, value| {
                self.store(b, to, column, value);
            });
        });
        self.finish(b, block);
    }

    /// Packs a row whose elements stay as they are stored.
    fn copy_row(&self, b: &mut Builder, from: Value, to: Value) {
        let element = self.kernel.format.row_element();
        let elements = self.kernel.chunk_elements();
        let (whole, rest) = (self.width / elements, self.width % elements);
        let copy_chunk = |b: &mut Builder, chunk: Value, elements: &[(i64, u32)]| {
            let bytes = b.mul_constant(chunk, self.kernel.chunk_bytes());
            let from = b.offset(from, bytes);
            let bytes = b.mul_constant(chunk, self.kernel.rows * self.kernel.chunk_bytes());
            let to = b.offset(to, bytes);
            for (column, lanes) in elements {
                let column = b.i64(*column);
                vector::copy_piece(b, element, (column, *lanes), (from, to));
            }
        };
        let (zero, chunks) = (b.i64(0), b.i64(whole));
        b.for_each((zero, chunks, 1), |b, chunk| copy_chunk(b, chunk, &[(0, elements as u32)]));
        if rest > 0 {
            copy_chunk(b, chunks, &pieces(0, rest, elements as u32));
        }
    }

    /// Fills with zeros what no element of a block is written to: the ends of its rows, and rows past its end.
    pub(crate) fn finish(&self, b: &mut Builder, block: Block) {
        let zero = b.i64(0);
        if self.width % self.kernel.chunk_elements() != 0 {
            b.for_each((zero, block.rows, 1), |b, index| {
                let row = self.address(b, index);
                self.finish_row(b, row);
            });
        }
        self.fill_panels(b, block.rows, block.panels);
    }

    /// The address of a panel.
    pub(crate) fn panel(&self, b: &mut Builder, index: Value) -> Value {
        let bytes = b.mul_constant(index, self.kernel.row_panel_bytes(self.chunks()));
        b.offset(self.base, bytes)
    }

    /// The address of a row's first chunk.
    fn address(&self, b: &mut Builder, index: Value) -> Value {
        let rows = b.i64(self.kernel.rows);
        let panel = b.div(index, rows);
        let row = b.rem(index, rows);
        let panel = self.panel(b, panel);
        let bytes = b.mul_constant(row, self.kernel.chunk_bytes());
        b.offset(panel, bytes)
    }

    /// Fills a row's last chunk with zeros.
    fn finish_row(&self, b: &mut Builder, row: Value) {
        let scalar = match self.kernel.format.row_element() {
            ElementType::F32 => Scalar::F32,
            ElementType::I32 => Scalar::I32,
            ElementType::BF16 | ElementType::F16 => Scalar::I16,
        };
        for column in self.width..self.chunks() * self.kernel.chunk_elements() {
            let column = b.i64(column);
            let to = self.element(b, row, column);
            let zero = b.splat(0.0, Type::Scalar(scalar));
            b.store(zero, to);
        }
    }

    /// Fills rows with zeros, from row `first` to the end of the last of `panels`.
    fn fill_panels(&self, b: &mut Builder, first: Value, panels: Value) {
        let zero = b.i64(0);
        let end = b.mul_constant(panels, self.kernel.rows);
        b.for_each((first, end, 1), |b, index| {
            let to = self.address(b, index);
            let chunks = b.i64(self.chunks());
            b.for_each((zero, chunks, 1), |b, chunk| {
                let bytes = b.mul_constant(chunk, self.kernel.rows * self.kernel.chunk_bytes());
                let to = b.offset(to, bytes);
                let zeros = b.splat(0.0, Type::f32s((self.kernel.chunk_bytes() / 4) as u32));
                b.store(zeros, to);
            });
        });
    }

    /// The address of an element of a row.
    fn element(&self, b: &mut Builder, row: Value, column: Value) -> Value {
        let elements = b.i64(self.kernel.chunk_elements());
        let chunk = b.div(column, elements);
        let within = b.rem(column, elements);
        let chunk = b.mul_constant(chunk, self.kernel.rows * self.kernel.chunk_bytes());
        let within = b.mul_constant(within, self.kernel.format.row_element().bytes());
        let bytes = b.add(chunk, within);
        b.offset(row, bytes)
    }
}

impl RowSink for PackedRows<'_> {
    fn row(&self, b: &mut Builder, within: Value, _row: Value) -> Value {
        self.address(b, within)
    }

    fn store(&self, b: &mut Builder, row: Value, column: Value, elements: Value) {
        let element = self.kernel.format.row_element();
        let narrow = vector::narrow(b, self.target, element, elements);
        let max = self.kernel.chunk_elements() as u32;
        for first in (0..elements.lanes()).step_by(max as usize) {
            let part = match elements.lanes() > max {
                true => b.lanes(narrow, first, max),
                false => narrow,
            };
            let column = b.add_constant(column, i64::from(first));
            let to = self.element(b, row, column);
            b.store(part, to);
        }
    }
}

/// Rows of a tensor in memory.
#[derive(Clone, Copy)]
pub(crate) struct TensorRows<'a> {
    pub(crate) target: &'a CpuTarget,
    /// The tensor.
    pub(crate) rows: BoundRows,
}

impl RowSink for TensorRows<'_> {
    fn row(&self, b: &mut Builder, _within: Value, row: Value) -> Value {
        self.rows.row(b, row)
    }

    fn store(&self, b: &mut Builder, row: Value, column: Value, elements: Value) {
        let to = vector::element_pointer(b, row, self.rows.element, column);
        vector::store(b, self.target, self.rows.element, elements, to);
    }
}
