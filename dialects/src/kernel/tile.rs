//! [`GemmTile`]: the block of a gemm's result that is one tile, and how warps compute it where they do.
//!
//! ```mlir
//! {tile_rows = 96, tile_columns = 64}
//! {tile_rows = 128, tile_columns = 128, tile_depth = 64, warp_rows = 2, warp_columns = 2, warp_slices = 1, stages = 3,
//!  group_rows = 8}
//! ```

use crate::venc::ParseError;
use crate::venc::reader::Reader;
use std::fmt;

/// The block of a gemm's result that is one tile: the unit of work that a target hands out. A CPU's worker computes it
/// from rows packed in its cache, a GPU's thread block from rows staged in its shared memory. Small tiles keep many
/// units busy where there are few rows; large ones read each operand less often. A kernel family may round it to what
/// its registers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GemmTile {
    /// Rows of the result.
    pub rows: i64,
    /// Columns of the result; where there is a gate, of the product.
    pub columns: i64,
    /// How warps compute it, where they do; else one worker does, from packed rows.
    pub warps: Option<WarpTiling>,
}

/// How the warps of a thread block compute a tile: a step along k of both operands is copied to shared memory while
/// earlier ones are multiplied, and each warp has a block of the tile, all of a step or a slice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WarpTiling {
    /// Columns of both operands that are copied at once.
    pub depth: i64,
    /// Blocks of rows.
    pub rows: i64,
    /// Blocks of columns.
    pub columns: i64,
    /// Slices of a step's depth: warps that share a block and add their sums at the end.
    pub slices: i64,
    /// Steps in shared memory at the same time.
    pub stages: i64,
    /// Rows of tiles in a group, whose tiles go down before they go across: they read the same columns of the weight while those
    /// are in the second-level cache, and then the next columns while the group's rows of x are.
    pub group: i64,
}

/// The sizes of a [`WarpTiling`], by their names in attributes.
const WARP_SIZES: [&str; 6] =
    ["tile_depth", "warp_rows", "warp_columns", "warp_slices", "stages", "group_rows"];

impl WarpTiling {
    /// As [`WARP_SIZES`] names them.
    fn sizes(&self) -> [i64; WARP_SIZES.len()] {
        let WarpTiling { depth, rows, columns, slices, stages, group } = *self;
        [depth, rows, columns, slices, stages, group]
    }

    fn read(reader: &Reader<'_>) -> Result<Self, ParseError> {
        let mut sizes = [0; WARP_SIZES.len()];
        for (size, name) in sizes.iter_mut().zip(WARP_SIZES) {
            *size = reader.integer(name)?;
        }
        let [depth, rows, columns, slices, stages, group] = sizes;
        Ok(WarpTiling { depth, rows, columns, slices, stages, group })
    }
}

impl GemmTile {
    /// What suits most sizes. On two units, half the columns of what reads its operands least often lose nothing in rate,
    /// and the worker that is done first waits for half as long.
    pub const DEFAULT: GemmTile = GemmTile::packed(96, 64);

    /// A tile that one worker computes from packed rows.
    pub const fn packed(rows: i64, columns: i64) -> Self {
        GemmTile { rows, columns, warps: None }
    }

    /// Its sizes, by their names in attributes.
    pub(super) fn sizes(&self) -> Vec<(&'static str, i64)> {
        let mut sizes = vec![("tile_rows", self.rows), ("tile_columns", self.columns)];
        if let Some(warps) = &self.warps {
            sizes.extend(WARP_SIZES.into_iter().zip(warps.sizes()));
        }
        sizes
    }

    /// Reads it: the warps, where one of their sizes is given.
    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, ParseError> {
        let [rows, columns] = [reader.integer("tile_rows")?, reader.integer("tile_columns")?];
        if WARP_SIZES.iter().all(|name| reader.optional(name).is_none()) {
            return Ok(GemmTile::packed(rows, columns));
        }
        let warps = WarpTiling::read(reader)?;
        Ok(GemmTile { rows, columns, warps: Some(warps) })
    }
}

impl Default for GemmTile {
    fn default() -> Self {
        GemmTile::DEFAULT
    }
}

/// `96 x 64`, or `128 x 128 x 64, warps 2 x 2, stages 3, groups of 8`; warps that share k are a third number.
impl fmt::Display for GemmTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GemmTile { rows, columns, warps } = self;
        write!(f, "{rows} x {columns}")?;
        let Some(WarpTiling { depth, rows, columns, slices, stages, group }) = warps else {
            return Ok(());
        };
        write!(f, " x {depth}, warps {rows} x {columns}")?;
        if *slices > 1 {
            write!(f, " x {slices}")?;
        }
        write!(f, ", stages {stages}, groups of {group}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_reads_as_what_computes_it() {
        assert_eq!(GemmTile::DEFAULT.to_string(), "96 x 64");
        let warps = WarpTiling { depth: 64, rows: 1, columns: 2, slices: 2, stages: 8, group: 16 };
        let tile = GemmTile { rows: 32, columns: 128, warps: Some(warps) };
        assert_eq!(tile.to_string(), "32 x 128 x 64, warps 1 x 2 x 2, stages 8, groups of 16");
        let unshared = GemmTile { warps: Some(WarpTiling { slices: 1, ..warps }), ..tile };
        assert_eq!(unshared.to_string(), "32 x 128 x 64, warps 1 x 2, stages 8, groups of 16");
    }
}
