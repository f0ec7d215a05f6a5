//! [`Axes`]: the symbols that cut the range, and the sizes at which it is looked at.

use crate::error::RewriteError;
use ocellus_dialects::symbolic::{
    Bindings, Definition, Dim, Interval, Polynomial, Symbol, SymbolRange, Symbols, floor_div,
};

/// How many symbols move by themselves. Others move along with the last of them.
pub const AXES: usize = 3;

/// Steps along the axes: `[0, 0, 0]` is the least size of everything.
pub type Position = [i64; AXES];

/// Combinations of steps at which programs are evaluated at most, over all axes: a range with fewer is looked at everywhere.
/// A cost is a closed form, so that this many of some hundred launches take a twentieth of a second.
const MAX_COMBINATIONS: usize = 1 << 13;

/// Sizes between them at which programs are evaluated too.
const SCATTERED: usize = 1 << 13;

/// Sizes at which programs are asked for first, at most.
const MAX_COARSE_POSITIONS: usize = 1 << 10;

/// Samples for each doubling where the range is too wide to look everywhere: these first, and fewer until there are few
/// enough.
const MAX_SAMPLES_A_DOUBLING: f64 = 16_384.0;

/// Steps past which samples are a doubling apart: waves of tiles are so many there that where the last one ends matters
/// little.
const DENSE_STEPS: i64 = 1 << 14;

/// The free symbols as axes. The range of one that there is none of is a single size.
pub struct Axes<'a> {
    symbols: &'a Symbols,
    /// Where the value of each symbol comes from; none where it is defined by one that is not there.
    values: Vec<Option<Value>>,
    /// The symbols that move along each axis; the first of each moves step by step.
    along: [Vec<(Symbol, SymbolRange)>; AXES],
    steps: [i64; AXES],
}

/// Where the value of a symbol comes from.
enum Value {
    /// From the step along an axis.
    Moves {
        axis: usize,
        /// Its place among those that move along it.
        order: usize,
    },
    /// From symbols before: this, divided and rounded down.
    FloorDiv { numerator: Polynomial, divisor: i64 },
}

/// The steps along each axis, in order, both ends included.
pub type Steps = [Vec<i64>; AXES];

impl<'a> Axes<'a> {
    /// The axes of a module's symbols.
    pub fn of(symbols: &'a Symbols) -> Self {
        let ranges = symbols.free().map(|(symbol, range)| (symbol.clone(), range));
        let (wide, fixed): (Vec<_>, Vec<_>) = ranges.partition(|(_, range)| count(*range) > 1);
        let mut wide = wide.into_iter();
        // A single axis is the second: along it borders are found to the integer, whatever the tolerance.
        let first: Vec<_> = if wide.len() > 1 { wide.next().into_iter().collect() } else { vec![] };
        let second = wide.next().into_iter().chain(fixed).collect();
        let along = [first, second, wide.collect()];
        let steps = std::array::from_fn(|axis: usize| {
            along[axis].first().map_or(1, |(_, range): &(Symbol, SymbolRange)| count(*range))
        });
        let names: Vec<Symbol> = symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
        let moves = |symbol: &Symbol| {
            along.iter().enumerate().find_map(|(axis, moving)| {
                let order = moving.iter().position(|(known, _)| known == symbol)?;
                Some(Value::Moves { axis, order })
            })
        };
        let value = |(symbol, definition): (&Symbol, &Definition)| match definition {
            Definition::Free(_) => moves(symbol),
            Definition::FloorDiv { numerator, divisor } => {
                let numerator = Polynomial::over(numerator, &names)?;
                Some(Value::FloorDiv { numerator, divisor: *divisor })
            }
        };
        let values = symbols.iter().map(value).collect();
        Axes { symbols, values, along, steps }
    }

    /// Every symbol, those that others define included.
    pub fn symbols(&self) -> Vec<Symbol> {
        self.symbols.iter().map(|(symbol, _)| symbol.clone()).collect()
    }

    /// The value of every symbol at a position, in their order. A range is looked at in ten thousands of these.
    pub fn values(&self, position: Position) -> Result<Vec<i64>, RewriteError> {
        let mut values = Vec::with_capacity(self.values.len());
        for value in &self.values {
            let known = value.as_ref().and_then(|value| match value {
                Value::Moves { axis, order } => Some(self.moved(*axis, *order, position)),
                Value::FloorDiv { numerator, divisor } => {
                    numerator.checked(&values).and_then(|numerator| floor_div(numerator, *divisor))
                }
            });
            // What has no value here has an error there.
            let Some(known) = known else {
                let at = self.at(position)?;
                return Ok(self.symbols.iter().filter_map(|(s, _)| at.get(s).copied()).collect());
            };
            values.push(known);
        }
        Ok(values)
    }

