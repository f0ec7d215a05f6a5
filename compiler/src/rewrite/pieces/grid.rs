//! [`Grid`]: the sizes at which programs are priced, and the values of all symbols there.

use super::axes::{AXES, Axes, Position};
use crate::rewrite::error::RewriteError;
use crate::rewrite::real::{LANES, Lanes};
use ocellus_dialects::symbolic::{Dim, Symbol};

/// Steps along each axis, in order, both ends included; positions are all their combinations, the last axis the fastest,
/// and behind them those that are scattered.
pub struct Grid {
    steps: [Vec<i64>; AXES],
    /// Positions between the combinations: none where those are the whole range.
    scattered: Vec<Position>,
    symbols: Vec<Symbol>,
    /// The values of each symbol at each position.
    values: Vec<Vec<i64>>,
}

impl Grid {
    /// The positions of all combinations of steps, and some between them.
    pub fn new(
        axes: &Axes,
        steps: [Vec<i64>; AXES],
        scattered: Vec<Position>,
    ) -> Result<Self, RewriteError> {
        let symbols = axes.symbols();
        let values = vec![vec![]; symbols.len()];
        let mut grid = Grid { steps, scattered, values, symbols };
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
            let at = axes.at(self.position(index))?;
            for (values, symbol) in self.values.iter_mut().zip(&self.symbols) {
                values.push(at.get(symbol).copied().unwrap_or(0));
            }
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
    pub fn values(&self, dim: &Dim) -> Vec<i64> {
        let symbol =
            dim.as_symbol().and_then(|symbol| self.symbols.iter().position(|s| s == symbol));
        if let Some(known) = symbol {
            return self.values[known].clone();
        }
        let terms: Vec<(i64, Vec<Option<usize>>)> = dim
            .terms()
            .map(|(coefficient, factors)| {
                let number = |symbol: &Symbol| self.symbols.iter().position(|s| s == symbol);
                (coefficient, factors.iter().map(number).collect())
            })
            .collect();
        let value = |index: usize| {
            terms.iter().try_fold(0i64, |sum, (coefficient, factors)| {
                let product = factors.iter().try_fold(*coefficient, |product, factor| {
                    product.checked_mul(self.values[(*factor)?][index])
                })?;
                sum.checked_add(product)
            })
        };
        (0..self.len()).map(|index| value(index).unwrap_or(i64::MAX)).collect()
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
