//! Writes the gemm for a CPU.

use super::block::Block;
use super::packed_rows::{PackedRows, RowSink, TensorRows};
use super::panel_product::PanelProduct;
use super::rows_after_tokens::RowsAfterTokens;
use super::{Multiplier, PackedGemm, Schedule};
use crate::CpuTarget;
use crate::arguments::place;
use crate::entry::{Entry, Worker};
use crate::gemm::Product;
use crate::gemm::tokens_before::BoundTokens;
use crate::mlir::{Builder, Comparison, Module, Type, Value};
use crate::rows::{BoundEpilogue, BoundPrologue, BoundRows, BoundSource};

/// A gemm being written: what its parts share.
struct Emitter<'a> {
    gemm: &'a Product,
    target: CpuTarget,
    schedule: Schedule,
    rows: Value,
    x: BoundSource,
    prologue: BoundPrologue,
    packed: &'a PackedRows<'a>,
    product: PanelProduct<'a>,
    result: TensorRows<'a>,
    tokens_before: Option<BoundTokens>,
}

/// Tiles of one block of rows, and one slice of k.
struct Tiles {
    slice: Value,
    block: Block,
    /// Their groups of panels of columns, which follow each other.
    groups: (Value, Value),
}

impl PackedGemm {
    /// Writes the kernel of a gemm into a module.
    pub(in crate::gemm) fn define(&self, gemm: &Product, module: &mut Module, entry: Entry<'_>) {
        let target = &self.target;
        let schedule = self.schedule(gemm);
        let multiplier = schedule.kernel.define(module);
        entry.define(module, |b, Worker { block, first, end, scratch }| {
            let arguments = place(gemm.arguments());
            let rows = arguments.rows.load(b, block);
            let part = |b: &mut Builder, at: i64| b.offset_constant(scratch, at);
            let gathered = part(b, schedule.scratch_bytes());
            let x = BoundSource::load(b, block, &arguments.x, gathered);
            let prologue = BoundPrologue::load(b, block, &arguments.prologue);
            let weight = arguments.weight.load(b, block);
            let epilogue = BoundEpilogue::load(b, block, &arguments.epilogue);
            let result = BoundRows::load_even(b, block, &arguments.result, gemm.to);
            let packed = PackedRows {
                target,
                kernel: schedule.kernel,
                width: gemm.slice_depth(),
                base: part(b, schedule.packed_at()),
            };
            let result = TensorRows { target, rows: result };
            let tokens_before =
                arguments.tokens_before.map(|tokens| BoundTokens::load(b, block, &tokens));
            let placed = tokens_before.map(|tokens| RowsAfterTokens { rows: result, tokens });
            let sink: &dyn RowSink = match &placed {
                Some(placed) => placed,
                None => &result,
            };
            let product = PanelProduct {
                multiplier: &multiplier,
                packed: &packed,
                weight,
                packing: self.packing(gemm),
                epilogue: &epilogue,
                sums: part(b, schedule.sums_at()),
                sink,
            };
            let packed = &packed;
            let emitter = Emitter {
                gemm,
                target: self.target,
                schedule,
                rows,
                x,
                prologue,
                packed,
                product,
                result,
                tokens_before,
            };
            let used = std::slice::from_ref(&multiplier);
            Multiplier::use_in(used, b, |b| emitter.tiles(b, (first, end), scratch));
        });
    }
}

impl Emitter<'_> {
    /// Runs the tiles `first..end`, those of a block of rows at once. Rows are packed where their block or slice is not the one
    /// before's: in this call, or in the worker's call before, which left it at `prepared`.
    fn tiles(&self, b: &mut Builder, (first, end): (Value, Value), prepared: Value) {
        let columns = self.schedule.tile_columns;
        let groups = (self.gemm.n + columns - 1) / columns;
        let all_groups = b.i64(groups);
        let before = b.load(prepared, Type::I64);
        let first_index = b.div(first, all_groups);
        let end_index = b.ceil_div(end, groups);
        let last = b.for_loop((first_index, end_index, 1), &[before], |b, index, packed| {
            let (slice, block) = self.slice_and_block(b, index);
            let division = (self.schedule.kernel, self.schedule.block_rows);
            let block = Block::of(b, block, self.rows, division);
            let start = b.mul(index, all_groups);
            let (zero, first, end) = (b.i64(0), b.sub(first, start), b.sub(end, start));
            let groups = (b.max(first, zero), b.min(end, all_groups));
            let tiles = Tiles { slice, block, groups };
            let stale = b.compare(Comparison::NotEqual, index, packed[0]);
            b.if_then(stale, |b| self.pack(b, &tiles));
            self.multiply(b, &tiles);
            self.write_tokens(b, &tiles);
            vec![index]
        });
        b.store(last[0], prepared);
    }

    /// The first tile of a block also writes the tokens of the images that begin there, in all columns.
    fn write_tokens(&self, b: &mut Builder, tiles: &Tiles) {
        let Some(tokens) = &self.tokens_before else { return };
        let zero = b.i64(0);
        let is_first = b.compare(Comparison::Equal, tiles.groups.0, zero);
        b.if_then(is_first, |b| {
            let end_row = b.add(tiles.block.first_row, tiles.block.rows);
            let result = (&self.result.rows, self.gemm.width());
            tokens.write(b, self.target, (tiles.block.first_row, end_row), (zero, 1), result);
        });
    }

    /// All blocks of the first slice come first.
    fn slice_and_block(&self, b: &mut Builder, index: Value) -> (Value, Value) {
        if self.gemm.slices == 1 {
            return (b.i64(0), index);
        }
        let blocks = b.ceil_div(self.rows, self.schedule.block_rows);
        (b.div(index, blocks), b.rem(index, blocks))
    }

    fn pack(&self, b: &mut Builder, tiles: &Tiles) {
        let x = match &self.x {
            BoundSource::Rows(rows) => BoundSource::Rows(self.of_slice(b, rows, tiles)),
            patches @ BoundSource::Patches(_) => *patches,
        };
        let source = (&x, &self.prologue);
        self.packed.pack(b, tiles.block, source);
    }

    /// The columns of x that tiles multiply.
    fn of_slice(&self, b: &mut Builder, rows: &BoundRows, tiles: &Tiles) -> BoundRows {
        if self.gemm.slices == 1 {
            return *rows;
        }
        let column = b.mul_constant(tiles.slice, self.gemm.slice_depth());
        rows.from_column(b, column)
    }

    /// The panels of columns of tiles, each by all panels of rows.
    fn multiply(&self, b: &mut Builder, tiles: &Tiles) {
        let panels = self.schedule.tile_columns / self.schedule.kernel.columns;
        let first = b.mul_constant(tiles.groups.0, panels);
        let end = b.mul_constant(tiles.groups.1, panels);
        let max = b.i64(self.product.all_panels());
        let end = b.min(end, max);
        if self.gemm.slices == 1 {
            return self.product.write(b, tiles.block, (first, end));
        }
        let chunks = self.packed.chunks();
        let bytes = b.mul_constant(tiles.slice, self.schedule.kernel.column_panel_bytes(chunks));
        let first_row = b.mul(tiles.slice, self.rows);
        let sink = TensorRows { rows: self.result.rows.from_row(b, first_row), ..self.result };
        let weight = b.offset(self.product.weight, bytes);
        let product = PanelProduct { weight, sink: &sink, ..self.product };
        product.write(b, tiles.block, (first, end));
    }
}
