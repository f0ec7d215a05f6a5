//! How a gemm's work is divided among tiles, and a tile's among calls of the micro-kernel.

use super::{CHUNK_BYTES, MicroKernel};

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

/// What packed rows may take of the second-level cache (1 MiB on Zen 4 and 5, 2 MiB on Sapphire Rapids); the rest is
/// for a panel of the weight.
const PACKED_BYTES: i64 = 384 << 10;

/// Rows of a block at most, so that a small batch still has tiles for many workers.
const MOST_ROWS: i64 = 96;

/// Panels of columns in a tile.
const TILE_PANELS: i64 = 4;

impl Schedule {
    /// The schedule for that many columns of x.
    pub fn new(kernel: MicroKernel, k: i64) -> Self {
        let chunks = kernel.chunks(k);
        let panel_bytes = kernel.row_panel_bytes(chunks);
        let most = MOST_ROWS / kernel.rows;
        let panels = (PACKED_BYTES / panel_bytes).clamp(1, most);
        let block_rows = panels * kernel.rows;
        Schedule { kernel, block_rows, tile_columns: TILE_PANELS * kernel.columns, chunks }
    }

    /// Bytes of a worker's scratch: packed rows, then one result of the micro-kernel.
    pub fn scratch_bytes(&self) -> i64 {
        self.packed_bytes() + self.kernel.result_bytes()
    }

    /// Bytes of a block's packed rows.
    pub fn packed_bytes(&self) -> i64 {
        self.block_rows * self.chunks * CHUNK_BYTES
    }
}
