//! Predicates on dimensions: whether one holds over all declared ranges, or where along one symbol it begins or ends.

use super::{Bindings, Definition, Dim, Symbol, SymbolRange, Symbols};

/// Ranges and periods up to this many values are looked through one by one.
const ENUMERABLE: i64 = 4096;

/// A question about a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Predicate {
    /// `dim <= bound`.
    AtMost(Dim, i64),
    /// `dim` is a multiple of the number, which is positive.
    MultipleOf(Dim, i64),
}

/// One symbol that goes over a range while every other free symbol stays where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The symbol that moves.
    pub symbol: Symbol,
    /// Where it goes: a part of its declared range.
    pub range: SymbolRange,
    /// The other free symbols.
    pub others: Bindings,
}

/// The answer along a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds everywhere on it.
    Yes,
    /// It holds nowhere on it.
    No,
    /// It changes once: `k` is the first size of the second part, and `before` whether it holds in the first.
    SplitsAt {
        /// The first size of the second part.
        k: i64,
        /// Whether the predicate holds in the first part.
        before: bool,
    },
    /// It changes more than once, or could not be decided.
    Varies,
}

impl Predicate {
    fn dim(&self) -> &Dim {
        match self {
            Predicate::AtMost(dim, _) | Predicate::MultipleOf(dim, _) => dim,
        }
    }

    fn holds_for(&self, value: i64) -> bool {
        match self {
            Predicate::AtMost(_, bound) => value <= *bound,
            Predicate::MultipleOf(_, divisor) => *divisor > 0 && value % divisor == 0,
        }
    }
}

impl Symbols {
    /// Whether a predicate holds for all sizes in the declared ranges (`Some(true)`), for none (`Some(false)`), or for
    /// some, or that could not be decided (`None`). Decided by intervals and common divisors.
    pub fn holds_everywhere(&self, predicate: &Predicate) -> Option<bool> {
        match predicate {
            Predicate::AtMost(dim, bound) => {
                let interval = self.interval(dim);
                // Arithmetic on intervals saturates: a bound at either end of i64 is no bound.
                match () {
                    () if interval.max <= *bound && interval.max < i64::MAX => Some(true),
                    () if interval.min > *bound && interval.min > i64::MIN => Some(false),
                    () => None,
                }
            }
            Predicate::MultipleOf(_, divisor) if *divisor < 1 => Some(false),
            Predicate::MultipleOf(dim, divisor) => {
                let (mut constant, mut common) = (0, *divisor);
                for (coefficient, symbols) in dim.terms() {
                    match symbols.is_empty() {
                        true => constant = coefficient,
                        false => {
                            common =
                                gcd(common, self.common_divisor(coefficient, symbols, *divisor))
                        }
                    }
                }
                // Modulo `common`, which divides the divisor, the dimension is its constant term.
                match () {
                    () if constant % common != 0 => Some(false),
                    () if common == *divisor => Some(true),
                    () => None,
                }
            }
        }
    }

    /// What `coefficient * symbols` is a multiple of, whatever the sizes; reduced modulo `divisor`.
    fn common_divisor(&self, coefficient: i64, symbols: &[Symbol], divisor: i64) -> i64 {
        symbols.iter().fold(gcd(coefficient, divisor), |common, symbol| {
            let step = match self.definition(symbol) {
                Some(Definition::Free(range)) => gcd(range.step, divisor),
                Some(Definition::FloorDiv { .. }) | None => 1,
            };
            // The product may exceed i64; its common divisors with `divisor` may not.
            let product = i128::from(common) * i128::from(step);
            gcd((product % i128::from(divisor)) as i64, divisor)
        })
    }

    /// Whether a predicate holds along a path, and where it changes.
    pub fn holds(&self, predicate: &Predicate, path: &Path) -> Answer {
        let Some(walk) = Walk::new(self, predicate, path) else { return Answer::Varies };
        if walk.length <= ENUMERABLE {
            return walk.enumerate(walk.length);
        }
        match predicate {
            Predicate::AtMost(dim, _) if self.is_increasing(dim) => walk.bisect(),
            Predicate::AtMost(..) => Answer::Varies,
            Predicate::MultipleOf(dim, divisor) => match self.period(dim, *divisor) {
                // What is the same over one period is the same everywhere; what is not changes again and again.
                Some(period) if period <= ENUMERABLE => match walk.enumerate(period) {
                    Answer::SplitsAt { .. } => Answer::Varies,
                    answer => answer,
                },
                _ => Answer::Varies,
            },
        }
    }

    /// Whether a dimension never falls when a size grows: sums and products of sizes and quotients never do.
    fn is_increasing(&self, dim: &Dim) -> bool {
        dim.terms().all(|(coefficient, symbols)| {
            (coefficient >= 0 || symbols.is_empty())
                && symbols.iter().all(|symbol| match self.definition(symbol) {
                    Some(Definition::FloorDiv { numerator, .. }) => {
                        self.is_increasing(numerator) && self.interval(numerator).min >= 0
                    }
                    Some(Definition::Free(_)) | None => true,
                })
        })
    }

