//! How a gemm's work is divided among tiles, and a tile's among calls of the micro-kernel.

use super::{MicroKernel, PanelFormat};
use crate::{CpuTarget, Layout};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::GemmTile;

/// A tile is a block of rows by a group of columns. Tiles go along the columns first: the rows, packed once, stay in the
/// second-level cache while the weight streams by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// What computes a panel of rows by a panel of columns.
    pub kernel: MicroKernel,
    /// Rows of a block, at most. Blocks share the panels of rows evenly.
    pub block_rows: i64,
    /// Columns of a tile.
    pub tile_columns: i64,
    /// Chunks along k.
    pub chunks: i64,
}

/// What packed rows may take: most of a second-level cache (1 MiB on Zen 4 and 5, 2 MiB on Sapphire Rapids), through
/// which the weight passes. Each block of rows reads all of the weight, so a deep k wants room for many rows: at 24 of
/// them with k = 3072, a Sapphire Rapids waits for its memory and does 340 GFLOP/s, at 48 and more 400.
const PACKED_BYTES: i64 = 896 << 10;

const PAGE_BYTES: i64 = 4096;

/// The tiles worth choosing among, the default first. Few columns give many workers something to do where there are
/// few rows; many columns, or many rows, read the other operand less often.
const VECTOR_TILES: [GemmTile; 6] = [
    GemmTile::DEFAULT,
    GemmTile::packed(96, 32),
    GemmTile::packed(96, 128),
    GemmTile::packed(96, 256),
    GemmTile::packed(48, 64),
    GemmTile::packed(24, 256),
];

/// The same for products in AMX tiles, where more panels of rows meet a panel of columns while it is in the first-level cache.
const AMX_TILES: [GemmTile; 6] = [
    GemmTile::DEFAULT,
    GemmTile::packed(32, 128),
    GemmTile::packed(128, 128),
    GemmTile::packed(256, 64),
    GemmTile::packed(256, 128),
    GemmTile::packed(256, 512),
];

/// The tiles worth choosing among for a product of x, stored as `rows`, and a weight `[n, k]`, stored as `weight`: the
/// default first, and none of which another does the same.
pub fn tiles(
    k: i64,
    n: i64,
    (rows, weight): (ElementType, ElementType),
    target: &CpuTarget,
) -> Vec<GemmTile> {
    let kernel = MicroKernel::new(PanelFormat::of(rows, weight, target), target);
    let mut schedules: Vec<(i64, i64)> = vec![];
    let different = |tile: &GemmTile| {
        let schedule = Schedule::new(kernel, k, *tile);
        let shape = (schedule.block_rows, schedule.tile_columns.min(n));
        let is_new = !schedules.contains(&shape);
        schedules.push(shape);
        is_new
    };
    let all = match kernel.format {
        PanelFormat::Bf16Tiles => AMX_TILES,
        PanelFormat::F32 | PanelFormat::Widened(_) | PanelFormat::Bf16Pairs => VECTOR_TILES,
    };
    all.into_iter().filter(different).collect()
}

/// The tiles worth choosing among for operands that lie so; the default alone where their sizes are not known.
pub(crate) fn tiles_of(
    x: Option<&Layout>,
    weight: Option<&Layout>,
    target: &CpuTarget,
) -> Vec<GemmTile> {
    let (Some(x), Some(weight)) = (x, weight) else { return vec![GemmTile::DEFAULT] };
    match (weight.ty.width().as_constant(), weight.ty.rows().as_constant()) {
        (Some(k), Some(n)) => tiles(k, n, (x.ty.element, weight.ty.element), target),
        _ => vec![GemmTile::DEFAULT],
    }
}

impl Schedule {
    /// The schedule of that tile for that many columns of x: rounded up to panels, as many rows of them as the cache
    /// has room for.
    pub fn new(kernel: MicroKernel, k: i64, tile: GemmTile) -> Self {
        let chunks = kernel.chunks(k);
        let panel_bytes = kernel.row_panel_bytes(chunks);
        let panels = |elements: i64, panel: i64| (elements.max(1) - 1) / panel + 1;
        let max = (PACKED_BYTES / panel_bytes).max(1);
        let block_rows = panels(tile.rows, kernel.rows).min(max) * kernel.rows;
        let tile_columns = panels(tile.columns, kernel.columns) * kernel.columns;
        Schedule { kernel, block_rows, tile_columns, chunks }
    }

    /// Where in a worker's scratch the packed rows lie: behind the number of their block, at the next page. (One line
    /// behind it, all products took a quarter longer on a Sapphire Rapids.)
    pub fn packed_at(&self) -> i64 {
        PAGE_BYTES
    }

    /// Where the sums lie.
    pub fn sums_at(&self) -> i64 {
        self.packed_at() + self.packed_bytes()
    }

    /// Bytes of all.
    pub fn scratch_bytes(&self) -> i64 {
        self.sums_at() + self.kernel.scratch_bytes()
    }

    /// Bytes of a block's packed rows.
    pub fn packed_bytes(&self) -> i64 {
        self.block_rows * self.chunks * self.kernel.chunk_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ElementType::{BF16, F32};

    #[test]
    fn the_usual_tile_comes_first_and_no_two_do_the_same() {
        for target in CpuTarget::ALL {
            for element in [F32, BF16] {
                let all = tiles(768, 768, (element, element), &target);
                assert_eq!(all.first(), Some(&GemmTile::DEFAULT));
                assert!((4..=6).contains(&all.len()), "{all:?}");
            }
            // One panel of columns holds the whole result, and rows of 8192 numbers fill the cache in one panel.
            assert_eq!(tiles(8192, 10, (F32, F32), &target), [GemmTile::DEFAULT]);
        }
    }

    #[test]
    fn tiles_are_whole_panels_that_fit_the_cache() {
        let target = CpuTarget::X86_64_V4;
        let kernel = MicroKernel::new(PanelFormat::F32, &target);
        let of = |k, rows, columns| {
            let schedule = Schedule::new(kernel, k, GemmTile::packed(rows, columns));
            (schedule.block_rows, schedule.tile_columns)
        };
        assert_eq!(of(768, 96, 128), (96, 128));
        assert_eq!(of(768, 1, 33), (12, 64));
        assert_eq!(of(3072, 96, 128), (72, 128));
        assert!(Schedule::new(kernel, 3072, GemmTile::DEFAULT).packed_bytes() <= PACKED_BYTES);
    }
}
