//! [`Schedule`]: how a thread block attends, and what that takes.

use crate::nvidia::{Arithmetic, CHUNK, CHUNK_BYTES, ChunkRows, MMA, Stages, tile_bytes};
use crate::{NvidiaTarget, WARP};

/// Bytes of a segment.
pub(super) const SEGMENT: i64 = 4;

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
    /// Blocks of keys, and of their values, that shared memory holds as they are copied.
    pub stages: i64,
    /// Whether segments of keys are copied, too.
    pub masked: bool,
    /// How warps multiply.
    pub arithmetic: Arithmetic,
}

impl Schedule {
    /// The schedule of heads of that size. Sixteen queries a warp leave registers for the fragments of 128 elements, and give
    /// one image's work to many blocks. Of keys there are as many as leave room for two blocks on a multiprocessor. What is split
    /// is copied to one stage, which is free again when that is done.
    pub(super) fn of(
        (head_size, masked): (i64, bool),
        arithmetic: Arithmetic,
        target: &NvidiaTarget,
    ) -> Self {
        let [many, few] = [64, 32].map(|keys| {
            let one =
                Schedule { head_size, queries: 16, warps: 4, keys, stages: 1, masked, arithmetic };
            Schedule { stages: if one.parts() > 1 { 1 } else { 2 }, ..one }
        });
        let has_registers = many.parts() == 1 || head_size <= 64;
        if has_registers && many.fits_twice(target) { many } else { few }
    }

    /// Whether the shared memory of a multiprocessor, of which each block takes one KiB more, has room for two blocks.
    fn fits_twice(&self, target: &NvidiaTarget) -> bool {
        const RESERVED: i64 = 1 << 10;
        2 * (self.shared_bytes() + RESERVED) <= target.shared_bytes + RESERVED
    }

    /// How many bf16 or f16 a number is the sum of.
    pub(super) fn parts(&self) -> i64 {
        match self.arithmetic {
            Arithmetic::Bf16 | Arithmetic::F16 => 1,
            Arithmetic::ThreeBf16 | Arithmetic::Tf32 => 2,
        }
    }

    /// Whether the fragments of queries stay in registers.
    pub(super) fn holds_queries(&self) -> bool {
        self.parts() == 1
    }

    /// Blocks whose registers a multiprocessor has: of small heads that nothing is fused into three, and of others two.
    pub(super) fn blocks_at_once(&self, is_rotary: bool) -> i64 {
        let is_small = self.head_size <= 72 && self.parts() == 1;
        if is_small && !is_rotary && !self.masked { 3 } else { 2 }
    }

    /// Threads of a block.
    pub(super) fn threads(&self) -> i64 {
        WARP * self.warps
    }

    /// Queries of a tile.
    pub(super) fn tile_queries(&self) -> i64 {
        self.queries * self.warps
    }

    /// How a head of a token lies in shared memory, of each part.
    pub(super) fn rows(&self) -> ChunkRows {
        ChunkRows::of(self.head_size / CHUNK)
    }

    /// Products of a warp along its queries.
    pub(super) fn row_products(&self) -> usize {
        (self.queries / MMA[0]) as usize
    }

    /// Products of a warp along the keys of a block.
    pub(super) fn key_products(&self) -> usize {
        (self.keys / MMA[1]) as usize
    }

    /// Products along the elements of a head whose columns are those of keys; the last may be of half the depth.
    pub(super) fn head_steps(&self) -> i64 {
        (self.head_size + MMA[2] - 1) / MMA[2]
    }

    /// Products of a warp along the elements of a head, as columns of the answer.
    pub(super) fn head_products(&self) -> usize {
        (self.head_size / MMA[1]) as usize
    }

    /// How a head lies that is copied.
    pub(super) fn copied_rows(&self) -> ChunkRows {
        ChunkRows::of(self.head_size * self.arithmetic.element().bytes() / CHUNK_BYTES)
    }

    /// Bytes of a part of the queries of a tile.
    pub(super) fn queries_bytes(&self) -> i64 {
        tile_bytes(self.rows(), self.tile_queries(), self.threads())
    }

    /// Bytes of a part of the keys of a block, or of their values.
    pub(super) fn keys_bytes(&self) -> i64 {
        tile_bytes(self.rows(), self.keys, self.threads())
    }

    /// Passes of the threads over the segments of a block's keys.
    pub(super) fn segment_passes(&self) -> i64 {
        if self.masked { (self.keys + self.threads() - 1) / self.threads() } else { 0 }
    }

    /// Where a block of keys lies that is multiplied: behind the queries.
    pub(super) fn block_at(&self) -> i64 {
        self.parts() * self.queries_bytes()
    }

    /// Where in such a block the parts of values begin, behind those of keys.
    pub(super) fn values_at(&self) -> i64 {
        self.parts() * self.keys_bytes()
    }

    /// Where in such a block the segments of its keys begin.
    pub(super) fn segments_at(&self) -> i64 {
        2 * self.values_at()
    }

    /// Bytes of such a block.
    fn block_bytes(&self) -> i64 {
        self.segments_at() + self.segments_bytes()
    }

    fn segments_bytes(&self) -> i64 {
        SEGMENT * self.segment_passes() * self.threads()
    }

    /// Where the stages begin: what is not split is multiplied where it was copied to.
    pub(super) fn stages_at(&self) -> i64 {
        let split = if self.parts() > 1 { self.block_bytes() } else { 0 };
        self.block_at() + split
    }

    /// Where in a stage the values begin, behind the keys.
    pub(super) fn copied_values_at(&self) -> i64 {
        tile_bytes(self.copied_rows(), self.keys, self.threads())
    }

    /// Where in a stage the segments of its keys begin.
    pub(super) fn copied_segments_at(&self) -> i64 {
        2 * self.copied_values_at()
    }

    /// Bytes of a stage, which has room for the queries, too, where these are split.
    pub(super) fn stage_bytes(&self) -> i64 {
        self.copied_segments_at() + self.segments_bytes()
    }

    /// Where the stages lie, which blocks of keys take in turn.
    pub(super) fn stages_in_turn(&self) -> Stages {
        Stages { first: self.stages_at(), count: self.stages, bytes: self.stage_bytes() }
    }

    /// Bytes of shared memory of a block.
    pub(super) fn shared_bytes(&self) -> i64 {
        self.stages_at() + self.stages * self.stage_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn every_gpu_has_room_for_a_block_and_for_two_of_16_bits() {
        for head_size in (8..=128).step_by(8) {
            for target in NvidiaTarget::ALL {
                let of = |arithmetic| Schedule::of((head_size, true), arithmetic, &target);
                assert!(of(Arithmetic::Bf16).fits_twice(&target), "{head_size}: {}", target.name);
                let bytes = of(Arithmetic::ThreeBf16).shared_bytes();
                assert!(bytes <= target.shared_bytes, "{head_size}: {bytes}");
            }
        }
    }

    #[test]
    fn what_is_split_has_the_same_room_however_it_is_copied() {
        for head_size in (8..=128).step_by(8) {
            let target = NvidiaTarget::SM_86;
            let schedule = Schedule::of((head_size, false), Arithmetic::ThreeBf16, &target);
            let rows = schedule.copied_rows();
            let queries = tile_bytes(rows, schedule.tile_queries(), schedule.threads());
            assert!(queries <= schedule.stage_bytes(), "{head_size}");
        }
    }
}
