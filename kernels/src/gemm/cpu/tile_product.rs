//! [`PanelProduct`] in AMX tiles: while one panel of columns is multiplied, the vectors put the sums of the one before it through
//! the epilogue.
//!
//! ```text
//! tiles    panel 0 | panel 1           | panel 2           | ...  |
//! vectors          | epilogue of panel 0 | epilogue of panel 1 | ...  | epilogue of the last
//! ```
//!
//! Both take turns, a few products and a few rows at a time, as a core looks a few hundred instructions ahead and no further.
//!
//! A core loads 48 bytes a cycle from its second-level cache, and two tiles of either side that meet take 64. So k is cut into
//! blocks, of which a panel of columns stays in the first-level cache while all panels of rows meet it; each block has sums of
//! its own, which the epilogue adds. (Sums in registers over all of k = 768 multiply at half the rate, as measured on a
//! Sapphire Rapids.)

use super::block::Block;
use super::panel_product::PanelProduct;
use crate::mlir::{Builder, Comparison, Value};
use crate::tile_registers::{TILE_BYTES, TILE_ROW_BYTES, TILE_ROWS, TileRegister};

/// Sums, `[row][column]`.
const SUMS: [[TileRegister; 2]; 2] =
    [[TileRegister(0), TileRegister(1)], [TileRegister(2), TileRegister(3)]];
/// Tiles of the rows.
const LEFT: [TileRegister; 2] = [TileRegister(4), TileRegister(5)];
/// Tiles of the columns.
const RIGHT: [TileRegister; 2] = [TileRegister(6), TileRegister(7)];

/// Chunks between rows that are put through the epilogue.
const CHUNKS_A_STEP: i64 = 2;

/// One product: a panel of rows by a block of k of a panel of columns.
struct Product {
    /// Rows of the panel.
    rows: Value,
    /// Tiles of the rows.
    left: Left,
    /// Tiles of the columns.
    right: Value,
    /// What is fetched ahead.
    ahead: Value,
    /// Where the sums go.
    sums: Value,
}

/// Where tiles of a panel of rows lie.
struct Left {
    start: Value,
    /// From each row of a tile to the next.
    row_bytes: Value,
    /// From each tile to the one below it.
    tile_bytes: Value,
    /// From each chunk to the next.
    chunk_bytes: Value,
}

/// A panel of columns, at run time.
struct ColumnPanel {
    index: Value,
    /// Its tiles.
    start: Value,
    /// Where its sums go.
    sums: Value,
}

