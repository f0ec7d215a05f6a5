//! [`Schedule`]: how a thread block computes a tile, and what that takes.

use super::lane_columns::RUN;
use super::power_of_two_in;
use crate::nvidia::{Arithmetic, CHUNK_BYTES, ChunkRows, MMA, Stages};
use crate::{Layout, NvidiaTarget, Reason, WARP};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{GemmTile, WarpTiling};

/// Rows of shared memory that are read at once, and must be in different banks.
const ROWS_AT_ONCE: i64 = 8;

/// Sums that a thread may keep where the fragments of a whole step fit beside them.
const MOST_SUMS: i64 = 128;

/// A [`GemmTile`] that warps can compute, and the numbers that follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// Rows of a tile.
    pub rows: i64,
    /// Columns of a tile: rows of the weight.
    pub columns: i64,
    /// How warps compute it.
    pub warps: WarpTiling,
    /// How they multiply.
    pub arithmetic: Arithmetic,
}

/// The tiles worth choosing among, the default first, as measured on an H100 (`benches/nvidia/README.md`): many rows, then
/// few. (192 x 256 x 32 by 8 warps is as good as any where its tiles fit the multiprocessors, but the code for sm_90 has no
/// register left for an epilogue then.)
const TILES: [GemmTile; 8] = [
    tile([128, 128, 64], [2, 2, 1], 3),
    tile([128, 256, 32], [2, 4, 1], 4),
    tile([256, 128, 64], [4, 2, 1], 3),
    tile([192, 128, 32], [2, 2, 1], 4),
    tile([64, 256, 64], [1, 4, 1], 3),
    tile([64, 128, 64], [2, 2, 1], 4),
    tile([32, 128, 64], [1, 2, 2], 8),
    tile([32, 64, 64], [1, 1, 2], 12),
];

/// The same for f32. Steps are half as deep, for their elements take twice the shared memory; and fragments of which both
/// parts are kept leave registers for half as many sums.
const F32_TILES: [GemmTile; 5] = [
    tile([128, 128, 32], [2, 4, 1], 3),
    tile([128, 64, 32], [2, 2, 1], 3),
    tile([64, 128, 32], [1, 4, 1], 3),
    tile([64, 64, 32], [2, 2, 1], 4),
    tile([32, 64, 64], [1, 2, 2], 4),
];

const fn tile(
    [rows, columns, depth]: [i64; 3],
    [warp_rows, warp_columns, slices]: [i64; 3],
    stages: i64,
) -> GemmTile {
    let warps =
        WarpTiling { depth, rows: warp_rows, columns: warp_columns, slices, stages, group: GROUP };
    GemmTile { rows, columns, warps: Some(warps) }
}

/// Rows of tiles in a group, where no more are asked for: their rows of x are in the second-level cache of any GPU.
const GROUP: i64 = 8;

/// Rows of tiles in a group that reads a weight which is larger than the cache less often.
const LARGE_GROUP: i64 = 16;

/// Rows of x of a large group: a share of the second-level cache that leaves room for the weight on all but the smallest GPUs.
const LARGE_GROUP_BYTES: i64 = 16 << 20;

/// The same tile in a large group, where its rows of x of that width may be that large.
fn in_large_group(tile: &GemmTile, width: i64, element: ElementType) -> Option<GemmTile> {
    let bytes = LARGE_GROUP * tile.rows * width * element.bytes();
    let warps = tile.warps.filter(|_| tile.rows >= 128 && bytes <= LARGE_GROUP_BYTES)?;
    Some(GemmTile { warps: Some(WarpTiling { group: LARGE_GROUP, ..warps }), ..*tile })
}

/// The same where elements of 16 bits are gathered, or go by way of registers: that takes registers of as many sums.
const GATHERED_TILES: [GemmTile; 3] = [
    tile([128, 128, 64], [2, 4, 1], 3),
    tile([64, 128, 64], [2, 2, 1], 4),
    tile([32, 64, 64], [1, 1, 2], 8),
];

