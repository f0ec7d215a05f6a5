//! [`Cut`]: the values that bound the parts of a range. These are
//!
//! - steps of a symbol, or
//! - a size that several make, such as the rows `images*tokens` that a gemm works on. Its tiles run in waves that end where
//!   this size does, whatever the symbols are: along it a few borders do for what would be a staircase of boxes.

use super::axes::{AXES, Axes, Position, scattered};
use super::borders::Line;
use super::grid::Grid;
use super::partition::Part;
use crate::error::RewriteError;
use ocellus_dialects::symbolic::{Dim, Polynomial, Region, SymbolRange};

/// What the range is cut along.
pub struct Cut(Vec<Along>);

/// Values that bound a part.
#[derive(Clone)]
pub enum Along {
    /// Steps along an axis.
    Axis(usize),
    /// The values of a dimension, and how they come from those of the symbols.
    Extent(Dim, Polynomial),
}

/// Sizes with values in these ranges, ends included, one range for each that the range is cut along; and the program for
/// them.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounded {
    /// The least and the greatest value of each.
    pub bounds: Vec<[i64; 2]>,
    /// The program.
    pub program: usize,
}

/// The least and the greatest step along each axis.
pub type Within = [[i64; 2]; AXES];

/// The bounds of a part that values do not bound.
pub const EVERY: [i64; 2] = [i64::MIN, i64::MAX];

impl Bounded {
    /// Whether a size with those values lies in it.
    pub fn holds(&self, values: &[i64]) -> bool {
        self.bounds.iter().zip(values).all(|([from, to], value)| (from..=to).contains(&value))
    }

    /// Whether a sample lies in it: values are by what is cut along, then by sample.
    pub fn holds_sample(&self, values: &[Vec<i64>], sample: usize) -> bool {
        let mut bounds = self.bounds.iter().zip(values);
        bounds.all(|([from, to], values)| (*from..=*to).contains(&values[sample]))
    }
}

impl From<Part> for Bounded {
    fn from(part: Part) -> Self {
        Bounded { bounds: vec![part.rows, part.columns], program: part.program }
    }
}

impl Cut {
    /// A cut along all of those.
    pub fn new(along: Vec<Along>) -> Self {
        Cut(along)
    }

    /// The values of all samples: of each that is cut along, then of each sample.
    pub fn samples(&self, grid: &Grid) -> Vec<Vec<i64>> {
        let values = |along: &Along| match along {
            Along::Axis(axis) => (0..grid.len()).map(|index| grid.position(index)[*axis]).collect(),
            Along::Extent(_, value) => grid.values(value),
        };
        self.0.iter().map(values).collect()
    }

    /// What is cut along has these values at a position. None falls with the step along an axis. No memory holds what an
    /// integer does not count: such sizes are one.
    pub fn values(&self, axes: &Axes, position: Position) -> Result<Vec<i64>, RewriteError> {
        self.0.iter().map(|along| along.value(axes, position)).collect()
    }

    /// Steps along each axis between which all of a part lies: what makes the others as small or as great as they get
    /// bounds each.
    pub fn within(&self, axes: &Axes, part: &Bounded) -> Result<Within, RewriteError> {
        let steps = self.steps(axes, part);
        let mut within = steps;
        for (axis, reached) in within.iter_mut().enumerate() {
            for (along, bounds) in self.bounds(part) {
                let value = |at: Position| along.value(axes, at);
                let ends = [1, 0].map(|end| steps.map(|steps| steps[end]));
                let [from, to] = *reached;
                let line = |fixed| Line { axis, fixed, from, to };
                let [max, min] = ends.map(line);
                let first = max.first_with(&value, bounds[0])?;
                let end = min.first_with(&value, bounds[1].saturating_add(1))?;
                *reached = [first.min(to), (end - 1).max(first.min(to))];
            }
        }
        Ok(within)
    }

    /// A position of a part inside those steps, one for each number; none where none is found. All but the step along one
    /// axis is drawn, and that is bisected for. Where sizes that do not move along the first axis bound the part, the steps
    /// along the second are every other time drawn from those within their bounds, and the first axis is the one.
    pub fn scattered(
        &self,
        axes: &Axes,
        (part, within): (&Bounded, &Within),
        number: usize,
    ) -> Result<Option<Position>, RewriteError> {
        let within = *within;
        let bounds: Vec<(&Along, [i64; 2])> = self.bounds(part).collect();
        let (moving, still): (Vec<_>, Vec<_>) =
            bounds.iter().copied().partition(|(along, _)| along.moves(axes));
        let mut position = scattered(number, within);
        let has_still = still.iter().any(|(along, _)| matches!(along, Along::Extent(..)));
        let lines = match has_still && number.is_multiple_of(2) {
            true => vec![(1, still), (0, moving)],
            false => vec![(1, bounds.clone())],
        };
        for (axis, bounds) in lines {
            let [mut first, mut last] = within[axis];
            for (along, [min, max]) in bounds {
                let line = Line { axis, fixed: position, from: first, to: last };
                let value = |at: Position| along.value(axes, at);
                if min > i64::MIN {
                    first = line.first_with(&value, min)?;
                }
                if max < i64::MAX {
                    last = line.first_with(&value, max + 1)? - 1;
                }
            }
            if first > last {
                return Ok(None);
            }
            let mut between = within;
            between[axis] = [first, last];
            position[axis] = scattered(number, between)[axis];
        }
        Ok(Some(position))
    }

    /// The sizes of a part. What no size can be is not said.
    pub fn region(&self, axes: &Axes, part: &Bounded) -> Region {
        let steps = self.steps(axes, part);
        let range = |(along, [from, to]): (&Along, [i64; 2])| match along {
            Along::Axis(axis) => axes.range(*axis, steps[*axis]),
            Along::Extent(extent, _) => {
                let possible = axes.interval(steps[0], extent);
                let (min, max) = (possible.min.max(from), possible.max.min(to));
                Some((extent.clone(), SymbolRange { min, max, step: 1 }))
            }
        };
        Region::new(self.bounds(part).filter_map(range).collect())
    }

    /// What bounds a part.
    fn bounds(&self, part: &Bounded) -> impl Iterator<Item = (&Along, [i64; 2])> {
        self.0.iter().zip(part.bounds.clone()).filter(|(_, bounds)| *bounds != EVERY)
    }

    /// The steps along each axis between which a part lies.
    fn steps(&self, axes: &Axes, part: &Bounded) -> Within {
        let mut steps = std::array::from_fn(|axis| [0, axes.last_step(axis)]);
        for (along, [from, to]) in self.bounds(part) {
            if let Along::Axis(axis) = along {
                steps[*axis] = [from.max(0), to.min(axes.last_step(*axis))];
            }
        }
        steps
    }
}

impl Along {
    /// The values of a dimension over the symbols of the axes; none where it has others.
    pub fn extent(axes: &Axes, dim: Dim) -> Option<Self> {
        let value = Polynomial::over(&dim, &axes.symbols())?;
        Some(Along::Extent(dim, value))
    }

    /// The value at a position.
    pub fn value(&self, axes: &Axes, position: Position) -> Result<i64, RewriteError> {
        match self {
            Along::Axis(axis) => Ok(position[*axis]),
            Along::Extent(_, value) => {
                Ok(value.checked(&axes.values(position)?).unwrap_or(i64::MAX))
            }
        }
    }

    /// Whether the values change with the step along the first axis.
    fn moves(&self, axes: &Axes) -> bool {
        match self {
            Along::Axis(axis) => *axis == 0,
            Along::Extent(extent, _) => axes.moves(0, extent),
        }
    }
}
