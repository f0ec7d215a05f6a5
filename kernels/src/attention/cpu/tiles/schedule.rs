//! The sizes of blocks, and where each lies in scratch memory.

use crate::tile_registers::{TILE_BYTES, TILE_COLUMNS, TILE_ROW_BYTES, TILE_ROWS};
use crate::vector::CELL;

/// Elements of bf16 in a row of a tile of a left side: what one product of tiles sums over.
pub(super) const DEPTH: i64 = TILE_ROW_BYTES / 2;

/// Queries of a block: those of a tile, so that the scores of two blocks stay in the first-level cache.
pub(super) const BLOCK_QUERIES: i64 = TILE_ROWS;

/// Tiles of keys that are multiplied at once.
pub(super) const KEY_TILES: i64 = 4;

/// Tiles of columns of values that are multiplied at once, at most.
const COLUMN_TILES: i64 = 6;

/// Keys of a block: they, their values, and the scores of two blocks of queries fit in the first-level cache, 48 KiB on a Sapphire
/// Rapids. With twice as many, its tiles wait for the second level.
const BLOCK_KEYS: i64 = 64;

/// Tiles of queries that are taken together where they follow each other in a head, so that keys and values are copied once
/// for all of them.
const TOGETHER: i64 = 6;

/// From the scores of two tiles of keys to those of the next two. Each page has first those of one block of queries, then those
/// of the other: while tiles of the one are written, the vectors read the other, and a core that compares the lower bits of
/// addresses only must not take what is read for what is being written. (No gain was measured.)
pub(super) const SCORE_PAIR: i64 = 2 * SCORES_AT_ONCE;

/// Bytes of the scores of two tiles of keys.
pub(super) const SCORES_AT_ONCE: i64 = 2 * TILE_BYTES;

/// The sizes that the code of one head size is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::attention::cpu) struct Schedule {
    /// Elements of a head.
    pub(super) head_size: i64,
    /// How many of the attention's tiles are taken together, at most.
    pub(super) together: i64,
    /// Queries of those.
    pub(super) queries: i64,
    /// Keys of a block.
    pub(super) block_keys: i64,
}

impl Schedule {
    /// The schedule of heads of that size. With a mask tiles stay alone: together they could skip fewer keys.
    pub(super) fn new(head_size: i64, tile_queries: i64, masked: bool) -> Self {
        let together = if masked { 1 } else { TOGETHER };
        Schedule { head_size, together, queries: together * tile_queries, block_keys: BLOCK_KEYS }
    }

    /// Tiles along the head where a product sums over it.
    pub(super) fn chunks(&self) -> i64 {
        (self.head_size + DEPTH - 1) / DEPTH
    }

    /// Tiles along the head where it is the columns of a product.
    pub(super) fn column_tiles(&self) -> i64 {
        (self.head_size + TILE_COLUMNS - 1) / TILE_COLUMNS
    }

    /// Bytes from one tile of queries, or of keys, to the next.
    pub(super) fn row_tile(&self) -> i64 {
        self.chunks() * TILE_BYTES
    }

    /// Bytes of the values of as many keys as a product of tiles sums over.
    pub(super) fn value_chunk(&self) -> i64 {
        self.column_tiles() * TILE_BYTES
    }

    /// Bytes of a row of sums.
    pub(super) fn output_row(&self) -> i64 {
        self.column_tiles() * TILE_COLUMNS * CELL
    }

    /// Tiles of columns of values by groups that are multiplied at once: the first and how many.
    pub(super) fn column_groups(&self) -> Vec<(i64, i64)> {
        let tiles = self.column_tiles();
        let groups = (tiles + COLUMN_TILES - 1) / COLUMN_TILES;
        let start = |group: i64| group * tiles / groups;
        (0..groups).map(|group| (start(group), start(group + 1) - start(group))).collect()
    }

