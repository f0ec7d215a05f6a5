//! [`Symbols`]: the declarations of a module's symbols, their ranges, and how a call binds them.

use super::{Bindings, Dim, Interval, Symbol, floor_div};
use indexmap::IndexMap;
use std::convert::Infallible;

/// The sizes that a free symbol may take: `min..=max step step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SymbolRange {
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// Every value is a multiple of this.
    pub step: i64,
}

impl SymbolRange {
    /// `min..=max`, every integer.
    pub fn new(min: i64, max: i64) -> Self {
        SymbolRange { min, max, step: 1 }
    }

    /// Whether `value` is one of the sizes.
    pub fn contains(self, value: i64) -> bool {
        self.min <= value && value <= self.max && value % self.step == 0
    }

    /// The least size. A range without one has it above `max`.
    pub fn first(self) -> i64 {
        let past = self.min.rem_euclid(self.step);
        if past == 0 { self.min } else { self.min.saturating_add(self.step - past) }
    }

    /// The greatest size that is not above `value`, were the range not to end.
    pub fn at_most(self, value: i64) -> i64 {
        value - value.rem_euclid(self.step)
    }

    /// The greatest size. A range without one has it below `min`.
    pub fn last(self) -> i64 {
        self.at_most(self.max)
    }

    /// The sizes that lie in both ranges, in the steps of this one.
    pub fn within(self, other: SymbolRange) -> SymbolRange {
        SymbolRange { min: self.min.max(other.min), max: self.max.min(other.max), step: self.step }
    }
}

impl From<std::ops::RangeInclusive<i64>> for SymbolRange {
    fn from(range: std::ops::RangeInclusive<i64>) -> Self {
        SymbolRange::new(*range.start(), *range.end())
    }
}

impl std::fmt::Display for SymbolRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..={}", self.min, self.max)?;
        if self.step != 1 {
            write!(f, " step {}", self.step)?;
        }
        Ok(())
    }
}

/// Where a symbol's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// A size that the caller brings with its inputs.
    Free(SymbolRange),
    /// `numerator` divided by `divisor` and rounded down: the patches along an image's side.
    FloorDiv {
        /// What is divided; over symbols declared before.
        numerator: Dim,
        /// What it is divided by; positive.
        divisor: i64,
    },
}

/// Why a symbol could not be declared or bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// Two declarations of one name that differ.
    #[error("the symbol `{0}` is declared twice, with different definitions")]
    Redeclared(Symbol),
    /// A range in which no size lies.
    #[error(
        "the range {1} of the symbol `{0}` is empty: give `min..=max` with 1 <= min <= max and a multiple of the step between"
    )]
    EmptyRange(Symbol, SymbolRange),
    /// A definition that divides by zero or uses an undeclared symbol.
    #[error("the symbol `{0}` is defined by undeclared symbols or a divisor below 1")]
    BadDefinition(Symbol),
    /// A name that could not be told from the rest of an expression.
    #[error("`{0}` is no name for a symbol: use letters, digits and `_`, and a letter first")]
    BadName(Symbol),
    /// A range for a symbol that inputs do not bring.
    #[error("there is no symbol `{symbol}` to give a range to: the free symbols are {known}")]
    NotFree {
        /// What was named.
        symbol: Symbol,
        /// The symbols that inputs bring, with their ranges.
        known: String,
    },
    /// No input brings this symbol.
    #[error("the symbol `{0}` is not bound by any input")]
    Unbound(Symbol),
    /// A size outside the declared range.
    #[error("{symbol} = {value} lies outside the declared range {range}")]
    OutOfRange {
        /// The symbol.
        symbol: Symbol,
        /// The size that was given.
        value: i64,
        /// The sizes that were declared.
        range: SymbolRange,
    },
}

/// The symbols of a module, in the order of their declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    definitions: IndexMap<Symbol, Definition>,
}

impl Symbols {
    /// Declares a symbol that inputs bring, and returns it as a dimension.
    pub fn declare(&mut self, name: &str, range: SymbolRange) -> Result<Dim, SymbolError> {
        let symbol = Symbol::new(name);
        if range.min < 1 || range.step < 1 || range.first() > range.max {
            return Err(SymbolError::EmptyRange(symbol, range));
        }
        self.define(symbol, Definition::Free(range))
    }

