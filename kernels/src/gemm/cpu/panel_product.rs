//! [`PanelProduct`]: a block of packed rows by panels of the weight, each sum put through an epilogue and stored.

use super::WeightPacking;
use super::block::Block;
use super::microkernel::Multiplier;
use super::packed_rows::{PackedRows, RowSink};
use crate::mlir::{Builder, Comparison, Function, Type, Value};
use crate::rows::BoundEpilogue;
use crate::vector::pieces;

/// A product of packed rows and a packed weight.
pub(crate) struct PanelProduct<'a> {
    pub(crate) multiplier: &'a Multiplier,
    /// The left side.
    pub(crate) packed: &'a PackedRows<'a>,
    /// The right side: the first chunk of its first panel.
    pub(crate) weight: Value,
    /// How it is packed.
    pub(crate) packing: WeightPacking,
    /// What happens to each sum.
    pub(crate) epilogue: &'a BoundEpilogue,
    /// Scratch for sums, of [`MicroKernel::scratch_bytes`](super::MicroKernel::scratch_bytes).
    pub(crate) sums: Value,
    /// Where results go.
    pub(crate) sink: &'a dyn RowSink,
}

impl PanelProduct<'_> {
    /// How many panels the weight has.
    pub(crate) fn all_panels(&self) -> i64 {
        (self.packing.rows + self.packing.kernel.columns - 1) / self.packing.kernel.columns
    }

    /// Multiplies all panels of a block's rows by the panels `first..end` of the weight.
    pub(crate) fn write(&self, b: &mut Builder, block: Block, panels: (Value, Value)) {
        match self.multiplier {
            Multiplier::Vectors(function) => self.write_in_vectors(b, function, block, panels),
            Multiplier::Tiles => self.write_in_tiles(b, block, panels),
        }
    }

    fn write_in_vectors(
        &self,
        b: &mut Builder,
        function: &Function,
        block: Block,
        (first, end): (Value, Value),
    ) {
        let kernel = self.packing.kernel;
        let chunks = self.packed.chunks();
        let zero = b.i64(0);
        b.for_each((first, end, 1), |b, column_panel| {
            // A panel holds all of k, of which the packed rows may be a slice.
            let panel = self.packing.panel_bytes();
            let bytes = b.mul_constant(column_panel, panel);
            let weight = b.offset(self.weight, bytes);
            let next = b.offset_constant(weight, panel);
            b.for_each((zero, block.panels, 1), |b, row_panel| {
                let packed = self.packed.panel(b, row_panel);
                let start = b.mul_constant(row_panel, kernel.rows);
                let rows = b.sub(block.rows, start);
                let max = b.i64(kernel.rows);
                let rows = b.min(rows, max);
                let chunks = b.i64(chunks);
                let fresh = b.i1(false);
                let ahead = self.ahead(b, next, row_panel);
                let operands = [packed, weight, chunks, self.sums, rows, fresh, ahead];
                b.call(function, &operands);
                self.write_sums(b, block, (start, rows), column_panel);
            });
        });
    }

    /// What a call of the micro-kernel fetches ahead: its share of the next panel of the weight, which nothing else
    /// would ask for before it is needed.
    fn ahead(&self, b: &mut Builder, next: Value, row_panel: Value) -> Value {
        let chunks = self.packed.chunks();
        let bytes_ahead = self.packing.kernel.bytes_ahead();
        let shares = self.packing.kernel.column_panel_bytes(1) / bytes_ahead;
        let shares = b.i64(shares);
        let share = b.rem(row_panel, shares);
        let bytes = b.mul_constant(share, chunks * bytes_ahead);
        b.offset(next, bytes)
    }

    /// Puts one result of the micro-kernel through the epilogue and stores it: rows of the block from `start` on.
    fn write_sums(
        &self,
        b: &mut Builder,
        block: Block,
        (start, rows): (Value, Value),
        column_panel: Value,
    ) {
        let zero = b.i64(0);
        self.by_columns(b, column_panel, |b, columns| {
            b.for_each((zero, rows, 1), |b, index| {
                let within = b.add(start, index);
                let bytes = b.mul_constant(index, self.packing.kernel.columns * 4);
                let sums = b.offset(self.sums, bytes);
                self.write_row(b, block, (within, column_panel), sums, columns);
            });
        });
    }

    /// Writes `body` for as many columns as the panel has: all, or in the last one the rest.
    pub(super) fn by_columns(
        &self,
        b: &mut Builder,
        column_panel: Value,
        body: impl Fn(&mut Builder, i64),
    ) {
        let columns = self.panel_columns();
        let rest = self.columns() % columns;
        if rest == 0 {
            return body(b, columns);
        }
        if self.columns() < columns {
            return body(b, rest);
        }
        let last = b.i64(self.columns() / columns);
        let full = b.compare(Comparison::Less, column_panel, last);
        b.if_else(
            full,
            |b| {
                body(b, columns);
                vec![]
            },
            |b| {
                body(b, rest);
                vec![]
            },
        );
    }

    /// Columns of the result.
    fn columns(&self) -> i64 {
        if self.packing.halves { self.packing.rows / 2 } else { self.packing.rows }
    }

    /// Columns of the result that a panel of the weight makes: with a gate, each of two sums.
    fn panel_columns(&self) -> i64 {
        let columns = self.packing.kernel.columns;
        if self.packing.halves { columns / 2 } else { columns }
    }

    /// Puts a row of a block, of a panel of columns, through the epilogue and stores it. Its sums lie at `sums`.
    pub(super) fn write_row(
        &self,
        b: &mut Builder,
        block: Block,
        (within, column_panel): (Value, Value),
        sums: Value,
        columns: i64,
    ) {
        let row = b.add(block.first_row, within);
        let to = self.sink.row(b, within, row);
        let epilogue = self.epilogue.row(b, row);
        let first_column = b.mul_constant(column_panel, self.panel_columns());
        for (within, lanes) in pieces(0, columns, self.packed.target.lanes()) {
            let value = self.load_sums(b, sums, within, lanes);
            let column = b.add_constant(first_column, within);
            let value = if self.packing.halves {
                let other = self.load_sums(b, sums, self.panel_columns() + within, lanes);
                let right = b.add_constant(column, self.columns());
                epilogue.apply_gate(b, (column, right), (value, other))
            } else {
                epilogue.apply(b, column, value)
            };
            self.sink.store(b, to, column, value);
        }
    }

    /// The sums of a row from a column on.
    fn load_sums(&self, b: &mut Builder, sums: Value, column: i64, lanes: u32) -> Value {
        let kernel = self.packing.kernel;
        let (rows, columns) = (kernel.rows, kernel.sums_columns());
        let place = column / columns * rows * columns + column % columns;
        let from = b.offset_constant(sums, 4 * place);
        b.load(from, Type::f32s(lanes))
    }
}
