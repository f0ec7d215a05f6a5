//! [`PanelProduct`] in AMX tiles: while one step is multiplied, the vectors put the sums of the step before through the epilogue.
//!
//! ```text
//! tiles    step 0 | step 1             | step 2             | ...  |
//! vectors         | epilogue of step 0 | epilogue of step 1 | ...  | epilogue of the last
//! ```
//!
//! Both take turns chunk by chunk, as a core looks a few hundred instructions ahead and no further: with two chunks a turn, those
//! of the epilogue fill what it remembers, and the tiles wait.
//!
//! A step is a group of panels of rows by one panel of columns, all of k: blocks of k, in each all panels of the group.
//! So all but the tiles of the rows is in the first-level cache: the columns of a block of k, and the sums, which lie in
//! scratch between blocks. The rows pass by, read so that they push nothing else out. (A core loads 48 bytes a cycle from its
//! second-level cache, and stores a line there in 17 cycles, during which loads wait.)
//!
//! Sums are stored in the first chunk of the *next* product, each just before its register is needed: so products go on while
//! those before them are on their way to memory. (Stored at once, they cost a product of 8 chunks a seventh of its rate.)

use super::block::Block;
use super::microkernel::{GROUP_PANELS, LINE_BYTES, fetch_line};
use super::panel_product::PanelProduct;
use crate::mlir::{Builder, Comparison, Value};
use crate::tile_registers::{TILE_BYTES, TILE_ROW_BYTES, TileRegister};

/// Sums, `[row][column]`.
const SUMS: [[TileRegister; 2]; PRODUCT_PANELS] = [
    [TileRegister(0), TileRegister(1)],
    [TileRegister(2), TileRegister(3)],
    [TileRegister(4), TileRegister(5)],
];
/// A tile of the rows.
const LEFT: TileRegister = TileRegister(6);
/// A tile of the columns.
const RIGHT: TileRegister = TileRegister(7);

/// Panels of rows, of a tile each, that are multiplied at once, at most.
const PRODUCT_PANELS: usize = 3;

/// Chunks of a block of k, at most.
const BLOCK_CHUNKS: i64 = 8;

/// Cache lines of the weight that are fetched ahead beside each chunk: five products fetch nearly all of a panel of columns. (At
/// one image, weights come from memory, and a ViT-B takes a quarter longer without.)
const LINES_AHEAD: i64 = 7;

/// Binary places of a number of rows a chunk.
const FRACTION_BITS: i64 = 16;

/// A group of panels of rows by a panel of columns.
struct Step {
    /// The panel of columns.
    column_panel: Value,
    /// The first panel of rows, and how many.
    first_panel: Value,
    panels: Value,
    /// Panels of rows of all groups.
    all_panels: Value,
    /// In how many products a block of k is multiplied: panels are shared evenly.
    products: Value,
    /// Where the sums lie, panel by panel.
    sums: Value,
}

/// One product: some panels of rows by a block of k of a panel of columns.
struct Product {
    /// Panels of rows.
    panels: Value,
    /// The first tile of the first.
    left: Value,
    /// Tiles of the columns.
    right: Value,
    /// What is fetched ahead.
    ahead: Value,
    /// Where the sums go.
    sums: Value,
}

/// Where the sums go that the registers hold, panel by panel.
type Places = [Value; PRODUCT_PANELS];

/// What the first chunk of a product does to each register of sums before it adds to it.
#[derive(Clone, Copy)]
struct Begin {
    /// Where the sums of the product before go.
    pending: Places,
    /// Where the sums of the block of k before lie, if any.
    sums: Option<Value>,
}