    /// After how many integers a dimension repeats itself modulo `divisor`: a polynomial after `divisor`, one over
    /// `numerator floordiv d` after as many times `d`.
    fn period(&self, dim: &Dim, divisor: i64) -> Option<i64> {
        dim.symbols().try_fold(divisor, |period, symbol| match self.definition(symbol) {
            Some(Definition::FloorDiv { numerator, divisor: d }) => {
                let inner = self.period(numerator, divisor.checked_mul(*d)?)?;
                // Both are multiples of `divisor`; their least common multiple is a period of both.
                (period / gcd(period, inner)).checked_mul(inner)
            }
            Some(Definition::Free(_)) | None => Some(period),
        })
    }
}

/// The sizes of a path, one after the other.
struct Walk<'a> {
    symbols: &'a Symbols,
    predicate: &'a Predicate,
    path: &'a Path,
    first: i64,
    length: i64,
}

impl<'a> Walk<'a> {
    /// `None` for a path without a size, or with one that cannot be evaluated at its ends.
    fn new(symbols: &'a Symbols, predicate: &'a Predicate, path: &'a Path) -> Option<Self> {
        let SymbolRange { min, max, step } = path.range;
        if step < 1 || min < 1 {
            return None;
        }
        let first = min.checked_add(step - 1)? / step * step;
        let length = (max.checked_sub(first)?).div_euclid(step).checked_add(1)?;
        let walk = Walk { symbols, predicate, path, first, length };
        (length >= 1 && walk.at(0).is_some() && walk.at(length - 1).is_some()).then_some(walk)
    }

    fn size(&self, position: i64) -> i64 {
        self.first + position * self.path.range.step
    }

    /// Whether the predicate holds at a position.
    fn at(&self, position: i64) -> Option<bool> {
        let mut free = self.path.others.clone();
        free.insert(self.path.symbol.clone(), self.size(position));
        let bindings = self.symbols.define_all(&free)?;
        Some(self.predicate.holds_for(self.predicate.dim().evaluate(&bindings)?))
    }

    /// The answer over the first `length` positions, each looked at.
    fn enumerate(&self, length: i64) -> Answer {
        let mut changes = vec![];
        let mut previous = None;
        for position in 0..length {
            let Some(holds) = self.at(position) else { return Answer::Varies };
            if previous.is_some_and(|previous| previous != holds) {
                changes.push(position);
            }
            previous = Some(holds);
        }
        match (changes.as_slice(), previous) {
            ([], Some(true)) => Answer::Yes,
            ([], Some(false)) => Answer::No,
            ([k], Some(last)) => Answer::SplitsAt { k: self.size(*k), before: !last },
            _ => Answer::Varies,
        }
    }