    /// Declares `name = numerator floordiv divisor`, and returns it as a dimension.
    pub fn declare_floor_div(
        &mut self,
        name: &str,
        numerator: Dim,
        divisor: i64,
    ) -> Result<Dim, SymbolError> {
        let symbol = Symbol::new(name);
        if divisor < 1 || numerator.symbols().any(|s| !self.definitions.contains_key(s)) {
            return Err(SymbolError::BadDefinition(symbol));
        }
        self.define(symbol, Definition::FloorDiv { numerator, divisor })
    }

    fn define(&mut self, symbol: Symbol, definition: Definition) -> Result<Dim, SymbolError> {
        if symbol.name().parse() != Ok(Dim::symbol(&symbol)) {
            return Err(SymbolError::BadName(symbol));
        }
        match self.definitions.get(&symbol) {
            Some(earlier) if *earlier != definition => Err(SymbolError::Redeclared(symbol)),
            _ => {
                let dim = Dim::symbol(&symbol);
                self.definitions.insert(symbol, definition);
                Ok(dim)
            }
        }
    }

    /// Replaces the range of a free symbol.
    pub fn set_range(&mut self, name: &str, range: SymbolRange) -> Result<(), SymbolError> {
        let symbol = Symbol::new(name);
        if range.min < 1 || range.step < 1 || range.first() > range.max {
            return Err(SymbolError::EmptyRange(symbol, range));
        }
        match self.definitions.get_mut(&symbol) {
            Some(Definition::Free(slot)) => {
                *slot = range;
                Ok(())
            }
            _ => {
                let known = self.free().map(|(symbol, range)| format!("{symbol} in {range}"));
                let known: Vec<String> = known.collect();
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                Err(SymbolError::NotFree { symbol, known })
            }
        }
    }