impl Begin {
    /// Prepares a register of sums of a panel, one of its tiles.
    fn prepare(&self, b: &mut Builder, panel: usize, tile: usize, sums_bytes: i64) {
        let register = SUMS[panel][tile];
        store_sums(b, self.pending[panel], register, tile);
        match self.sums {
            None => register.clear(b),
            Some(sums) => {
                let bytes = panel as i64 * sums_bytes + tile as i64 * TILE_BYTES;
                let from = b.offset_constant(sums, bytes);
                let row_bytes = b.i64(TILE_ROW_BYTES);
                register.load(b, from, row_bytes);
            }
        }
    }
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
        let groups = b.ceil_div(block.panels, GROUP_PANELS);
        let column_panels = b.sub(end, first);
        let steps = b.mul(column_panels, groups);
        let behind_last = b.add_constant(steps, 1);
        let some = b.compare(Comparison::Less, zero, steps);
        let behind_last = b.select(some, behind_last, zero);
        b.for_each((zero, behind_last, 1), |b, number| {
            let before = b.add_constant(number, -1);
            let before = b.max(before, zero);
            let before = self.step(b, block, (first, groups), before);
            let has_before = b.compare(Comparison::Less, zero, number);
            let first_row = b.mul_constant(before.first_panel, self.packing.kernel.rows);
            let rows = self.rows(b, block, &before);
            let rows_before = b.select(has_before, rows, zero);
            let last_product = b.add_constant(before.products, -1);
            let (panel, end_panel) = b.part((last_product, before.products), before.panels);
            let panels = b.sub(end_panel, panel);
            let panels = b.select(has_before, panels, zero);
            let sums = self.sums_of_panel(b, &before, panel);
            let pending = self.places(b, sums, panels);
            let exists = b.compare(Comparison::Less, number, steps);
            let step = self.step(b, block, (first, groups), number);
            self.by_columns(b, before.column_panel, |b, columns| {
                let finish = |b: &mut Builder, (first, end): (Value, Value)| {
                    b.for_each((first, end, 1), |b, row| {
                        let sums = self.sums_of_row(b, &before, row);
                        let within = b.add(first_row, row);
                        self.write_row(b, block, (within, before.column_panel), sums, columns);
                    });
                };
                b.if_else(
                    exists,
                    |b| {
                        self.multiply(b, &step, pending, rows_before, finish);
                        vec![]
                    },
                    |b| {
                        store_panels(b, pending, 0);
                        finish(b, (zero, rows_before));
                        vec![]
                    },
                );
            });
        });
    }

    /// The step of that number. Sums of steps that follow each other lie in two places in turn.
    fn step(
        &self,
        b: &mut Builder,
        block: Block,
        (first, groups): (Value, Value),
        number: Value,
    ) -> Step {
        let column_panel = b.div(number, groups);
        let column_panel = b.add(first, column_panel);
        let group = b.rem(number, groups);
        let (first_panel, end_panel) = b.part((group, groups), block.panels);
        let panels = b.sub(end_panel, first_panel);
        let one = b.i64(1);
        let place = b.and(number, one);
        let place = b.mul_constant(place, GROUP_PANELS * self.packing.kernel.sums_bytes());
        Step {
            column_panel,
            first_panel,
            panels,
            all_panels: block.panels,
            products: b.ceil_div(panels, PRODUCT_PANELS as i64),
            sums: b.offset(self.sums, place),
        }
    }

    /// How many rows a step has.
    fn rows(&self, b: &mut Builder, block: Block, step: &Step) -> Value {
        let end = b.add(step.first_panel, step.panels);
        let end = b.mul_constant(end, self.packing.kernel.rows);
        let end = b.min(end, block.rows);
        let first = b.mul_constant(step.first_panel, self.packing.kernel.rows);
        b.sub(end, first)
    }

    /// Multiplies a step, one block of k after the other; beside it, `finish` is told to finish rows of `0..rows_before` of the
    /// step before, whose last sums go to `pending` first.
    fn multiply(
        &self,
        b: &mut Builder,
        step: &Step,
        pending: Places,
        rows_before: Value,
        finish: impl Fn(&mut Builder, (Value, Value)),
    ) {
        let (zero, one) = (b.i64(0), b.i64(1));
        let chunks = b.i64(self.packed.chunks());
        // Nothing is read again for one product.
        let is_alone = b.compare(Comparison::Equal, step.products, one);
        let block_chunks = b.i64(block_chunks(self.packed.chunks()));
        let block_chunks = b.select(is_alone, chunks, block_chunks);
        let blocks = ceil_div(b, chunks, block_chunks);
        let products = b.mul(step.products, blocks);
        b.for_loop((zero, products, 1), &pending, |b, number, pending| {
            let k_block = b.div(number, step.products);
            let within = b.rem(number, step.products);
            let panels = b.part((within, step.products), step.panels);
            let first_chunk = b.mul(k_block, block_chunks);
            let product = self.product(b, step, panels, first_chunk);
            let rest = b.sub(chunks, first_chunk);
            let chunks = b.min(rest, block_chunks);
            let is_new = b.compare(Comparison::Equal, k_block, zero);
            let rows = b.part((number, products), rows_before);
            let pending = std::array::from_fn(|panel| pending[panel]);
            self.multiply_chunks(b, &product, (pending, is_new), chunks, rows, &finish);
            self.places(b, product.sums, product.panels).to_vec()
        });
    }

    /// The product of some panels of a step from a chunk on.
    fn product(
        &self,
        b: &mut Builder,
        step: &Step,
        (panel, end_panel): (Value, Value),
        first_chunk: Value,
    ) -> Product {
        let kernel = self.packing.kernel;
        let row_panel = b.add(step.first_panel, panel);
        let left = self.packed.panel(b, row_panel);
        let bytes = b.mul_constant(first_chunk, kernel.row_panel_bytes(1));
        let left = b.offset(left, bytes);
        let bytes = b.mul_constant(step.column_panel, self.packing.panel_bytes());
        let right = b.offset(self.weight, bytes);
        let ahead = self.share_ahead(b, right, (row_panel, step.all_panels));
        let bytes = b.mul_constant(first_chunk, LINES_AHEAD * LINE_BYTES);
        let ahead = b.offset(ahead, bytes);
        let bytes = b.mul_constant(first_chunk, kernel.column_panel_bytes(1));
        let right = b.offset(right, bytes);
        let sums = self.sums_of_panel(b, step, panel);
        Product { panels: b.sub(end_panel, panel), left, right, ahead, sums }
    }

    /// What is fetched ahead beside a product of rows from a panel on, of so many: its share of the panel of columns behind that at
    /// `columns`.
    fn share_ahead(
        &self,
        b: &mut Builder,
        columns: Value,
        (panel, panels): (Value, Value),
    ) -> Value {
        let bytes = self.packing.panel_bytes();
        let next = b.offset_constant(columns, bytes);
        let lines = b.mul_constant(panel, bytes / LINE_BYTES);
        let lines = b.div(lines, panels);
        let bytes = b.mul_constant(lines, LINE_BYTES);
        b.offset(next, bytes)
    }

    /// Multiplies the chunks of a product, the sums before it gone to `pending`, and has rows `first..end` finished beside them.
    fn multiply_chunks(
        &self,
        b: &mut Builder,
        product: &Product,
        (pending, is_new): (Places, Value),
        chunks: Value,
        (first, end): (Value, Value),
        finish: impl Fn(&mut Builder, (Value, Value)),
    ) {
        let zero = b.i64(0);
        let rows = b.sub(end, first);
        let rows = b.shift_left(rows, FRACTION_BITS);
        let rows_a_chunk = ceil_div(b, rows, chunks);
        let begin = |b: &mut Builder, sums| {
            by_panels(b, product.panels, |b, panels| {
                self.multiply_chunk(b, product, panels, (zero, Some(Begin { pending, sums })));
            });
            vec![]
        };
        b.for_loop((zero, chunks, 1), &[zero], |b, chunk, done| {
            let is_first = b.compare(Comparison::Equal, chunk, zero);
            b.if_else(
                is_first,
                |b| b.if_else(is_new, |b| begin(b, None), |b| begin(b, Some(product.sums))),
                |b| {
                    by_panels(b, product.panels, |b, panels| {
                        self.multiply_chunk(b, product, panels, (chunk, None));
                    });
                    vec![]
                },
            );
            let next = b.add(done[0], rows_a_chunk);
            let whole = [done[0], next].map(|rows| b.shift_right(rows, FRACTION_BITS));
            let [first, end] = whole.map(|row| b.add(first, row));
            finish(b, (first, end));
            vec![next]
        });
    }

    /// Adds the products of one chunk, of so many panels of rows. Tiles of the columns are read again and again, from the
    /// first-level cache, but for the one that the panel of rows before ended with.
    fn multiply_chunk(
        &self,
        b: &mut Builder,
        product: &Product,
        panels: usize,
        (chunk, begin): (Value, Option<Begin>),
    ) {
        let kernel = self.packing.kernel;
        let row_bytes = b.i64(TILE_ROW_BYTES);
        let bytes = b.mul_constant(chunk, kernel.row_panel_bytes(1));
        let left = b.offset(product.left, bytes);
        let bytes = b.mul_constant(chunk, kernel.column_panel_bytes(1));
        let right = b.offset(product.right, bytes);
        let bytes = b.mul_constant(chunk, LINES_AHEAD * LINE_BYTES);
        let ahead = b.offset(product.ahead, bytes);
        for line in 0..LINES_AHEAD {
            fetch_line(b, ahead, line);
        }
        let panel_bytes = kernel.row_panel_bytes(self.packed.chunks());
        for (panel, sums) in SUMS.into_iter().enumerate().take(panels) {
            let left = b.offset_constant(left, panel as i64 * panel_bytes);
            LEFT.load_to_stream(b, left, row_bytes);
            let tiles = if panel % 2 == 0 { [0, 1] } else { [1, 0] };
            for (index, tile) in tiles.into_iter().enumerate() {
                if panel == 0 || index > 0 {
                    let from = b.offset_constant(right, tile as i64 * TILE_BYTES);
                    RIGHT.load(b, from, row_bytes);
                }
                if let Some(begin) = begin {
                    begin.prepare(b, panel, tile, kernel.sums_bytes());
                }
                sums[tile].add_product(b, LEFT, RIGHT);
            }
        }
        if let Some(begin) = begin {
            store_panels(b, begin.pending, panels);
        }
    }

    /// Where the sums of a panel of a step lie.
    fn sums_of_panel(&self, b: &mut Builder, step: &Step, panel: Value) -> Value {
        let bytes = b.mul_constant(panel, self.packing.kernel.sums_bytes());
        b.offset(step.sums, bytes)
    }

    /// Where the sums of a row of a step lie.
    fn sums_of_row(&self, b: &mut Builder, step: &Step, row: Value) -> Value {
        let panel_rows = b.i64(self.packing.kernel.rows);
        let (panel, within) = (b.div(row, panel_rows), b.rem(row, panel_rows));
        let panel = self.sums_of_panel(b, step, panel);
        let bytes = b.mul_constant(within, TILE_ROW_BYTES);
        b.offset(panel, bytes)
    }

    /// Where the sums of so many panels go; those of others go where nobody looks.
    fn places(&self, b: &mut Builder, sums: Value, panels: Value) -> Places {
        let sums_bytes = self.packing.kernel.sums_bytes();
        let unwanted = b.offset_constant(self.sums, 2 * GROUP_PANELS * sums_bytes);
        std::array::from_fn(|panel| {
            let place = b.offset_constant(sums, panel as i64 * sums_bytes);
            let panel = b.i64(panel as i64);
            let is_wanted = b.compare(Comparison::Less, panel, panels);
            b.select(is_wanted, place, unwanted)
        })
    }
}

