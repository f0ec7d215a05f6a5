//! [`Schedule`]: how a thread block attends, and what that takes.

use crate::WARP;
use crate::nvidia::{CHUNK, ChunkRows, MMA, tile_bytes};

/// Bytes of a segment.
const SEGMENT: i64 = 4;

/// How the queries of a tile and the keys of a block are shared by warps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// Elements of a head: a multiple of 8.
    pub head_size: i64,
    /// Queries of a warp: a multiple of 16.
    pub queries: i64,
    /// Warps of a block.
    pub warps: i64,
    /// Keys of a block: a multiple of 32.
    pub keys: i64,
    /// Blocks of keys, and of their values, that shared memory holds.
    pub stages: i64,
    /// Whether segments of keys are copied, too.
    pub masked: bool,
}

impl Schedule {
    /// The schedule of heads of that size. Sixteen queries a warp leave registers for the fragments of 128 elements, and give
    /// one image's work to many blocks.
    pub(super) fn of(head_size: i64, masked: bool) -> Self {
        Schedule { head_size, queries: 16, warps: 4, keys: 64, stages: 2, masked }
    }

    /// Threads of a block.
    pub(super) fn threads(&self) -> i64 {
        WARP * self.warps
    }

    /// Queries of a tile.
    pub(super) fn tile_queries(&self) -> i64 {
        self.queries * self.warps
    }

    /// How a head of a token lies in shared memory.
    pub(super) fn rows(&self) -> ChunkRows {
        ChunkRows { chunks: self.head_size / CHUNK }
    }

    /// Products of a warp along its queries.
    pub(super) fn row_products(&self) -> usize {
        (self.queries / MMA[0]) as usize
    }

    /// Products of a warp along the keys of a block.
    pub(super) fn key_products(&self) -> usize {
        (self.keys / MMA[1]) as usize
    }

    /// Products of a warp along the elements of a head.
    pub(super) fn head_products(&self) -> usize {
        (self.head_size / MMA[1]) as usize
    }

    /// Bytes of the queries of a tile.
    fn queries_bytes(&self) -> i64 {
        tile_bytes(self.rows(), self.tile_queries(), self.threads())
    }

    /// Bytes of the keys of a block, or of their values.
    fn keys_bytes(&self) -> i64 {
        tile_bytes(self.rows(), self.keys, self.threads())
    }

    /// Passes of the threads over the segments of a block's keys.
    pub(super) fn segment_passes(&self) -> i64 {
        if self.masked { (self.keys + self.threads() - 1) / self.threads() } else { 0 }
    }

    /// Where the stages begin, behind the queries.
    pub(super) fn stages_at(&self) -> i64 {
        self.queries_bytes()
    }

    /// Where in a stage the values begin, behind the keys.
    pub(super) fn values_at(&self) -> i64 {
        self.keys_bytes()
    }

    /// Where in a stage the segments of its keys begin.
    pub(super) fn segments_at(&self) -> i64 {
        2 * self.keys_bytes()
    }

    /// Bytes of a stage.
    pub(super) fn stage_bytes(&self) -> i64 {
        self.segments_at() + SEGMENT * self.segment_passes() * self.threads()
    }

    /// Bytes of shared memory of a block.
    pub(super) fn shared_bytes(&self) -> i64 {
        self.stages_at() + self.stages * self.stage_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NvidiaTarget;

    #[test]
    fn two_blocks_fit_the_shared_memory_of_every_gpu_up_to_heads_of_96() {
        for head_size in (8..=128).step_by(8) {
            let bytes = Schedule::of(head_size, true).shared_bytes();
            for target in NvidiaTarget::ALL {
                assert!(bytes <= target.shared_bytes, "{head_size}: {bytes}");
                assert!(head_size > 72 || 2 * (bytes + 1024) <= target.shared_bytes + 1024);
            }
        }
    }
}