/// The tiles worth choosing among on a GPU for operands that lie so, the default first: those that its shared memory holds, and
/// behind them the same in large groups.
pub(in crate::gemm) fn tiles(
    [x, weight]: [Option<&Layout>; 2],
    result: ElementType,
    target: &NvidiaTarget,
) -> Vec<GemmTile> {
    let element = weight.map_or(ElementType::BF16, |weight| weight.ty.element);
    let are_copied = [x, weight].into_iter().flatten().all(|layout| is_copied(layout, element));
    let all: &[GemmTile] = match element {
        ElementType::F32 => &F32_TILES,
        ElementType::BF16 | ElementType::F16 | ElementType::I32 if are_copied => &TILES,
        ElementType::BF16 | ElementType::F16 | ElementType::I32 => &GATHERED_TILES,
    };
    let arithmetic = Arithmetic::of(element, target).unwrap_or(Arithmetic::Bf16);
    // To write an answer of f32 takes registers that the most sums do not leave.
    let is_wide = result.bytes() > element.bytes();
    let fits = |tile: &&GemmTile| {
        let schedule = Schedule::of(**tile, arithmetic, target);
        schedule.is_ok_and(|schedule| !(is_wide && schedule.is_rolling()))
    };
    let mut tiles: Vec<GemmTile> = all.iter().filter(fits).copied().collect();
    let width = x.and_then(|x| x.ty.width().as_constant());
    let large = tiles.iter().filter_map(|tile| in_large_group(tile, width?, element));
    tiles.extend(large.collect::<Vec<_>>());
    tiles
}

/// Whether rows are copied as they lie, by instructions that take four bytes or more.
fn is_copied(layout: &Layout, element: ElementType) -> bool {
    let columns = layout.ty.width().as_constant().unwrap_or(1);
    let run = power_of_two_in(layout.vector() | columns);
    layout.patches.is_none() && layout.ty.element == element && run * element.bytes() >= 4
}

impl Schedule {
    /// The schedule of a tile, or why no thread block computes it.
    pub(super) fn of(
        tile: GemmTile,
        arithmetic: Arithmetic,
        target: &NvidiaTarget,
    ) -> Result<Self, Reason> {
        let refused = |why: &str| Err(Reason::Unsupported(format!("a tile of {tile} {why}")));
        let Some(warps) = tile.warps else {
            return refused("says nothing of the warps that would compute it");
        };
        let schedule = Schedule { rows: tile.rows, columns: tile.columns, warps, arithmetic };
        let WarpTiling { depth, rows, columns, slices, stages, group } = warps;
        let sizes = [tile.rows, tile.columns, depth, rows, columns, slices, stages, group];
        if !sizes.iter().all(|size| (1..=1024).contains(size)) {
            return refused("has sizes that no thread block has");
        }
        if schedule.warps() > 32 || !(schedule.warps() as u64).is_power_of_two() {
            return refused("needs 1, 2, 4, 8, 16 or 32 warps");
        }
        if !matches!(schedule.row_bytes(), 64 | 128 | 256) || stages < 2 {
            return refused("needs a depth of 64, 128 or 256 bytes and two stages");
        }
        let [warp_rows, warp_columns] = schedule.warp_tile();
        let is_whole = warp_rows * rows == tile.rows && warp_columns * columns == tile.columns;
        if !is_whole || warp_rows % (MMA[0] * slices) != 0 || warp_columns % 32 != 0 {
            return refused("is not cut into whole products of its warps");
        }
        if !(slices as u64).is_power_of_two() || depth % (arithmetic.depth() * slices) != 0 {
            return refused("is not cut into whole slices of its depth");
        }
        if arithmetic.element() == ElementType::F32 && schedule.is_rolling() {
            return refused("has more sums than the fragments of f32 leave registers for");
        }
        let pass = schedule.rows_a_pass();
        if pass % ROWS_AT_ONCE != 0 || tile.rows % pass != 0 || tile.columns % pass != 0 {
            return refused("is not copied in whole passes of its threads");
        }
        if schedule.shared_bytes() > target.shared_bytes {
            let (wanted, most) = (schedule.shared_bytes(), target.shared_bytes);
            return refused(&format!(
                "takes {wanted} bytes of shared memory, and {} has {most}",
                target.name
            ));
        }
        Ok(schedule)
    }

