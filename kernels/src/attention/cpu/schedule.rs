//! How the CPU walks the scores: the sizes of blocks, and where each block lies in scratch memory.

use crate::CpuTarget;
use crate::vector::{CELL, Cell, RegisterBlock};
use ocellus_dialects::ElementType;

/// Queries of a tile: enough that the copies of keys and values vanish beside the products, and few enough that one
/// image gives work to many workers.
pub const TILE_QUERIES: i64 = 96;

/// Keys of a block: scores of one panel of queries, and the values that they weigh, fit in the first-level cache.
const BLOCK_KEYS: i64 = 128;

/// Alignment of each part of the scratch memory.
const ALIGNMENT: i64 = 64;

/// The sizes that the code of one head size is written for. Lengths are in cells where the dimension is one that a
/// product sums over, and in f32 elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// What stands in a cell.
    pub(crate) cell: Cell,
    /// Numbers in a vector register.
    pub(crate) lanes: i64,
    /// Vector registers across a panel of queries; the last panel of a tile may use fewer.
    pub(crate) vectors: i64,
    /// Rows of the register block: keys of the first product, columns of the head of the second.
    pub(crate) rows: i64,
    /// Elements of a head.
    pub(crate) head_size: i64,
    /// Cells of a head.
    pub(crate) head_cells: i64,
    /// Elements of a head, rounded up to full register blocks.
    pub(crate) padded_head: i64,
    /// Keys of a block.
    pub(crate) block_keys: i64,
    /// Whether rows of queries are rotated before they become columns, and need a place for it.
    pub(crate) rotary: bool,
    /// Whether the segments of queries are kept.
    pub(crate) masked: bool,
}

impl Schedule {
    /// The schedule for heads of that size, stored so.
    pub(crate) fn new(element: ElementType, head_size: i64, target: &CpuTarget) -> Self {
        let cell = match element {
            ElementType::BF16 if target.avx512_bf16 && head_size % 2 == 0 => Cell::Bf16Pair,
            _ => Cell::F32,
        };
        let rows = RegisterBlock::rows_of(target);
        Schedule {
            cell,
            lanes: i64::from(target.lanes()),
            vectors: 3,
            rows,
            head_size,
            head_cells: head_size / cell.elements(),
            padded_head: round_up(head_size, rows),
            block_keys: BLOCK_KEYS,
            rotary: false,
            masked: false,
        }
    }

    /// Queries of a panel.
    pub(crate) fn panel_queries(&self) -> i64 {
        self.lanes * self.vectors
    }

    /// Bytes from one row of a panel to the next.
    pub(crate) fn panel_row(&self) -> i64 {
        self.panel_queries() * CELL
    }

    /// Panels of a full tile.
    fn panels(&self) -> i64 {
        round_up(TILE_QUERIES, self.panel_queries()) / self.panel_queries()
    }

    /// Bytes of one head of a token, in cells.
    pub(crate) fn head_row(&self) -> i64 {
        self.head_cells * CELL
    }

    /// Bytes of one panel of queries: a row a cell of the head.
    pub(crate) fn query_panel(&self) -> i64 {
        round_up(self.head_cells * self.panel_row(), ALIGNMENT)
    }

    /// Bytes of one panel of sums: a row an element of the head.
    pub(crate) fn output_panel(&self) -> i64 {
        round_up(self.padded_head * self.panel_row(), ALIGNMENT)
    }

    /// Bytes of what a panel knows of its rows: the greatest score so far, and the sum of the exponentials.
    pub(crate) fn state_panel(&self) -> i64 {
        round_up(2 * self.panel_row(), ALIGNMENT)
    }

    /// Where each part of the scratch memory starts.
    pub(crate) fn scratch(&self) -> Scratch {
        let queries = 0;
        let keys = queries + self.panels() * self.query_panel();
        let values = keys + round_up(self.block_keys * self.head_cells * CELL, ALIGNMENT);
        let scores = values + round_up(self.block_keys * self.padded_head * CELL, ALIGNMENT);
        let outputs = scores + round_up(self.block_keys * self.panel_row(), ALIGNMENT);
        let states = outputs + self.panels() * self.output_panel();
        let rotated = states + self.panels() * self.state_panel();
        let rotated_bytes = if self.rotary { self.lanes * self.head_row() } else { 0 };
        let segments = rotated + round_up(rotated_bytes, ALIGNMENT);
        let segments_bytes = if self.masked { self.panels() * self.panel_row() } else { 0 };
        let bytes = segments + round_up(segments_bytes, ALIGNMENT);
        Scratch { queries, keys, values, scores, outputs, states, rotated, segments, bytes }
    }
}

/// Offsets in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scratch {
    /// Panels `[head cells][panel queries]`.
    pub(crate) queries: i64,
    /// `[block keys][head cells]`.
    pub(crate) keys: i64,
    /// `[block keys][padded head]`; of pairs, half as many rows.
    pub(crate) values: i64,
    /// `[block keys][panel queries]`: scores, then their exponentials; of pairs, half as many rows.
    pub(crate) scores: i64,
    /// Panels `[padded head][panel queries]`.
    pub(crate) outputs: i64,
    /// Panels `[2][panel queries]`.
    pub(crate) states: i64,
    /// Of a rotary one, a vector's worth of heads: `[lanes][head cells]`.
    pub(crate) rotated: i64,
    /// Of a masked one, panels `[panel queries]` of segments.
    pub(crate) segments: i64,
    /// The size of all.
    pub(crate) bytes: i64,
}

fn round_up(value: i64, step: i64) -> i64 {
    (value + step - 1) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_scratch_memory_follow_each_other_aligned() {
        for target in CpuTarget::ALL {
            for head_size in [1, 7, 16, 64, 72, 88, 128] {
                let schedule = Schedule {
                    rotary: head_size % 2 == 0,
                    masked: head_size % 4 == 0,
                    ..Schedule::new(ElementType::BF16, head_size, &target)
                };
                let scratch = schedule.scratch();
                let panel_rows = schedule.panels() * schedule.panel_row();
                let parts = [
                    (scratch.queries, schedule.head_cells * panel_rows),
                    (scratch.keys, schedule.block_keys * schedule.head_cells * CELL),
                    (scratch.values, schedule.block_keys * schedule.padded_head * CELL),
                    (scratch.scores, schedule.block_keys * schedule.panel_row()),
                    (scratch.outputs, schedule.padded_head * panel_rows),
                    (scratch.states, 2 * panel_rows),
                    (
                        scratch.rotated,
                        i64::from(schedule.rotary) * schedule.lanes * schedule.head_row(),
                    ),
                    (scratch.segments, i64::from(schedule.masked) * TILE_QUERIES * CELL),
                    (scratch.bytes, 0),
                ];
                for (part, next) in parts.iter().zip(&parts[1..]) {
                    assert!(part.0 + part.1 <= next.0, "{} {head_size}", target.name);
                    assert_eq!(next.0 % ALIGNMENT, 0);
                }
            }
        }
    }

    #[test]
    fn register_blocks_tile_a_block_of_keys_and_panels_a_tile() {
        for target in CpuTarget::ALL {
            let schedule = Schedule::new(ElementType::F32, 64, &target);
            assert_eq!(schedule.block_keys % schedule.rows, 0);
            assert_eq!(TILE_QUERIES % schedule.panel_queries(), 0);
            // A row more than the last key's is written where keys are odd in number.
            assert_eq!(schedule.block_keys % 2, 0);
        }
    }
}
