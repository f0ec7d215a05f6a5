//! The two products of a block of queries, a few tiles at a time.

use super::schedule::{BLOCK_QUERIES, KEY_TILES, SCORE_PAIR, SCORES_AT_ONCE};
use super::{Run, Writer};
use crate::mlir::{Builder, Comparison, Value};
use crate::tile_registers::{TILE_BYTES, TILE_ROW_BYTES, TileRegister};

/// The tile of queries or weights.
const LEFT: TileRegister = TileRegister(7);

/// A block of queries: one tile.
#[derive(Clone, Copy)]
pub(super) struct QueryBlock {
    /// Its number.
    pub(super) number: Value,
    /// Its queries; none where there is no such block.
    pub(super) rows: Value,
}

/// Tiles of keys that are multiplied together.
#[derive(Clone, Copy)]
pub(super) struct KeyGroup {
    /// Its number.
    pub(super) number: Value,
    pub(super) exists: Value,
    /// All tiles of keys; the last group may have fewer than the others.
    pub(super) all_tiles: Value,
}

/// Tiles of columns that are summed up together.
#[derive(Clone, Copy)]
pub(super) struct ColumnGroup {
    pub(super) first_tile: i64,
    pub(super) tiles: i64,
}

/// The registers of so many sums.
fn sums(tiles: i64) -> impl Iterator<Item = (i64, TileRegister)> {
    (0..tiles).map(|tile| (tile, TileRegister(tile as u8)))
}

/// The registers that are left for right sides beside so many sums, each in its turn.
fn right(tiles: i64, tile: i64) -> TileRegister {
    let free = i64::from(LEFT.0) - tiles;
    TileRegister((tiles + tile % free) as u8)
}

