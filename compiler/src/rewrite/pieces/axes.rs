//! [`Axes`]: the symbols that cut the range, and the sizes at which it is looked at.

use super::partition::Rectangle;
use crate::rewrite::error::RewriteError;
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};

/// Steps along the two axes: `[0, 0]` is the least size of everything.
pub type Position = [i64; 2];

/// Below this many steps every size is looked at; above it, a few for each doubling.
const DENSE_STEPS: i64 = 32;

/// Sizes that are looked at for each doubling.
const SAMPLES_A_DOUBLING: i32 = 4;

/// The free symbols as two axes. The range of one that there is none of is a single size.
pub struct Axes<'a> {
    symbols: &'a Symbols,
    /// The symbols that move along each axis; the first of each cuts the range.
    along: [Vec<(Symbol, SymbolRange)>; 2],
    steps: [i64; 2],
}

/// The steps along each axis at which programs are priced, in order, both ends included.
pub type Grid = [Vec<i64>; 2];

impl<'a> Axes<'a> {
    /// The axes of a module's symbols.
    pub fn of(symbols: &'a Symbols) -> Self {
        let ranges = symbols.free().map(|(symbol, range)| (symbol.clone(), range));
        let (wide, fixed): (Vec<_>, Vec<_>) = ranges.partition(|(_, range)| count(*range) > 1);
        let mut wide = wide.into_iter();
        // A single axis is the second: along it borders are found to the integer, whatever the tolerance.
        let first: Vec<_> = if wide.len() > 1 { wide.next().into_iter().collect() } else { vec![] };
        let along = [first, wide.chain(fixed).collect()];
        let steps = [0, 1].map(|axis: usize| {
            along[axis].first().map_or(1, |(_, range): &(Symbol, SymbolRange)| count(*range))
        });
        Axes { symbols, along, steps }
    }

    /// The value of every symbol at a position.
    pub fn at(&self, position: Position) -> Result<Bindings, RewriteError> {
        let mut free = Bindings::new();
        for ((along, steps), step) in self.along.iter().zip(self.steps).zip(position) {
            let progress = step as f64 / (steps - 1).max(1) as f64;
            for (order, (symbol, range)) in along.iter().enumerate() {
                let last = count(*range) - 1;
                let own = if order == 0 { step } else { (progress * last as f64).round() as i64 };
                free.insert(symbol.clone(), nth(*range, own.clamp(0, last)));
            }
        }
        self.symbols.bind(&free).map_err(|error| RewriteError::Range(error.to_string()))
    }

    /// The ranges of the symbols that cut.
    pub fn ranges(&self, rectangle: &Rectangle) -> Vec<(Symbol, SymbolRange)> {
        let cutting = self.along.iter().zip(rectangle.from.iter().zip(rectangle.to));
        let range = |(along, (from, to)): (&Vec<(Symbol, SymbolRange)>, (&i64, i64))| {
            let (symbol, range) = along.first().filter(|(_, range)| count(*range) > 1)?;
            let (min, max) = (nth(*range, *from), nth(*range, to));
            Some((symbol.clone(), SymbolRange { min, max, step: range.step }))
        };
        cutting.filter_map(range).collect()
    }

    /// Where programs are priced.
    pub fn grid(&self) -> Grid {
        self.steps.map(|steps| {
            let ratio = 2f64.powf(1.0 / f64::from(SAMPLES_A_DOUBLING));
            let mut samples: Vec<i64> = (0..steps.min(DENSE_STEPS)).collect();
            let mut step = DENSE_STEPS as f64;
            while step < (steps - 1) as f64 {
                samples.push(step as i64);
                step *= ratio;
            }
            samples.push(steps - 1);
            samples.dedup();
            samples
        })
    }

    /// Where programs are asked for first: sizes matter by their ratio.
    pub fn coarse(&self) -> Grid {
        self.steps.map(|steps| {
            let powers = std::iter::successors(Some(1i64), |step| step.checked_mul(2));
            let mut samples = vec![0];
            samples.extend(powers.take_while(|step| *step < steps - 1));
            samples.push(steps - 1);
            samples.dedup();
            samples
        })
    }
}

fn count(range: SymbolRange) -> i64 {
    ((range.max - range.first()).div_euclid(range.step) + 1).max(1)
}

fn nth(range: SymbolRange, step: i64) -> i64 {
    range.first().saturating_add(step.saturating_mul(range.step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(axes: &Axes, position: Position, names: &[&str]) -> Vec<i64> {
        let bound = axes.at(position).unwrap();
        names.iter().map(|name| bound[&Symbol::new(name)]).collect()
    }

    #[test]
    fn the_first_two_symbols_with_a_choice_cut_and_others_move_along() {
        let mut symbols = Symbols::default();
        symbols.declare("one", SymbolRange::new(3, 3)).unwrap();
        symbols.declare("images", SymbolRange::new(1, 9)).unwrap();
        symbols.declare("height", SymbolRange { min: 30, max: 100, step: 14 }).unwrap();
        symbols.declare("width", SymbolRange::new(1, 9)).unwrap();
        let axes = Axes::of(&symbols);
        let names = ["one", "images", "height", "width"];
        assert_eq!(values(&axes, [0, 0], &names), [3, 1, 42, 1]);
        assert_eq!(values(&axes, [4, 2], &names), [3, 5, 70, 5]);
        assert_eq!(values(&axes, [8, 4], &names), [3, 9, 98, 9]);
        let all = Rectangle { from: [0, 0], to: [8, 4], program: 0 };
        let ranges: Vec<String> =
            axes.ranges(&all).iter().map(|(symbol, range)| format!("{symbol} {range}")).collect();
        assert_eq!(ranges, ["images 1..=9", "height 42..=98 step 14"]);
    }

    #[test]
    fn without_a_choice_there_is_one_size() {
        let mut symbols = Symbols::default();
        symbols.declare("images", SymbolRange::new(2, 2)).unwrap();
        let axes = Axes::of(&symbols);
        assert_eq!((axes.grid(), axes.coarse()), ([vec![0], vec![0]], [vec![0], vec![0]]));
        assert_eq!(values(&axes, [0, 0], &["images"]), [2]);
    }

    #[test]
    fn samples_grow_by_their_ratio_and_end_with_the_range() {
        let mut symbols = Symbols::default();
        symbols.declare("images", SymbolRange::new(1, i64::from(i32::MAX))).unwrap();
        let axes = Axes::of(&symbols);
        let [_, samples] = axes.grid();
        assert!(samples.windows(2).all(|pair| pair[0] < pair[1]) && samples.len() < 160);
        assert_eq!(samples.last(), Some(&(i64::from(i32::MAX) - 1)));
        assert_eq!(axes.coarse()[1].len(), 33);
    }
}