    /// Warps of a block.
    pub(super) fn warps(&self) -> i64 {
        self.warps.rows * self.warps.columns * self.warps.slices
    }

    /// Threads of a block.
    pub(super) fn threads(&self) -> i64 {
        WARP * self.warps()
    }

    /// Rows and columns of a warp's block of the tile.
    pub(super) fn warp_tile(&self) -> [i64; 2] {
        [self.rows / self.warps.rows, self.columns / self.warps.columns]
    }

    /// Products of a warp: along the rows, along the columns, and along the depth of a step.
    pub(super) fn products(&self) -> [i64; 3] {
        let [rows, columns] = self.warp_tile();
        let depth = self.warps.depth / self.arithmetic.depth() / self.warps.slices;
        [rows / MMA[0], columns / MMA[1], depth]
    }

    /// Rows of a warp's block whose sums it stores: warps that share k share these.
    pub(super) fn stored_rows(&self) -> i64 {
        self.warp_tile()[0] / self.warps.slices
    }

    /// Whether the fragments of the weight are read two products ahead, not a whole step: what else would not fit the
    /// registers.
    pub(super) fn is_rolling(&self) -> bool {
        let [rows, columns] = self.warp_tile();
        rows * columns / WARP > MOST_SUMS
    }

    /// Elements of a chunk.
    pub(super) fn chunk(&self) -> i64 {
        self.arithmetic.chunk()
    }

    /// Chunks of a row in shared memory.
    pub(super) fn chunks(&self) -> i64 {
        self.row_bytes() / CHUNK_BYTES
    }

    /// How rows lie in shared memory.
    pub(super) fn chunk_rows(&self) -> ChunkRows {
        ChunkRows::of(self.chunks())
    }

    /// Bytes of a row in shared memory.
    pub(super) fn row_bytes(&self) -> i64 {
        self.warps.depth * self.arithmetic.element().bytes()
    }

    /// Rows that the threads of a block copy at once, a chunk each.
    pub(super) fn rows_a_pass(&self) -> i64 {
        self.threads() / self.chunks()
    }

    /// Where in a stage the rows of the weight begin.
    pub(super) fn weight_at(&self) -> i64 {
        self.rows * self.row_bytes()
    }

    /// Where steps lie, from where shared memory begins.
    pub(super) fn stages(&self) -> Stages {
        Stages { first: 0, count: self.warps.stages, bytes: self.stage_bytes() }
    }

    /// Bytes of a stage.
    pub(super) fn stage_bytes(&self) -> i64 {
        (self.rows + self.columns) * self.row_bytes()
    }

    /// Bytes from one row of an answer in shared memory to the next, where a lane has runs of so many columns: a run of each of four
    /// lanes more than it has, so that rows that are written at once begin in different banks.
    pub(super) fn answer_pitch(&self, columns: i64, run: i64) -> i64 {
        2 * columns + 2 * 4 * run
    }

