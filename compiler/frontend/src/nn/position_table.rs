//! [`PositionTable`]: learned positions, resampled where the image's grid is not the one they were learned on.

use super::{Grid, Result, Tensor};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{InterpolatePositions, InterpolationFilter};

/// A table with one position for each patch of a grid of `rows` by `cols`.
#[derive(Clone, Copy, Debug)]
pub struct PositionTable {
    pub(super) rows: i64,
    pub(super) cols: i64,
    pub(super) filter: InterpolationFilter,
    pub(super) antialias: bool,
}

impl PositionTable {
    /// A table for that grid, resampled by bicubic interpolation.
    pub fn new(rows: i64, cols: i64) -> Self {
        PositionTable { rows, cols, filter: InterpolationFilter::Bicubic, antialias: false }
    }

    /// The same, low-passed where the table shrinks.
    pub fn antialias(self, antialias: bool) -> Self {
        PositionTable { antialias, ..self }
    }

    /// How many positions the table has.
    pub fn positions(&self) -> i64 {
        self.rows.saturating_mul(self.cols)
    }

    /// `table[positions, n]` on another grid: `[rows*cols, n]`. On its own grid it is itself.
    pub fn resample(&self, table: &Tensor, grid: &Grid) -> Result<Tensor> {
        if grid.rows == Dim::from(self.rows) && grid.cols == Dim::from(self.cols) {
            return Ok(table.clone());
        }
        let op = InterpolatePositions {
            native_rows: self.rows,
            native_cols: self.cols,
            rows: grid.rows.clone(),
            cols: grid.cols.clone(),
            filter: self.filter,
            antialias: self.antialias,
        };
        table.apply(op, &[])
    }
}