impl PanelProduct<'_> {
    /// Multiplies all panels of a block's rows by the panels `first..end` of the weight.
    pub(super) fn write_in_tiles(
        &self,
        b: &mut Builder,
        block: Block,
        (first, end): (Value, Value),
    ) {
        let zero = b.i64(0);
        let behind_last = b.add_constant(end, 1);
        let some = b.compare(Comparison::Less, first, end);
        let behind_last = b.select(some, behind_last, end);
        b.for_each((first, behind_last, 1), |b, panel| {
            let before = b.add_constant(panel, -1);
            let has_before = b.compare(Comparison::LessOrEqual, first, before);
            let rows_before = b.select(has_before, block.rows, zero);
            let exists = b.compare(Comparison::Less, panel, end);
            let panel = self.column_panel(b, panel);
            let before = self.column_panel(b, before);
            self.by_columns(b, before.index, |b, columns| {
                let finish = |b: &mut Builder, (first, end): (Value, Value)| {
                    b.for_each((first, end, 1), |b, row| {
                        let sums = self.sums_of_row(b, block, &before, row);
                        self.write_row(b, block, (row, before.index), &sums, columns);
                    });
                };
                b.if_else(
                    exists,
                    |b| {
                        self.multiply(b, block, &panel, rows_before, finish);
                        vec![]
                    },
                    |b| {
                        finish(b, (zero, rows_before));
                        vec![]
                    },
                );
            });
        });
    }

    /// The panel of columns of that number. Sums of neighbors lie in two places in turn.
    fn column_panel(&self, b: &mut Builder, index: Value) -> ColumnPanel {
        let start = b.mul_constant(index, self.packing.panel_bytes());
        let start = b.offset(self.weight, start);
        let one = b.i64(1);
        let place = b.and(index, one);
        let sums = b.mul_constant(
            place,
            self.packing.kernel.sums_of_panel_bytes(self.all_rows, self.packed.chunks()),
        );
        ColumnPanel { index, start, sums: b.offset(self.sums, sums) }
    }

    /// Multiplies all panels of rows by a panel of columns, one block of k after the other; beside it, `finish` is told to finish
    /// rows of `0..rows_before` of the panel before.
    fn multiply(
        &self,
        b: &mut Builder,
        block: Block,
        panel: &ColumnPanel,
        rows_before: Value,
        finish: impl Fn(&mut Builder, (Value, Value)),
    ) {
        let kernel = self.packing.kernel;
        let (chunks, block_chunks) =
            (self.packed.chunks(), kernel.block_chunks(self.packed.chunks()));
        let blocks = kernel.k_blocks(chunks);
        let zero = b.i64(0);
        let products = b.mul_constant(block.panels, blocks);
        let next = b.offset_constant(panel.start, self.packing.panel_bytes());
        b.for_each((zero, products, 1), |b, number| {
            let k_block = b.div(number, block.panels);
            let row_panel = b.rem(number, block.panels);
            let first_chunk = b.mul_constant(k_block, block_chunks);
            let product = self.product(b, block, panel, (row_panel, first_chunk), (number, next));
            let rest = b.i64(chunks);
            let rest = b.sub(rest, first_chunk);
            let full = b.i64(block_chunks);
            let chunks = b.min(rest, full);
            let rows = b.part((number, products), rows_before);
            for sums in SUMS.as_flattened() {
                sums.clear(b);
            }
            let one_tile = b.i64(TILE_ROWS);
            let is_low = b.compare(Comparison::LessOrEqual, product.rows, one_tile);
            let steps = (block_chunks + CHUNKS_A_STEP - 1) / CHUNKS_A_STEP;
            let (count, all_steps) = (b.sub(rows.1, rows.0), b.i64(steps));
            b.for_each((zero, all_steps, 1), |b, step| {
                let start = b.mul_constant(step, CHUNKS_A_STEP);
                let end = b.add_constant(start, CHUNKS_A_STEP);
                let end = b.min(end, chunks);
                for (only, is_only) in [(1, true), (2, false)] {
                    let wanted = b.i1(is_only);
                    let chosen = b.compare(Comparison::Equal, is_low, wanted);
                    b.if_then(chosen, |b| self.multiply_chunks(b, &product, only, (start, end)));
                }
                let done = b.part((step, all_steps), count);
                let first = b.add(rows.0, done.0);
                let end = b.add(rows.0, done.1);
                finish(b, (first, end));
            });
            self.store_sums(b, product.sums);
        });
    }

    /// Where the sums of a row lie, those of each block of k.
    fn sums_of_row(
        &self,
        b: &mut Builder,
        block: Block,
        panel: &ColumnPanel,
        row: Value,
    ) -> Vec<Value> {
        let kernel = self.packing.kernel;
        let tile_rows = b.i64(TILE_ROWS);
        let (tile, within) = (b.div(row, tile_rows), b.rem(row, tile_rows));
        let tile = b.mul_constant(tile, TILE_BYTES * kernel.columns / kernel.sums_columns());
        let within = b.mul_constant(within, TILE_ROW_BYTES);
        let bytes = b.add(tile, within);
        let first = b.offset(panel.sums, bytes);
        let bytes = b.mul_constant(block.panels, kernel.sums_bytes());
        let mut sums = vec![first];
        for _ in 1..kernel.k_blocks(self.packed.chunks()) {
            let next = b.offset(sums[sums.len() - 1], bytes);
            sums.push(next);
        }
        sums
    }

    /// The product of a panel of rows and a panel of columns from a chunk on.
    fn product(
        &self,
        b: &mut Builder,
        block: Block,
        panel: &ColumnPanel,
        (row_panel, first_chunk): (Value, Value),
        (number, next): (Value, Value),
    ) -> Product {
        let kernel = self.packing.kernel;
        let start = b.mul_constant(row_panel, kernel.rows);
        let rows = b.sub(block.rows, start);
        let mut left = self.left(b, block, (row_panel, rows));
        let bytes = b.mul(first_chunk, left.chunk_bytes);
        left.start = b.offset(left.start, bytes);
        let bytes = b.mul_constant(first_chunk, kernel.column_panel_bytes(1));
        let right = b.offset(panel.start, bytes);
        let ahead = self.ahead(b, next, row_panel);
        let bytes = b.mul_constant(first_chunk, kernel.bytes_ahead());
        let ahead = b.offset(ahead, bytes);
        let bytes = b.mul_constant(number, kernel.sums_bytes());
        let sums = b.offset(panel.sums, bytes);
        Product { rows, left, right, ahead, sums }
    }

    /// Where the tiles of a panel of so many rows lie: packed, or in x.
    fn left(&self, b: &mut Builder, block: Block, (row_panel, rows): (Value, Value)) -> Left {
        let kernel = self.packing.kernel;
        let packed = Left {
            start: self.packed.panel(b, row_panel),
            row_bytes: b.i64(TILE_ROW_BYTES),
            tile_bytes: b.i64(TILE_BYTES),
            chunk_bytes: b.i64(kernel.row_panel_bytes(1)),
        };
        let Some((x, row_bytes)) =
            self.in_place.and_then(|rows| Some((rows, rows.even_row_bytes()?)))
        else {
            return packed;
        };
        let panel_rows = b.i64(kernel.rows);
        let is_whole = b.compare(Comparison::LessOrEqual, panel_rows, rows);
        let first = b.mul_constant(row_panel, kernel.rows);
        let first = b.add(block.first_row, first);
        let in_place = Left {
            start: x.row(b, first),
            row_bytes,
            tile_bytes: b.mul_constant(row_bytes, TILE_ROWS),
            chunk_bytes: b.i64(TILE_ROW_BYTES),
        };
        let mut choose = |in_place, packed| b.select(is_whole, in_place, packed);
        Left {
            start: choose(in_place.start, packed.start),
            row_bytes: choose(in_place.row_bytes, packed.row_bytes),
            tile_bytes: choose(in_place.tile_bytes, packed.tile_bytes),
            chunk_bytes: choose(in_place.chunk_bytes, packed.chunk_bytes),
        }
    }

    /// Adds the products of some chunks, of so many tiles of rows.
    fn multiply_chunks(
        &self,
        b: &mut Builder,
        product: &Product,
        row_tiles: usize,
        (first, end): (Value, Value),
    ) {
        let kernel = self.packing.kernel;
        let row_bytes = b.i64(TILE_ROW_BYTES);
        b.for_each((first, end, 1), |b, chunk| {
            let bytes = b.mul(chunk, product.left.chunk_bytes);
            let upper = b.offset(product.left.start, bytes);
            let bytes = b.mul_constant(chunk, kernel.column_panel_bytes(1));
            let right = b.offset(product.right, bytes);
            // All loads stand before the products, those of the first product first: a tenth faster than any other order.
            LEFT[0].load(b, upper, product.left.row_bytes);
            for (tile, register) in (0..).zip(RIGHT) {
                let from = b.offset_constant(right, tile * TILE_BYTES);
                register.load(b, from, row_bytes);
            }
            if row_tiles > 1 {
                let lower = b.offset(upper, product.left.tile_bytes);
                LEFT[1].load(b, lower, product.left.row_bytes);
            }
            let bytes = b.mul_constant(chunk, kernel.bytes_ahead());
            let ahead = b.offset(product.ahead, bytes);
            kernel.fetch_ahead(b, ahead);
            for (left, sums) in LEFT.into_iter().zip(SUMS).take(row_tiles) {
                for (sums, right) in sums.into_iter().zip(RIGHT) {
                    sums.add_product(b, left, right);
                }
            }
        });
    }

    /// Writes the sums, tile by tile.
    fn store_sums(&self, b: &mut Builder, to: Value) {
        let row_bytes = b.i64(TILE_ROW_BYTES);
        for (place, register) in (0..).zip(SUMS.into_iter().flatten()) {
            let to = b.offset_constant(to, place * TILE_BYTES);
            register.store(b, to, row_bytes);
        }
    }
}
