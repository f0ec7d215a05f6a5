//! [`Cut`]: what the range is cut along. The first symbol cuts it into slabs, and each of them is cut along
//!
//! - the second symbol, or
//! - a size that both make, such as the rows `images*tokens` that a gemm works on. Its tiles run in waves that end where
//!   this size does, whatever the two symbols are: along it a few borders do for what would be a staircase of boxes.

use super::axes::{Axes, Position};
use super::partition::{Layout, Part};
use crate::rewrite::error::RewriteError;
use ocellus_dialects::symbolic::{Dim, Region, SymbolRange};

/// What slabs are cut along, and where the samples lie under it.
pub struct Cut {
    along: Along,
    layout: Layout,
}

enum Along {
    /// Steps of the second symbol.
    Symbol,
    /// The values of a dimension.
    Extent(Dim),
}

impl Cut {
    /// Along the second symbol.
    pub fn along_symbol(axes: &Axes) -> Self {
        let [rows, columns] = axes.grid();
        let column_of = (0..rows.len()).flat_map(|_| 0..columns.len()).collect();
        Cut { along: Along::Symbol, layout: Layout { rows, columns, column_of } }
    }

    /// Along a dimension.
    pub fn along_extent(axes: &Axes, extent: &Dim) -> Result<Self, RewriteError> {
        let [rows, columns] = axes.grid();
        let mut values = vec![];
        for row in &rows {
            for column in &columns {
                values.push(value_of(extent, axes, [*row, *column])?);
            }
        }
        let columns = columns_of(&values);
        let column = |value: &i64| columns.partition_point(|other| other < value);
        let column_of = values.iter().map(column).collect();
        let layout = Layout { rows, columns, column_of };
        Ok(Cut { along: Along::Extent(extent.clone()), layout })
    }

    /// Where the samples lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the range is cut along has this value at a position. It grows with the step along the second axis.
    pub fn value(&self, axes: &Axes, position: Position) -> Result<i64, RewriteError> {
        match &self.along {
            Along::Symbol => Ok(position[1]),
            Along::Extent(extent) => value_of(extent, axes, position),
        }
    }

    /// The first sample of a part, in the order of the rows.
    pub fn least(&self, axes: &Axes, part: &Part) -> Position {
        let grid = axes.grid();
        let Layout { rows, columns, column_of } = &self.layout;
        let each = column_of.len() / rows.len();
        let holds = |ends: [i64; 2], value: i64| (ends[0]..=ends[1]).contains(&value);
        let is_inside = |sample: &usize| {
            holds(part.rows, rows[sample / each])
                && holds(part.columns, columns[column_of[*sample]])
        };
        let first = (0..column_of.len()).find(is_inside).unwrap_or(0);
        [rows[first / each], grid[1][first % each]]
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

/// The value of a dimension at a position. No memory holds what an integer does not count: such sizes are one.
fn value_of(extent: &Dim, axes: &Axes, position: Position) -> Result<i64, RewriteError> {
    Ok(extent.evaluate(&axes.at(position)?).unwrap_or(i64::MAX))
}

/// The values, each once, in order.
fn columns_of(values: &[i64]) -> Vec<i64> {
    let mut columns = values.to_vec();
    columns.sort_unstable();
    columns.dedup();
    columns
}