    /// The value at a position of a symbol that moves along an axis, by its place there.
    fn moved(&self, axis: usize, order: usize, position: Position) -> i64 {
        let (step, (_, range)) = (position[axis], &self.along[axis][order]);
        let range = *range;
        let progress = step as f64 / (self.steps[axis] - 1).max(1) as f64;
        let last = count(range) - 1;
        let own = if order == 0 { step } else { (progress * last as f64).round() as i64 };
        nth(range, own.clamp(0, last))
    }

    /// The value of every symbol at a position.
    pub fn at(&self, position: Position) -> Result<Bindings, RewriteError> {
        let mut free = Bindings::new();
        for (axis, along) in self.along.iter().enumerate() {
            for (order, (symbol, _)) in along.iter().enumerate() {
                free.insert(symbol.clone(), self.moved(axis, order, position));
            }
        }
        self.symbols.bind(&free).map_err(|error| RewriteError::Range(error.to_string()))
    }

    /// The symbol that cuts along an axis, and its values from one step to another; none where there is one step.
    pub fn range(&self, axis: usize, [from, to]: [i64; 2]) -> Option<(Dim, SymbolRange)> {
        let (symbol, range) = self.along[axis].first().filter(|(_, range)| count(*range) > 1)?;
        let (min, max) = (nth(*range, from), nth(*range, to));
        Some((Dim::symbol(symbol), SymbolRange { min, max, step: range.step }))
    }

    /// Bounds of a dimension between two steps along the first axis.
    pub fn interval(&self, rows: [i64; 2], dim: &Dim) -> Interval {
        let mut symbols = self.symbols.clone();
        if let Some((row, range)) = self.range(0, rows)
            && let Some(symbol) = row.as_symbol()
        {
            // A part of a range that was declared is a range: at worst the bounds are those of all of it.
            let _ = symbols.set_range(symbol.name(), range);
        }
        symbols.interval(dim)
    }

    /// Whether a dimension has a symbol that moves along an axis.
    pub fn moves(&self, axis: usize, dim: &Dim) -> bool {
        let moving = &self.along[axis];
        dim.symbols().any(|symbol| moving.iter().any(|(known, _)| known == symbol))
    }

    /// The greatest step along an axis.
    pub fn last_step(&self, axis: usize) -> i64 {
        self.steps[axis] - 1
    }

    /// How many symbols have a choice.
    pub fn wide_symbols(&self) -> usize {
        self.along.iter().flatten().filter(|(_, range)| count(*range) > 1).count()
    }

    /// Where programs are evaluated: everywhere, or at steps whose sizes grow by their ratio, and positions between
    /// them. Those of [`Axes::coarse`] are among them.
    pub fn samples(&self) -> (Steps, Vec<Position>) {
        let coarse = self.coarse();
        let mut density = MAX_SAMPLES_A_DOUBLING;
        loop {
            let steps: Steps = std::array::from_fn(|axis| {
                let mut samples = growing(self.steps[axis], density);
                samples.extend(&coarse[axis]);
                samples.sort_unstable();
                samples.dedup();
                samples
            });
            let count = combinations(&steps);
            if count <= MAX_COMBINATIONS || density < 0.1 {
                let sizes = self.steps.iter().fold(1, |product: i64, n| product.saturating_mul(*n));
                let is_everywhere = usize::try_from(sizes).is_ok_and(|sizes| sizes == count);
                let scattered = if is_everywhere { vec![] } else { self.scattered() };
                return (steps, scattered);
            }
            density /= std::f64::consts::SQRT_2;
        }
    }

