//! [`Cut`]: what the range is cut along. The first symbol cuts it into slabs, and each of them is cut along
//!
//! - the second symbol, or
//! - a size that several make, such as the rows `images*tokens` that a gemm works on. Its tiles run in waves that end where
//!   this size does, whatever the symbols are: along it a few borders do for what would be a staircase of boxes.

use super::axes::{Axes, Position, scattered};
use super::borders::Line;
use super::grid::Grid;
use super::partition::{Layout, Part};
use crate::rewrite::error::RewriteError;
use ocellus_dialects::symbolic::{Dim, Region, SymbolRange};

/// What slabs are cut along, and where the samples lie under it.
pub struct Cut {
    along: Along,
    layout: Layout,
}

/// What a slab is cut along.
#[derive(Clone)]
pub enum Along {
    /// Steps of the second symbol.
    Symbol,
    /// The values of a dimension.
    Extent(Dim),
}

impl Cut {
    /// The samples of a grid under what is cut along.
    pub fn new(along: Along, grid: &Grid) -> Self {
        let values: Vec<i64> = match &along {
            Along::Symbol => (0..grid.len()).map(|index| grid.position(index)[1]).collect(),
            Along::Extent(extent) => grid.values(extent),
        };
        let rows = (0..grid.len()).map(|index| grid.position(index)[0]);
        let samples: Vec<(i64, i64)> = rows.zip(values).collect();
        Cut { along, layout: Layout::new(grid.steps(0).to_vec(), &samples) }
    }

    /// What slabs are cut along.
    pub fn along(&self) -> Along {
        self.along.clone()
    }

    /// Where the samples lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the range is cut along has this value at a position. It grows with the step along the second axis. No memory
    /// holds what an integer does not count: such sizes are one.
    pub fn value(&self, axes: &Axes, position: Position) -> Result<i64, RewriteError> {
        match &self.along {
            Along::Symbol => Ok(position[1]),
            Along::Extent(extent) => Ok(extent.evaluate(&axes.at(position)?).unwrap_or(i64::MAX)),
        }
    }

    /// A position inside a part, one for each number; none where no step along the second axis leads there.
    pub fn scattered(
        &self,
        axes: &Axes,
        part: &Part,
        number: usize,
    ) -> Result<Option<Position>, RewriteError> {
        let mut within = [0, 1, 2].map(|axis| [0, axes.last_step(axis)]);
        within[0] = part.rows;
        let position = scattered(number, within);
        // Along the line through the position, the steps with a value of the part.
        let line = |from: i64| Line { axis: 1, fixed: position, from, to: within[1][1] };
        let value = |at: Position| self.value(axes, at);
        let first = line(0).first_with(&value, part.columns[0])?;
        let end = line(first).first_with(&value, part.columns[1].saturating_add(1))?;
        within[1] = [first, end - 1];
        let [row, _, layer] = position;
        let is_empty = first >= end;
        Ok((!is_empty).then(|| [row, scattered(number, within)[1], layer]))
    }

    /// The sizes of a part.
    pub fn region(&self, axes: &Axes, part: &Part) -> Region {
        let row = axes.range(0, part.rows);
        let along = match &self.along {
            Along::Symbol => axes.range(1, part.columns),
            Along::Extent(extent) => {
                // What no size of these rows can be is not said.
                let possible = axes.interval(part.rows, extent);
                let min = part.columns[0].max(possible.min);
                let max = part.columns[1].min(possible.max);
                Some((extent.clone(), SymbolRange { min, max, step: 1 }))
            }
        };
        Region::new(row.into_iter().chain(along).collect())
    }
}