    /// Bytes of shared memory of a block: the stages, and behind the last product in their place what warps that share k
    /// add, and the answer.
    pub(super) fn shared_bytes(&self) -> i64 {
        let [_, columns] = self.warp_tile();
        let answer = self.warps() * self.stored_rows() * self.answer_pitch(columns, RUN);
        let shared = self.warps.slices > 1;
        let sums = if shared { 4 * self.warps.slices * self.rows * self.columns } else { 0 };
        (self.warps.stages * self.stage_bytes()).max(answer).max(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::TensorType;

    /// The tiles for rows of x and of the weight of that width.
    fn tiles_of([x, weight]: [ElementType; 2], k: i64, target: &NvidiaTarget) -> Vec<GemmTile> {
        tiles_writing(x, [x, weight], k, target)
    }

    fn tiles_writing(
        result: ElementType,
        [x, weight]: [ElementType; 2],
        k: i64,
        target: &NvidiaTarget,
    ) -> Vec<GemmTile> {
        let [x, weight] =
            [x, weight].map(|element| Layout::contiguous(&TensorType::new(element, [64, k])));
        tiles([Some(&x), Some(&weight)], result, target)
    }

    #[test]
    fn no_tile_of_the_most_sums_writes_f32() {
        use ElementType::{BF16, F32};
        let target = NvidiaTarget::SM_80;
        let left = tiles_writing(F32, [BF16; 2], 64, &target);
        let all = tiles_writing(BF16, [BF16; 2], 64, &target);
        let lacking = all.into_iter().filter(|tile| !left.contains(tile));
        let lacking: Vec<(i64, i64)> = lacking.map(|tile| (tile.rows, tile.columns)).collect();
        assert_eq!(lacking, [(192, 128); 2]);
    }

    #[test]
    fn every_gpu_has_tiles_for_many_rows_and_for_few() {
        use ElementType::{BF16, F16, F32};
        for target in NvidiaTarget::ALL {
            for (elements, k, first) in [
                ([BF16; 2], 64, TILES[0]),
                ([F32; 2], 33, F32_TILES[0]),
                ([F32, BF16], 64, GATHERED_TILES[0]),
                ([F16; 2], 33, GATHERED_TILES[0]),
            ] {
                let all = tiles_of(elements, k, &target);
                assert_eq!(all.first(), Some(&first), "{}", target.name);
                assert!(all.iter().any(|tile| tile.rows < 128), "{}", target.name);
            }
        }
        let groups = |tiles: &[GemmTile]| -> Vec<i64> {
            tiles.iter().filter_map(|tile| tile.warps).map(|warps| warps.group).collect()
        };
        for (elements, k, usual, large) in [
            ([F16; 2], 66, &TILES[..], 4),
            ([F16; 2], 4000, &TILES, 2),
            ([F32; 2], 64, &F32_TILES, 2),
        ] {
            let all = tiles_of(elements, k, &NvidiaTarget::SM_80);
            let (first, others) = all.split_at(usual.len());
            assert_eq!(first, usual);
            assert_eq!(groups(others), vec![LARGE_GROUP; large]);
        }
    }

    #[test]
    fn what_no_thread_block_computes_is_refused() {
        let refused = |tile: GemmTile, arithmetic| {
            Schedule::of(tile, arithmetic, &NvidiaTarget::SM_86).unwrap_err().to_string()
        };
        let refusal = |tile: GemmTile| refused(tile, Arithmetic::Bf16);
        assert!(refusal(GemmTile::DEFAULT).contains("says nothing of the warps"));
        for ([rows, columns, depth], warps, stages, why) in [
            (
                [128, 128, 64],
                [2, 2, 1],
                4,
                "takes 131072 bytes of shared memory, and sm_86 has 101376",
            ),
            ([128, 128, 64], [2, 2, 1], 1, "two stages"),
            ([128, 128, 48], [2, 2, 1], 3, "a depth of"),
            ([100, 128, 64], [2, 2, 1], 3, "whole products"),
            ([32, 64, 32], [1, 1, 4], 3, "whole"),
            ([1 << 40, 128, 64], [2, 2, 1], 3, "sizes"),
            ([1024, 1024, 64], [16, 16, 1], 3, "needs 1, 2, 4"),
        ] {
            let refused = refusal(tile([rows, columns, depth], warps, stages));
            assert!(refused.contains(why), "{refused}");
        }
        let many_sums = refused(tile([192, 128, 16], [2, 2, 1], 4), Arithmetic::Tf32);
        assert!(many_sums.contains("more sums than the fragments of f32"), "{many_sums}");
        let deep = refused(tile([32, 64, 32], [1, 1, 4], 3), Arithmetic::ThreeBf16);
        assert!(deep.contains("whole"), "{deep}");
    }

    #[test]
    fn f32_is_multiplied_in_either_way_by_the_same_tiles() {
        for tile in F32_TILES {
            for arithmetic in [Arithmetic::ThreeBf16, Arithmetic::Tf32] {
                Schedule::of(tile, arithmetic, &NvidiaTarget::SM_80).unwrap();
            }
        }
    }

    #[test]
    fn warps_of_many_sums_read_fragments_as_they_go() {
        let is_rolling = |tile: &GemmTile| {
            Schedule::of(*tile, Arithmetic::Bf16, &NvidiaTarget::SM_90).unwrap().is_rolling()
        };
        let rolling: Vec<bool> = TILES.iter().map(is_rolling).collect();
        assert_eq!(rolling, [false, false, false, true, false, false, false, false]);
    }
}
