//! [`PanelProduct`] in AMX tiles: while the tiles of one result are multiplied, the vectors put the one before it through the
//! epilogue.
//!
//! ```text
//! tiles    product 0 | product 1            | product 2            | ...  |
//! vectors            | epilogue of result 0 | epilogue of result 1 | ...  | epilogue of the last
//! ```
//!
//! Both take turns, a few products and a few rows at a time, as a core looks a few hundred instructions ahead and no further. Results
//! lie in two places in turn.

use super::block::Block;
use super::panel_product::{PanelProduct, SumsAt};
use crate::mlir::{Builder, Comparison, Value};
use crate::tile_registers::{TILE_COLUMNS, TILE_ROW_BYTES, TILE_ROWS, TileRegister};

/// Sums, `[row][column]`.
const SUMS: [[TileRegister; 2]; 2] =
    [[TileRegister(0), TileRegister(1)], [TileRegister(2), TileRegister(3)]];
/// Tiles of the rows.
const LEFT: [TileRegister; 2] = [TileRegister(4), TileRegister(5)];
/// Tiles of the columns.
const RIGHT: [TileRegister; 2] = [TileRegister(6), TileRegister(7)];

/// Into how many parts a product and an epilogue are cut.
const STEPS: i64 = 16;

/// One product: a panel of rows by a panel of columns.
struct Product {
    at: SumsAt,
    /// Rows of the panel.
    rows: Value,
    /// Tiles of the rows.
    left: Value,
    /// Tiles of the columns.
    right: Value,
    /// What is fetched ahead.
    ahead: Value,
}

impl PanelProduct<'_> {
    /// Multiplies all panels of a block's rows by the panels `first..end` of the weight.
    pub(super) fn write_in_tiles(
        &self,
        b: &mut Builder,
        block: Block,
        (first, end): (Value, Value),
    ) {
        let columns = b.sub(end, first);
        let products = b.mul(columns, block.panels);
        let zero = b.i64(0);
        let behind_last = b.add_constant(products, 1);
        let some = b.compare(Comparison::Less, zero, products);
        let turns = b.select(some, behind_last, zero);
        b.for_each((zero, turns, 1), |b, turn| {
            let product = self.product(b, (block, first), turn);
            let exists = b.compare(Comparison::Less, turn, products);
            let before = b.add_constant(turn, -1);
            let before = self.product(b, (block, first), before);
            let has_before = b.compare(Comparison::Less, zero, turn);
            let rows_before = b.select(has_before, before.rows, zero);
            let all_chunks = b.i64(self.packed.chunks());
            let chunks = b.select(exists, all_chunks, zero);
            for sums in SUMS.as_flattened() {
                sums.clear(b);
            }
            let one_tile = b.i64(TILE_ROWS);
            let is_low = b.compare(Comparison::LessOrEqual, product.rows, one_tile);
            let steps = b.i64(STEPS);
            self.by_columns(b, before.at.column_panel, |b, columns| {
                b.for_each((zero, steps, 1), |b, step| {
                    let chunks = part(b, step, chunks);
                    b.if_else(
                        is_low,
                        |b| {
                            self.multiply(b, &product, 1, chunks);
                            vec![]
                        },
                        |b| {
                            self.multiply(b, &product, 2, chunks);
                            vec![]
                        },
                    );
                    let rows = part(b, step, rows_before);
                    b.for_each((rows.0, rows.1, 1), |b, index| {
                        self.write_row(b, block, &before.at, index, columns);
                    });
                });
            });
            b.if_then(exists, |b| self.store(b, product.at.sums));
        });
    }

    /// The product of that number: for each panel of columns, one with each panel of rows.
    fn product(&self, b: &mut Builder, (block, first): (Block, Value), number: Value) -> Product {
        let kernel = self.packing.kernel;
        let zero = b.i64(0);
        let number = b.max(number, zero);
        let column = b.div(number, block.panels);
        let row_panel = b.rem(number, block.panels);
        let column_panel = b.add(first, column);
        let start = b.mul_constant(row_panel, kernel.rows);
        let rows = b.sub(block.rows, start);
        let max = b.i64(kernel.rows);
        let rows = b.min(rows, max);
        let two = b.i64(2);
        let place = b.rem(number, two);
        let sums = b.mul_constant(place, kernel.sums_bytes());
        let panel = kernel.column_panel_bytes(kernel.chunks(self.packing.columns));
        let bytes = b.mul_constant(column_panel, panel);
        let right = b.offset(self.weight, bytes);
        let next = b.offset_constant(right, panel);
        Product {
            at: SumsAt { sums: b.offset(self.sums, sums), start, column_panel },
            rows,
            left: self.packed.panel(b, row_panel),
            right,
            ahead: self.ahead(b, next, row_panel),
        }
    }

    /// Adds the products of some chunks, of so many tiles of rows.
    fn multiply(&self, b: &mut Builder, product: &Product, row_tiles: i64, chunks: (Value, Value)) {
        let kernel = self.packing.kernel;
        let left_row = b.i64(TILE_ROW_BYTES);
        let right_row = b.i64(kernel.columns / TILE_COLUMNS * TILE_ROW_BYTES);
        b.for_each((chunks.0, chunks.1, 1), |b, chunk| {
            let bytes = b.mul_constant(chunk, kernel.row_panel_bytes(1));
            let left = b.offset(product.left, bytes);
            let bytes = b.mul_constant(chunk, kernel.column_panel_bytes(1));
            let right = b.offset(product.right, bytes);
            for (column, register) in RIGHT.into_iter().enumerate() {
                let right = b.offset_constant(right, column as i64 * TILE_ROW_BYTES);
                register.load(b, right, right_row);
            }
            let bytes = b.mul_constant(chunk, kernel.bytes_ahead());
            let ahead = b.offset(product.ahead, bytes);
            kernel.fetch_ahead(b, ahead);
            for (row, register) in LEFT.into_iter().enumerate().take(row_tiles as usize) {
                let left = b.offset_constant(left, row as i64 * TILE_ROWS * TILE_ROW_BYTES);
                register.load(b, left, left_row);
                for (sums, right) in SUMS[row].into_iter().zip(RIGHT) {
                    sums.add_product(b, register, right);
                }
            }
        });
    }

    /// Writes the sums, `[rows][columns]`.
    fn store(&self, b: &mut Builder, to: Value) {
        let row_bytes = self.packing.kernel.columns * 4;
        let step = b.i64(row_bytes);
        for (row, registers) in (0..).zip(SUMS) {
            for (column, register) in (0..).zip(registers) {
                let place = row * TILE_ROWS * row_bytes + column * TILE_COLUMNS * 4;
                let to = b.offset_constant(to, place);
                register.store(b, to, step);
            }
        }
    }
}

/// The part of that number of `0..count`, of [`STEPS`].
fn part(b: &mut Builder, step: Value, count: Value) -> (Value, Value) {
    let first = b.mul(step, count);
    let next = b.add(first, count);
    let steps = b.i64(STEPS);
    (b.div(first, steps), b.div(next, steps))
}