    /// The answer where the predicate, once false, stays false.
    fn bisect(&self) -> Answer {
        let (Some(first), Some(last)) = (self.at(0), self.at(self.length - 1)) else {
            return Answer::Varies;
        };
        match (first, last) {
            (_, true) => return Answer::Yes,
            (false, _) => return Answer::No,
            (true, false) => {}
        }
        // It holds at `holds` and not at `fails`.
        let (mut holds, mut fails) = (0, self.length - 1);
        while fails - holds > 1 {
            let middle = holds + (fails - holds) / 2;
            match self.at(middle) {
                Some(true) => holds = middle,
                Some(false) => fails = middle,
                None => return Answer::Varies,
            }
        }
        Answer::SplitsAt { k: self.size(fails), before: true }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `images`, `height` (in steps) and `rows = (height + extra) floordiv divisor`, and a polynomial over them.
    fn cases() -> impl Strategy<Value = (Symbols, Dim, SymbolRange)> {
        let term = (-4i64..9, prop::collection::vec(0usize..3, 0..3));
        ((1i64..5, 1i64..40, 0i64..60), (1i64..9, 0i64..5), prop::collection::vec(term, 1..4))
            .prop_map(|((step, first, steps), (divisor, extra), terms)| {
                let mut symbols = Symbols::default();
                let images = symbols.declare("images", SymbolRange::new(1, 3)).unwrap();
                let range = SymbolRange { min: first, max: (first + steps) * step, step };
                let height = symbols.declare("height", range).unwrap();
                let numerator = height.clone() + Dim::from(extra);
                let rows = symbols.declare_floor_div("rows", numerator, divisor).unwrap();
                let names = [images, height, rows];
                let product = |factors: Vec<usize>| -> Dim {
                    factors.into_iter().map(|factor| names[factor].clone()).product()
                };
                let dim =
                    terms.into_iter().map(|(c, factors)| Dim::from(c) * product(factors)).sum();
                (symbols, dim, range)
            })
    }

    fn predicates(dim: &Dim, number: i64) -> [Predicate; 2] {
        [
            Predicate::AtMost(dim.clone(), number * 7 - 30),
            Predicate::MultipleOf(dim.clone(), number),
        ]
    }

    fn truth(symbols: &Symbols, predicate: &Predicate, images: i64, height: i64) -> bool {
        let free = [("images", images), ("height", height)];
        let bindings =
            symbols.bind(&free.map(|(name, value)| (Symbol::new(name), value)).into()).unwrap();
        let value = predicate.dim().evaluate(&bindings).unwrap();
        match predicate {
            Predicate::AtMost(_, bound) => value <= *bound,
            Predicate::MultipleOf(_, divisor) => value.rem_euclid(*divisor) == 0,
        }
    }

    fn path(images: i64, range: SymbolRange) -> Path {
        let others = [(Symbol::new("images"), images)].into();
        Path { symbol: Symbol::new("height"), range, others }
    }

    /// The answer from the truth at every size of a range.
    fn summary(sizes: &[i64], truths: &[bool]) -> Answer {
        let changes: Vec<usize> =
            (1..truths.len()).filter(|i| truths[*i] != truths[i - 1]).collect();
        match changes.as_slice() {
            [] if truths[0] => Answer::Yes,
            [] => Answer::No,
            [k] => Answer::SplitsAt { k: sizes[*k], before: truths[0] },
            _ => Answer::Varies,
        }
    }

    proptest! {
        #[test]
        fn a_path_is_answered_as_brute_force_does(
            (symbols, dim, range) in cases(), images in 1i64..4, number in 1i64..12,
        ) {
            let sizes: Vec<i64> = (range.min..=range.max).filter(|s| range.contains(*s)).collect();
            for predicate in predicates(&dim, number) {
                let truths: Vec<bool> =
                    sizes.iter().map(|s| truth(&symbols, &predicate, images, *s)).collect();
                let expected =
                    if sizes.is_empty() { Answer::Varies } else { summary(&sizes, &truths) };
                prop_assert_eq!(symbols.holds(&predicate, &path(images, range)), expected);
            }
        }

        #[test]
        fn what_holds_everywhere_holds_at_each_size((symbols, dim, range) in cases(), number in 1i64..12) {
            for predicate in predicates(&dim, number) {
                let Some(claimed) = symbols.holds_everywhere(&predicate) else { continue };
                for images in 1..=3 {
                    for height in (range.min..=range.max).filter(|s| range.contains(*s)) {
                        prop_assert_eq!(truth(&symbols, &predicate, images, height), claimed);
                    }
                }
            }
        }

        /// Ranges that cannot be looked through: the shortcut must agree with the truth near what it says.
        #[test]
        fn a_long_path_is_answered_without_looking_at_each_size(
            (mut symbols, dim, _) in cases(), number in 1i64..12, bound in 1i64..1_000_000_000,
        ) {
            let range = SymbolRange::new(1, 1_000_000);
            symbols.set_range("height", range).unwrap();
            let long = path(2, range);
            let at_most = Predicate::AtMost(dim.clone(), bound);
            let at = |predicate: &Predicate, height| truth(&symbols, predicate, 2, height);
            match symbols.holds(&at_most, &long) {
                Answer::Yes => prop_assert!(at(&at_most, 1) && at(&at_most, 1_000_000)),
                Answer::No => prop_assert!(!at(&at_most, 1) && !at(&at_most, 1_000_000)),
                Answer::SplitsAt { k, before } => {
                    prop_assert!(before && at(&at_most, k - 1) && !at(&at_most, k));
                }
                Answer::Varies => prop_assert!(dim.terms().any(|(coefficient, _)| coefficient < 0)),
            }
            let multiple = Predicate::MultipleOf(dim, number);
            let sample: Vec<bool> = (1..3000).map(|height| at(&multiple, height)).collect();
            match symbols.holds(&multiple, &long) {
                Answer::Yes => prop_assert!(sample.iter().all(|holds| *holds)),
                Answer::No => prop_assert!(sample.iter().all(|holds| !holds)),
                Answer::SplitsAt { .. } => prop_assert!(false, "a period cannot split once"),
                Answer::Varies => prop_assert!(sample.contains(&true) && sample.contains(&false)),
            }
        }
    }

    #[test]
    fn the_tokens_of_a_batch_split_where_they_exceed_a_bound() {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, i64::from(i32::MAX))).unwrap();
        let tokens = images * Dim::from(197);
        let path = Path {
            symbol: Symbol::new("images"),
            range: SymbolRange::new(1, i64::from(i32::MAX)),
            others: Bindings::new(),
        };
        let answer = symbols.holds(&Predicate::AtMost(tokens.clone(), 4096), &path);
        assert_eq!(answer, Answer::SplitsAt { k: 21, before: true });
        assert_eq!(symbols.holds(&Predicate::MultipleOf(tokens, 197), &path), Answer::Yes);
    }
}