    /// Where each part of the scratch memory starts.
    pub(super) fn scratch(&self) -> Scratch {
        let mut end = 0;
        let mut part = |bytes: i64| {
            let start = end;
            end += (bytes + TILE_ROW_BYTES - 1) / TILE_ROW_BYTES * TILE_ROW_BYTES;
            start
        };
        let blocks = (self.queries + BLOCK_QUERIES - 1) / BLOCK_QUERIES;
        Scratch {
            queries: part(blocks * self.row_tile()),
            keys: part(self.block_keys / TILE_ROWS * self.row_tile()),
            values: part(self.block_keys / DEPTH * self.value_chunk()),
            scores: part(self.block_keys / DEPTH * SCORE_PAIR),
            outputs: part(blocks * BLOCK_QUERIES * self.output_row()),
            greatest: part(blocks * BLOCK_QUERIES * CELL),
            sums: part(blocks * BLOCK_QUERIES * TILE_ROW_BYTES),
            lane_maxima: part(BLOCK_QUERIES * TILE_ROW_BYTES),
            factors: part(BLOCK_QUERIES * CELL),
            key_segments: part(self.block_keys * CELL),
            rotated: part(TILE_ROWS * self.head_size * 2),
            modes: part(2 * CELL),
            bytes: part(0),
        }
    }
}

/// Offsets in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scratch {
    /// Tiles `[tile of queries][chunk of the head]`, left sides.
    pub(super) queries: i64,
    /// Tiles `[tile of keys][chunk of the head]`, right sides.
    pub(super) keys: i64,
    /// Tiles `[chunk of keys][tile of columns]`, right sides.
    pub(super) values: i64,
    /// Pairs of tiles `[pair][block of queries][tile of the pair][query]`, of two blocks of queries in turn: scores, f32,
    /// and then weights, bf16, in place of the first tile.
    pub(super) scores: i64,
    /// `[query][columns]` of f32.
    pub(super) outputs: i64,
    /// The greatest score of each query so far.
    pub(super) greatest: i64,
    /// The sums of the weights of each query so far, each lane its own.
    pub(super) sums: i64,
    /// The greatest score in each lane, of each query of a block.
    pub(super) lane_maxima: i64,
    /// What the rows of a block of queries are multiplied by.
    pub(super) factors: i64,
    /// The segments of the block's keys.
    pub(super) key_segments: i64,
    /// Rows of one tile, rotated.
    pub(super) rotated: i64,
    /// How f32 is computed with: as it was, and as it is here.
    pub(super) modes: i64,
    /// The size of all.
    pub(super) bytes: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_scratch_memory_follow_each_other() {
        for head_size in [2, 6, 64, 72, 88, 128, 130] {
            let schedule = Schedule::new(head_size, 96, head_size == 64);
            let scratch = schedule.scratch();
            let (queries, keys) = (schedule.queries, schedule.block_keys);
            let padded = schedule.chunks() * DEPTH;
            let parts = [
                (scratch.queries, queries * padded * 2),
                (scratch.keys, keys * padded * 2),
                (scratch.values, keys * schedule.column_tiles() * TILE_COLUMNS * 2),
                (scratch.scores, 2 * BLOCK_QUERIES * keys * CELL),
                (scratch.outputs, queries * schedule.output_row()),
                (scratch.greatest, queries * 4),
                (scratch.sums, queries * 64),
                (scratch.lane_maxima, BLOCK_QUERIES * 64),
                (scratch.factors, BLOCK_QUERIES * 4),
                (scratch.key_segments, keys * 4),
                (scratch.rotated, TILE_ROWS * head_size * 2),
                (scratch.modes, 8),
                (scratch.bytes, 0),
            ];
            for (part, next) in parts.iter().zip(&parts[1..]) {
                assert!(part.0 + part.1 <= next.0, "{head_size}: {scratch:?}");
                assert_eq!(next.0 % TILE_ROW_BYTES, 0);
            }
            assert_eq!(keys % (KEY_TILES * TILE_ROWS), 0);
            let groups = schedule.column_groups();
            let tiles: i64 = groups.iter().map(|(_, tiles)| tiles).sum();
            assert_eq!(tiles, schedule.column_tiles());
            assert!(groups.iter().all(|(_, tiles)| (1..=COLUMN_TILES).contains(tiles)));
        }
    }
}
