//! [`Grid`]: the sizes at which programs are evaluated, and the values of all symbols there.

use super::axes::{AXES, Axes, Position};
use crate::error::RewriteError;
use crate::real::{LANES, Lanes};
use ocellus_dialects::symbolic::Polynomial;

/// Steps along each axis, in order, both ends included; positions are all their combinations, the last axis the fastest,
/// and behind them those that are scattered.
pub struct Grid {
    steps: [Vec<i64>; AXES],
    /// Positions between the combinations: none where those are the whole range.
    scattered: Vec<Position>,
    /// The values of each symbol at each position.
    values: Vec<Vec<i64>>,
}

impl Grid {
    /// Where programs are evaluated.
    pub fn of(axes: &Axes) -> Result<Self, RewriteError> {
        let (steps, scattered) = axes.samples();
        Grid::new(axes, steps, scattered)
    }

    /// The positions of all combinations of steps, and some between them.
    pub fn new(
        axes: &Axes,
        steps: [Vec<i64>; AXES],
        scattered: Vec<Position>,
    ) -> Result<Self, RewriteError> {
        let values = vec![vec![]; axes.symbols().len()];
        let mut grid = Grid { steps, scattered, values };
        grid.bind(axes, 0)?;
        Ok(grid)
    }

    /// Adds positions behind the others.
    pub fn scatter(&mut self, axes: &Axes, positions: Vec<Position>) -> Result<(), RewriteError> {
        let known = self.len();
        self.scattered.extend(positions);
        self.bind(axes, known)
    }

    /// Takes down the values of the symbols at the positions from `first` on.
    fn bind(&mut self, axes: &Axes, first: usize) -> Result<(), RewriteError> {
        for index in first..self.len() {
            let at = axes.values(self.position(index))?;
            self.values.iter_mut().zip(at).for_each(|(values, value)| values.push(value));
        }
        Ok(())
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        self.combinations() + self.scattered.len()
    }

    /// Whether these are all sizes of the range.
    pub fn is_everywhere(&self) -> bool {
        self.scattered.is_empty()
    }

    fn combinations(&self) -> usize {
        self.steps.iter().map(Vec::len).product()
    }

    /// The steps along an axis.
    pub fn steps(&self, axis: usize) -> &[i64] {
        &self.steps[axis]
    }

    /// The index of a position, where it is a combination of steps.
    pub fn index(&self, position: Position) -> Option<usize> {
        self.steps.iter().zip(position).try_fold(0, |index, (steps, step)| {
            Some(index * steps.len() + steps.binary_search(&step).ok()?)
        })
    }

    /// The position with that index.
    pub fn position(&self, index: usize) -> Position {
        if let Some(scattered) = index.checked_sub(self.combinations()) {
            return self.scattered[scattered];
        }
        let [_, columns, layers] = [0, 1, 2].map(|axis| self.steps[axis].len());
        let steps = [index / layers / columns, index / layers % columns, index % layers];
        [0, 1, 2].map(|axis| self.steps[axis][steps[axis]])
    }

    /// The combination before one along an axis, where there is one.
    pub fn before(&self, index: usize, axis: usize) -> Option<usize> {
        if index >= self.combinations() {
            return None;
        }
        let distance: usize = self.steps[axis + 1..].iter().map(Vec::len).product();
        let is_first = (index / distance).is_multiple_of(self.steps[axis].len());
        (!is_first).then(|| index - distance)
    }

    /// A dimension at every position. No memory holds what an integer does not count: such sizes are one.
    pub fn values(&self, dim: &Polynomial) -> Vec<i64> {
        let mut at = vec![0; self.values.len()];
        let value = |index: usize| {
            at.iter_mut().zip(&self.values).for_each(|(at, values)| *at = values[index]);
            dim.checked(&at).unwrap_or(i64::MAX)
        };
        (0..self.len()).map(value).collect()
    }

    /// The values of the symbols at several positions side by side, all positions from `first` on in turn; and how many
    /// positions these are. The last are filled up with the last position.
    pub fn lanes(&self, first: usize) -> impl Iterator<Item = (Vec<Lanes>, usize)> {
        let end = self.len();
        (first..end).step_by(LANES).map(move |first| {
            let value = |values: &Vec<i64>, lane: usize| values[(first + lane).min(end - 1)] as f64;
            let lanes = |values| Lanes(std::array::from_fn(|lane| value(values, lane)));
            (self.values.iter().map(lanes).collect(), LANES.min(end - first))
        })
    }
}