    /// Every symbol with its definition, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&Symbol, &Definition)> {
        self.definitions.iter()
    }

    /// The symbols that inputs bring, with their ranges.
    pub fn free(&self) -> impl Iterator<Item = (&Symbol, SymbolRange)> {
        self.definitions.iter().filter_map(|(symbol, definition)| match definition {
            Definition::Free(range) => Some((symbol, *range)),
            Definition::FloorDiv { .. } => None,
        })
    }

    /// The definition of a symbol.
    pub fn definition(&self, symbol: &Symbol) -> Option<&Definition> {
        self.definitions.get(symbol)
    }

    /// Bounds of a dimension over the declared ranges. A symbol that is not declared counts as `1..`.
    pub fn interval(&self, dim: &Dim) -> Interval {
        let Ok(interval) = dim.value(|symbol| Ok::<_, Infallible>(self.symbol_interval(symbol)));
        interval
    }

    fn symbol_interval(&self, symbol: &Symbol) -> Interval {
        match self.definitions.get(symbol) {
            Some(Definition::Free(range)) => Interval { min: range.min, max: range.max },
            Some(Definition::FloorDiv { numerator, divisor }) => {
                self.interval(numerator).floor_div(*divisor)
            }
            None => Interval { min: 1, max: i64::MAX },
        }
    }

    /// The least size of a free symbol at which `dim`, which must not shrink with it, is at least `least`, the other free
    /// symbols as in `base`; `None` where no size of the range is enough, or `base` lacks a symbol. What does not fit in
    /// an `i64` is enough.
    pub fn first_reaching(
        &self,
        (symbol, range): (&Symbol, SymbolRange),
        base: &Bindings,
        (dim, min): (&Dim, i64),
    ) -> Option<i64> {
        let mut free = base.clone();
        let mut reaches = |size: i64| {
            free.insert(symbol.clone(), size);
            let at = self.define_all(&free)?;
            let is_bound = dim.symbols().all(|symbol| at.contains_key(symbol));
            is_bound.then(|| dim.evaluate(&at).is_none_or(|value| value >= min))
        };
        let (first, last) = (range.first(), range.last());
        if last < first || !reaches(last)? {
            return None;
        }
        let (mut below, mut end) = (-1, (last - first) / range.step);
        while end - below > 1 {
            let middle = below.midpoint(end);
            match reaches(first + middle * range.step)? {
                true => end = middle,
                false => below = middle,
            }
        }
        Some(first + end * range.step)
    }

    /// The defined symbols beside the given free ones, whose ranges are not checked; `None` where a value is missing or
    /// does not fit in an `i64`.
    pub(super) fn define_all(&self, free: &Bindings) -> Option<Bindings> {
        let mut bound = free.clone();
        for (symbol, definition) in &self.definitions {
            if let Definition::FloorDiv { numerator, divisor } = definition {
                let value = floor_div(numerator.evaluate(&bound)?, *divisor)?;
                bound.insert(symbol.clone(), value);
            }
        }
        Some(bound)
    }

    /// Checks the free symbols that a call brings against their ranges, and adds the defined ones.
    pub fn bind(&self, free: &Bindings) -> Result<Bindings, SymbolError> {
        let mut bound = Bindings::new();
        for (symbol, definition) in &self.definitions {
            let unbound = || SymbolError::Unbound(symbol.clone());
            let value = match definition {
                Definition::Free(range) => {
                    let value = *free.get(symbol).ok_or_else(unbound)?;
                    if !range.contains(value) {
                        return Err(SymbolError::OutOfRange {
                            symbol: symbol.clone(),
                            value,
                            range: *range,
                        });
                    }
                    value
                }
                Definition::FloorDiv { numerator, divisor } => {
                    let numerator = numerator.evaluate(&bound);
                    numerator.and_then(|n| floor_div(n, *divisor)).ok_or_else(unbound)?
                }
            };
            bound.insert(symbol.clone(), value);
        }
        Ok(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patches() -> (Symbols, Dim) {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, 4)).unwrap();
        let height = symbols.declare("height", SymbolRange::new(16, 64)).unwrap();
        let rows = symbols.declare_floor_div("rows", height, 16).unwrap();
        (symbols, images * (rows + Dim::from(1)))
    }

    #[test]
    fn bounds_follow_definitions() {
        let (symbols, tokens) = patches();
        assert_eq!(symbols.interval(&tokens), Interval { min: 2, max: 20 });
    }

    #[test]
    fn the_first_size_that_reaches_a_value_is_the_least() {
        let (symbols, tokens) = patches();
        let height = Symbol::new("height");
        let base = Bindings::from([(Symbol::new("images"), 3)]);
        let first = |range, min| symbols.first_reaching((&height, range), &base, (&tokens, min));
        let whole = SymbolRange::new(16, 64);
        // tokens = 3 * (h floordiv 16 + 1)
        assert_eq!([6, 7, 9, 10, 15].map(|min| first(whole, min).unwrap()), [16, 32, 32, 48, 64]);
        assert_eq!((first(whole, 16), first(SymbolRange::new(16, 63), 15)), (None, None));
        let stepped = SymbolRange { min: 20, max: 64, step: 14 };
        assert_eq!(first(stepped, 9), Some(42));
        assert_eq!(symbols.first_reaching((&height, whole), &Bindings::new(), (&tokens, 9)), None);
    }

    #[test]
    fn a_call_binds_defined_symbols_and_checks_ranges() {
        let (symbols, tokens) = patches();
        let call = |images, height| {
            let free = [("images", images), ("height", height)];
            symbols.bind(&free.map(|(name, value)| (Symbol::new(name), value)).into())
        };
        assert_eq!(tokens.evaluate(&call(3, 47).unwrap()), Some(9));
        assert_eq!(
            call(5, 47).unwrap_err().to_string(),
            "images = 5 lies outside the declared range 1..=4"
        );
    }

    #[test]
    fn sizes_of_a_range_are_multiples_of_its_step() {
        let range = SymbolRange { min: 30, max: 100, step: 14 };
        assert_eq!((range.first(), range.at_most(55), range.last()), (42, 42, 98));
        assert_eq!(range.within(SymbolRange::new(60, 500)).to_string(), "60..=100 step 14");
    }

    #[test]
    fn an_empty_range_is_refused() {
        let error = Symbols::default().declare("images", SymbolRange::new(4, 3)).unwrap_err();
        assert!(error.to_string().contains("`images` is empty"), "{error}");
    }
}