/// `a / parts`, rounded up.
fn ceil_div(b: &mut Builder, a: Value, parts: Value) -> Value {
    let sum = b.add(a, parts);
    let sum = b.add_constant(sum, -1);
    b.div(sum, parts)
}

/// Chunks of a block of k: blocks share them evenly.
fn block_chunks(chunks: i64) -> i64 {
    let blocks = (chunks + BLOCK_CHUNKS - 1) / BLOCK_CHUNKS;
    (chunks + blocks - 1) / blocks
}

/// Writes `body` for each number of panels that a product may have.
fn by_panels(b: &mut Builder, panels: Value, body: impl Fn(&mut Builder, usize)) {
    for count in 1..=PRODUCT_PANELS {
        let wanted = b.i64(count as i64);
        let chosen = b.compare(Comparison::Equal, panels, wanted);
        b.if_then(chosen, |b| body(b, count));
    }
}

/// Writes the sums of the panels from `first` on, each where it goes.
fn store_panels(b: &mut Builder, places: Places, first: usize) {
    for (sums, place) in SUMS.into_iter().zip(places).skip(first) {
        for (tile, register) in sums.into_iter().enumerate() {
            store_sums(b, place, register, tile);
        }
    }
}

/// Writes one of a panel's tiles of sums.
fn store_sums(b: &mut Builder, panel: Value, register: TileRegister, tile: usize) {
    let to = b.offset_constant(panel, tile as i64 * TILE_BYTES);
    let row_bytes = b.i64(TILE_ROW_BYTES);
    register.store(b, to, row_bytes);
}