impl Run<'_> {
    /// Multiplies a block's queries by the keys of a group of tiles, if there is such a group; runs `beside`; and writes the
    /// scores only then, as a core that waits for products before it stores them does nothing else.
    pub(super) fn score(
        &self,
        b: &mut Builder,
        block: QueryBlock,
        group: KeyGroup,
        beside: impl FnOnce(&mut Builder),
    ) {
        let first = b.mul_constant(group.number, KEY_TILES);
        let behind = b.add_constant(first, KEY_TILES);
        let is_full = b.compare(Comparison::LessOrEqual, behind, group.all_tiles);
        let is_full = b.and(is_full, group.exists);
        b.if_else(
            is_full,
            |b| {
                self.multiply_queries(b, block, (first, KEY_TILES));
                vec![]
            },
            |b| {
                let end = b.select(group.exists, group.all_tiles, first);
                b.for_each((first, end, 1), |b, tile| {
                    self.multiply_queries(b, block, (tile, 1));
                    self.store_scores(b, block, (tile, 1));
                });
                vec![]
            },
        );
        beside(b);
        b.if_then(is_full, |b| self.store_scores(b, block, (first, KEY_TILES)));
    }

    fn multiply_queries(&self, b: &mut Builder, block: QueryBlock, (first, tiles): (Value, i64)) {
        let schedule = &self.writer.schedule;
        let queries = self.of_block(b, self.writer.scratch.queries, block, schedule.row_tile());
        let keys = self.part(b, self.writer.scratch.keys);
        let bytes = b.mul_constant(first, schedule.row_tile());
        let keys = b.offset(keys, bytes);
        let tile_row = b.i64(TILE_ROW_BYTES);
        sums(tiles).for_each(|(_, sum)| sum.clear(b));
        for chunk in 0..schedule.chunks() {
            let from = b.offset_constant(queries, chunk * TILE_BYTES);
            LEFT.load(b, from, tile_row);
            for (tile, sum) in sums(tiles) {
                let from = b.offset_constant(keys, tile * schedule.row_tile() + chunk * TILE_BYTES);
                let right = right(tiles, tile);
                right.load(b, from, tile_row);
                sum.add_product(b, LEFT, right);
            }
        }
    }

    fn store_scores(&self, b: &mut Builder, block: QueryBlock, (first, tiles): (Value, i64)) {
        let scores = self.scores(b, block);
        let tile_row = b.i64(TILE_ROW_BYTES);
        for (tile, sum) in sums(tiles) {
            let tile = b.add_constant(first, tile);
            let to = score_tile(b, scores, tile);
            sum.store(b, to, tile_row);
        }
    }

    /// Reads what was summed up so far of some columns: nothing, where these keys are the first.
    pub(super) fn start_sums_of(
        &self,
        b: &mut Builder,
        block: QueryBlock,
        group: ColumnGroup,
        is_first: Value,
    ) {
        b.if_else(
            is_first,
            |b| {
                sums(group.tiles).for_each(|(_, sum)| sum.clear(b));
                vec![]
            },
            |b| {
                self.move_sums(b, block, group, TileRegister::load);
                vec![]
            },
        );
    }

    /// Writes it.
    pub(super) fn store_sums(&self, b: &mut Builder, block: QueryBlock, group: ColumnGroup) {
        self.move_sums(b, block, group, TileRegister::store);
    }

    fn move_sums(
        &self,
        b: &mut Builder,
        block: QueryBlock,
        group: ColumnGroup,
        moved: fn(TileRegister, &mut Builder, Value, Value),
    ) {
        let row = self.writer.schedule.output_row();
        let outputs = self.of_block(b, self.writer.scratch.outputs, block, BLOCK_QUERIES * row);
        let row_bytes = b.i64(row);
        for (tile, sum) in sums(group.tiles) {
            let at = b.offset_constant(outputs, (group.first_tile + tile) * TILE_ROW_BYTES);
            moved(sum, b, at, row_bytes);
        }
    }

    /// Adds the values of so many chunks of keys, weighed, to the sums.
    pub(super) fn weigh_values(
        &self,
        b: &mut Builder,
        block: QueryBlock,
        group: ColumnGroup,
        (first, end): (Value, Value),
    ) {
        let schedule = &self.writer.schedule;
        let weights = self.scores(b, block);
        let values = self.part(b, self.writer.scratch.values);
        let values = b.offset_constant(values, group.first_tile * TILE_BYTES);
        let tile_row = b.i64(TILE_ROW_BYTES);
        b.for_each((first, end, 1), |b, chunk| {
            let bytes = b.mul_constant(chunk, schedule.value_chunk());
            let values = b.offset(values, bytes);
            let bytes = b.mul_constant(chunk, SCORE_PAIR);
            let weights = b.offset(weights, bytes);
            LEFT.load(b, weights, tile_row);
            for (tile, sum) in sums(group.tiles) {
                let from = b.offset_constant(values, tile * TILE_BYTES);
                let right = right(group.tiles, tile);
                right.load(b, from, tile_row);
                sum.add_product(b, LEFT, right);
            }
        });
    }

    /// Where what belongs to a block begins.
    fn of_block(&self, b: &mut Builder, part: i64, block: QueryBlock, bytes: i64) -> Value {
        let base = self.part(b, part);
        let bytes = b.mul_constant(block.number, bytes);
        b.offset(base, bytes)
    }

    fn scores(&self, b: &mut Builder, block: QueryBlock) -> Value {
        self.writer.scores_of(b, self.queries.call.scratch, block.number)
    }
}

impl Writer<'_> {
    /// Where the scores of a block lie: in one of two places.
    pub(super) fn scores_of(&self, b: &mut Builder, scratch: Value, number: Value) -> Value {
        let base = b.offset_constant(scratch, self.scratch.scores);
        let two = b.i64(2);
        let place = b.rem(number, two);
        let bytes = b.mul_constant(place, SCORES_AT_ONCE);
        b.offset(base, bytes)
    }
}

/// Where the scores of a tile of keys lie among those of a block.
pub(super) fn score_tile(b: &mut Builder, scores: Value, tile: Value) -> Value {
    let two = b.i64(2);
    let (pair, within) = (b.div(tile, two), b.rem(tile, two));
    let bytes = b.mul_constant(pair, SCORE_PAIR);
    let pair = b.offset(scores, bytes);
    let bytes = b.mul_constant(within, TILE_BYTES);
    b.offset(pair, bytes)
}