    /// Sizes between those of a grid: few steps along three axes leave most of what symbols make together out, such as
    /// most numbers of tokens. Each doubling along each axis has as many of them. They fill the range evenly (Halton,
    /// Numerische Mathematik 2, 1960).
    fn scattered(&self) -> Vec<Position> {
        let whole = self.steps.map(|steps| [0, steps - 1]);
        let mut positions: Vec<Position> =
            (1..=SCATTERED).map(|number| scattered(number, whole)).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// Where programs are asked for first: sizes matter by their ratio. A doubling apart, or farther where this is too
    /// many.
    pub fn coarse(&self) -> Steps {
        let every = |ratio: i64| -> Steps {
            self.steps.map(|steps| {
                let powers = std::iter::successors(Some(1i64), |step| step.checked_mul(ratio));
                let mut samples = vec![0];
                samples.extend(powers.take_while(|step| *step < steps - 1));
                samples.push(steps - 1);
                samples.dedup();
                samples
            })
        };
        let mut ratio = 2;
        while combinations(&every(ratio)) > MAX_COARSE_POSITIONS {
            ratio *= 2;
        }
        every(ratio)
    }
}

/// The position with that number of a sequence that fills a box evenly: each doubling of a size has as many.
pub fn scattered(number: usize, within: [[i64; 2]; AXES]) -> Position {
    std::array::from_fn(|axis| {
        let [from, to] = within[axis].map(|step| step as f64 + 1.0);
        let size = from * ((to + 1.0) / from).powf(radical_inverse(number, BASES[axis]));
        (size as i64 - 1).clamp(within[axis][0], within[axis][1])
    })
}

/// The bases of the sequence along the axes.
const BASES: [usize; AXES] = [2, 3, 5];

/// The digits of a number in a base, mirrored at the point: 6 = 110 in base 2 becomes 0.011.
fn radical_inverse(mut number: usize, base: usize) -> f64 {
    let (mut inverse, mut digit) = (0.0, 1.0);
    while number > 0 {
        digit /= base as f64;
        inverse += (number % base) as f64 * digit;
        number /= base;
    }
    inverse
}

fn combinations(steps: &Steps) -> usize {
    steps.iter().fold(1, |product, steps| product.saturating_mul(steps.len()))
}

/// Samples of which that many lie between a size and its double, and past [`DENSE_STEPS`] no more than one; no more than
/// there are sizes.
fn growing(steps: i64, density: f64) -> Vec<i64> {
    let [dense, sparse] = [density, density.min(1.0)].map(|density| 2f64.powf(1.0 / density));
    let next = |step: &i64| {
        let ratio = if *step < DENSE_STEPS { dense } else { sparse };
        Some((step + 1).max((*step as f64 * ratio) as i64))
    };
    std::iter::successors(Some(0), next).take_while(|step| *step < steps).collect()
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
    use crate::pieces::grid::Grid;

    fn values(axes: &Axes, position: Position, names: &[&str]) -> Vec<i64> {
        let bound = axes.at(position).unwrap();
        names.iter().map(|name| bound[&Symbol::new(name)]).collect()
    }

    #[test]
    fn three_symbols_with_a_choice_move_by_themselves_and_others_along() {
        let mut symbols = Symbols::default();
        symbols.declare("one", SymbolRange::new(3, 3)).unwrap();
        symbols.declare("images", SymbolRange::new(1, 9)).unwrap();
        symbols.declare("height", SymbolRange { min: 30, max: 100, step: 14 }).unwrap();
        symbols.declare("width", SymbolRange::new(1, 9)).unwrap();
        symbols.declare("depth", SymbolRange::new(1, 17)).unwrap();
        let axes = Axes::of(&symbols);
        assert_eq!(values(&axes, [0, 0, 4], &["depth"]), [9]);
        let names = ["one", "images", "height", "width"];
        assert_eq!(values(&axes, [0, 0, 0], &names), [3, 1, 42, 1]);
        assert_eq!(values(&axes, [4, 2, 7], &names), [3, 5, 70, 8]);
        assert_eq!(values(&axes, [8, 4, 8], &names), [3, 9, 98, 9]);
        let ranges = [axes.range(0, [0, axes.last_step(0)]), axes.range(1, [0, axes.last_step(1)])];
        let ranges = ranges.map(|range| range.map(|(symbol, range)| format!("{symbol} {range}")));
        assert_eq!(ranges, ["images 1..=9", "height 42..=98 step 14"].map(|s| Some(s.to_string())));
        assert_eq!(axes.wide_symbols(), 4);
    }

    #[test]
    fn the_values_at_a_position_are_those_that_a_call_binds() {
        let mut symbols = Symbols::default();
        let height = symbols.declare("height", SymbolRange::new(14, 300)).unwrap();
        symbols.declare("a", SymbolRange::new(1, 9)).unwrap();
        let rows = symbols.declare_floor_div("rows", height, 14).unwrap();
        symbols.declare_floor_div("half", rows.clone() * rows, 2).unwrap();
        symbols.declare("width", SymbolRange::new(1, 9)).unwrap();
        symbols.declare("depth", SymbolRange::new(1, 17)).unwrap();
        let axes = Axes::of(&symbols);
        for position in [[0, 0, 0], [7, 3, 1], [286, 8, 8]] {
            let at = axes.at(position).unwrap();
            let bound: Vec<i64> = axes.symbols().iter().map(|symbol| at[symbol]).collect();
            assert_eq!(axes.values(position).unwrap(), bound);
        }
    }

    #[test]
    fn without_a_choice_there_is_one_size() {
        let mut symbols = Symbols::default();
        symbols.declare("images", SymbolRange::new(2, 2)).unwrap();
        let axes = Axes::of(&symbols);
        assert_eq!(
            (Grid::of(&axes).unwrap().len(), axes.coarse()),
            (1, [vec![0], vec![0], vec![0]])
        );
        assert_eq!(values(&axes, [0, 0, 0], &["images"]), [2]);
    }

    #[test]
    fn samples_grow_by_their_ratio_and_end_with_the_range() {
        let mut symbols = Symbols::default();
        symbols.declare("images", SymbolRange::new(1, i64::from(i32::MAX))).unwrap();
        let axes = Axes::of(&symbols);
        let grid = Grid::of(&axes).unwrap();
        let samples = grid.steps(1);
        assert!(samples.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((1000..MAX_COMBINATIONS).contains(&samples.len()), "{}", samples.len());
        assert!(axes.coarse()[1].iter().all(|sample| samples.contains(sample)));
        assert_eq!(samples.last(), Some(&(i64::from(i32::MAX) - 1)));
        assert_eq!(axes.coarse()[1].len(), 33);
    }

    #[test]
    fn scattered_positions_lie_in_their_box_as_many_in_each_doubling() {
        assert_eq!([1, 2, 3, 6].map(|number| radical_inverse(number, 2)), [0.5, 0.25, 0.75, 0.375]);
        let within = [[0, 1023], [15, 15], [7, 1 << 40]];
        let positions: Vec<Position> = (1..=1000).map(|number| scattered(number, within)).collect();
        let is_inside = |position: &Position| {
            position.iter().zip(within).all(|(step, [from, to])| (from..=to).contains(step))
        };
        assert!(positions.iter().all(is_inside));
        for doubling in 0..10 {
            let sizes = (1 << doubling)..(2 << doubling);
            let count = positions.iter().filter(|[row, ..]| sizes.contains(&(row + 1))).count();
            assert!((90..=110).contains(&count), "{count} in {sizes:?}");
        }
    }

    #[test]
    fn of_three_wide_ranges_there_are_not_too_many_combinations() {
        let mut symbols = Symbols::default();
        for name in ["images", "height", "width"] {
            symbols.declare(name, SymbolRange::new(1, i64::from(i32::MAX))).unwrap();
        }
        let axes = Axes::of(&symbols);
        let grid = Grid::of(&axes).unwrap();
        let max = MAX_COMBINATIONS + SCATTERED;
        assert!((4096 + SCATTERED..=max).contains(&grid.len()), "{}", grid.len());
        assert!(combinations(&axes.coarse()) <= MAX_COARSE_POSITIONS);
        let count: usize = [0, 1, 2].map(|axis| grid.steps(axis).len()).iter().product();
        for index in [0, 1, 77, 1000, count - 1] {
            assert_eq!(grid.index(grid.position(index)), Some(index));
            let (lane, _) = grid.lanes(0).nth(index / 16).unwrap();
            let images = Dim::symbol(&Symbol::new("images"));
            let images = Polynomial::over(&images, &axes.symbols()).unwrap();
            let images = grid.values(&images)[index];
            assert_eq!(lane[0].0[index % 16], images as f64);
        }
        assert_eq!(grid.before(0, 0), None);
        let row_length = grid.steps(1).len() * grid.steps(2).len();
        let [row, _, _] = grid.position(row_length);
        let before = grid.before(row_length, 0).map(|index| grid.position(index));
        assert_eq!((row > 0, before), (true, Some([0, 0, 0])));
    }
}
