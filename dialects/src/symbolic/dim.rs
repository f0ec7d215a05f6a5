//! [`Dim`]: a polynomial with integer coefficients over symbols, always in normal form.
//!
//! Affine expressions are not enough for an encoder: the rows of a batch are `images * (rows * cols + 1)`.
//! Polynomials are closed under everything that shapes do (sum, product), and equality stays decidable.

use super::{NoValue, Number, sum_of_products};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::ops::{Add, Mul, Sub};
use std::str::FromStr;
use std::sync::Arc;

/// The name of a size that is known only at run time, such as `images` or `height`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// The symbol of that name.
    pub fn new(name: &str) -> Self {
        Symbol(name.into())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What each symbol is, in one call.
pub type Bindings = BTreeMap<Symbol, i64>;

/// Symbols multiplied together, sorted, with repetition: `rows * rows * cols` is `[cols, rows, rows]`.
type Monomial = Vec<Symbol>;

/// A dimension: a polynomial over symbols. No term has the coefficient zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Dim {
    terms: BTreeMap<Monomial, i64>,
}

impl Dim {
    /// The dimension that is one symbol.
    pub fn symbol(symbol: &Symbol) -> Self {
        Dim { terms: BTreeMap::from([(vec![symbol.clone()], 1)]) }
    }

    /// The value, where no symbol occurs.
    pub fn as_constant(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get([].as_slice()).copied(),
            _ => None,
        }
    }

    /// The symbol, where the dimension is one symbol and nothing else.
    pub fn as_symbol(&self) -> Option<&Symbol> {
        match self.terms.first_key_value() {
            Some((monomial, 1)) if self.terms.len() == 1 && monomial.len() == 1 => monomial.first(),
            _ => None,
        }
    }

    /// The terms: a coefficient, and the symbols multiplied together. Sorted; none is zero.
    pub fn terms(&self) -> impl Iterator<Item = (i64, &[Symbol])> {
        self.terms.iter().map(|(monomial, coefficient)| (*coefficient, monomial.as_slice()))
    }

    /// The value in any numbers, where each symbol has the one that `value` gives.
    pub fn value<N, E>(&self, value: impl Fn(&Symbol) -> Result<N, E>) -> Result<N, E>
    where
        N: Number,
        E: From<N::Lost>,
    {
        sum_of_products(self.terms(), value)
    }

    /// The value under `bindings`; `None` where a symbol is not bound or the value does not fit in an `i64`.
    pub fn evaluate(&self, bindings: &Bindings) -> Option<i64> {
        self.value(|symbol| bindings.get(symbol).copied().ok_or(NoValue)).ok()
    }

    /// This dimension with each symbol that `replace` knows replaced by a dimension.
    pub fn substitute(&self, replace: &impl Fn(&Symbol) -> Option<Dim>) -> Dim {
        let value = |symbol: &Symbol| replace(symbol).unwrap_or_else(|| Dim::symbol(symbol));
        let Ok(dim) = self.value(|symbol| Ok::<_, Infallible>(value(symbol)));
        dim
    }

    /// The dimension that times `divisor` is this one; `None` where some coefficient does not divide, or its quotient does
    /// not fit in an `i64`.
    pub fn exact_quotient(&self, divisor: i64) -> Option<Dim> {
        let quotient = |(monomial, coefficient): (&Monomial, &i64)| {
            let is_exact = coefficient.checked_rem(divisor)? == 0;
            is_exact.then(|| (monomial.clone(), coefficient / divisor))
        };
        let terms = self.terms.iter().map(quotient).collect::<Option<_>>()?;
        Some(Dim { terms })
    }

    /// Every symbol that occurs.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.terms.keys().flatten()
    }

    fn accumulate(&mut self, monomial: Monomial, coefficient: i64) {
        let slot = self.terms.entry(monomial).or_insert(0);
        *slot = slot.saturating_add(coefficient);
    }

    fn normalized(mut self) -> Self {
        self.terms.retain(|_, coefficient| *coefficient != 0);
        self
    }
}

impl From<i64> for Dim {
    fn from(value: i64) -> Self {
        match value {
            0 => Dim::default(),
            _ => Dim { terms: BTreeMap::from([(vec![], value)]) },
        }
    }
}

impl Add for Dim {
    type Output = Dim;
    fn add(mut self, other: Dim) -> Dim {
        for (monomial, coefficient) in other.terms {
            self.accumulate(monomial, coefficient);
        }
        self.normalized()
    }
}

impl Sub for Dim {
    type Output = Dim;
    fn sub(self, other: Dim) -> Dim {
        self + other * Dim::from(-1)
    }
}

impl Mul for Dim {
    type Output = Dim;
    fn mul(self, other: Dim) -> Dim {
        let mut product = Dim::default();
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                let mut monomial = [left.as_slice(), right.as_slice()].concat();
                monomial.sort();
                product.accumulate(monomial, a.saturating_mul(*b));
            }
        }
        product.normalized()
    }
}

/// Coefficients saturate.
impl Number for Dim {
    type Lost = Infallible;

    fn whole(value: i64) -> Dim {
        Dim::from(value)
    }

    fn add(&mut self, other: Dim) -> Result<(), Infallible> {
        *self = std::mem::take(self) + other;
        Ok(())
    }

    fn multiply(&mut self, other: Dim) -> Result<(), Infallible> {
        *self = std::mem::take(self) * other;
        Ok(())
    }
}

impl std::iter::Product for Dim {
    fn product<I: Iterator<Item = Dim>>(dims: I) -> Dim {
        dims.fold(Dim::from(1), |product, dim| product * dim)
    }
}

impl std::iter::Sum for Dim {
    fn sum<I: Iterator<Item = Dim>>(dims: I) -> Dim {
        dims.fold(Dim::from(0), |sum, dim| sum + dim)
    }
}

/// Highest degree first, as one writes a polynomial: `images*rows*cols + 2*images + 1`.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        let mut terms: Vec<_> = self.terms.iter().collect();
        terms.sort_by_key(|(monomial, _)| std::cmp::Reverse(monomial.len()));
        for (position, (monomial, coefficient)) in terms.into_iter().enumerate() {
            match (position, *coefficient < 0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let magnitude = coefficient.unsigned_abs();
            let names: Vec<&str> = monomial.iter().map(Symbol::name).collect();
            match (magnitude, names.is_empty()) {
                (_, true) => write!(f, "{magnitude}")?,
                (1, false) => f.write_str(&names.join("*"))?,
                (_, false) => write!(f, "{magnitude}*{}", names.join("*"))?,
            }
        }
        Ok(())
    }
}

/// A text that is no dimension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a dimension: write sums of products of integers and symbol names, such as `2*images*rows + 1`"
)]
pub struct ParseDimError(String);

/// Reads what `Display` writes.
impl FromStr for Dim {
    type Err = ParseDimError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseDimError(text.to_string());
        let spaced = text.replace('-', "+ -").replace("+ - ", "+ -");
        let mut sum = Dim::default();
        for (position, term) in spaced.split('+').map(str::trim).enumerate() {
            if term.is_empty() {
                // A leading minus leaves nothing in front of the first sign.
                if position == 0 && spaced.trim_start().starts_with('+') {
                    continue;
                }
                return Err(error());
            }
            let (sign, factors) = match term.strip_prefix('-') {
                Some(rest) => (-1, rest.trim()),
                None => (1, term),
            };
            let mut product = Dim::from(sign);
            for factor in factors.split('*').map(str::trim) {
                product = product * parse_factor(factor).ok_or_else(error)?;
            }
            sum = sum + product;
        }
        Ok(sum)
    }
}

fn parse_factor(factor: &str) -> Option<Dim> {
    if let Ok(value) = factor.parse::<i64>() {
        return Some(Dim::from(value));
    }
    let mut letters = factor.chars();
    let starts_well = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    (starts_well && letters.all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .then(|| Dim::symbol(&Symbol::new(factor)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dims() -> impl Strategy<Value = Dim> {
        let factor = prop_oneof![
            (-9i64..10).prop_map(Dim::from),
            prop_oneof![Just("images"), Just("rows"), Just("cols")]
                .prop_map(|name| Dim::symbol(&Symbol::new(name))),
        ];
        prop::collection::vec(prop::collection::vec(factor, 1..4), 0..4)
            .prop_map(|terms| terms.into_iter().map(|t| t.into_iter().product::<Dim>()).sum())
    }

    fn bindings() -> impl Strategy<Value = Bindings> {
        (1i64..50, 1i64..50, 1i64..50).prop_map(|(images, rows, cols)| {
            [("images", images), ("rows", rows), ("cols", cols)]
                .map(|(name, value)| (Symbol::new(name), value))
                .into()
        })
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_evaluation(a in dims(), b in dims(), at in bindings()) {
            let (x, y) = (a.evaluate(&at).unwrap(), b.evaluate(&at).unwrap());
            prop_assert_eq!((a.clone() + b.clone()).evaluate(&at), Some(x + y));
            prop_assert_eq!((a.clone() - b.clone()).evaluate(&at), Some(x - y));
            prop_assert_eq!((a * b).evaluate(&at), Some(x * y));
        }

        #[test]
        fn normal_form_decides_equality(a in dims(), b in dims()) {
            prop_assert_eq!(a.clone() - a.clone(), Dim::from(0));
            prop_assert_eq!(a.clone() + b.clone(), b.clone() + a.clone());
            prop_assert_eq!(a.clone() * b.clone(), b * a);
        }

        #[test]
        fn display_and_parse_are_inverse(a in dims()) {
            prop_assert_eq!(a.to_string().parse::<Dim>().unwrap(), a);
        }
    }

    #[test]
    fn a_quotient_that_no_number_is_is_none() {
        let least: Dim = "-9223372036854775807 - 1".parse().unwrap();
        assert_eq!(least.exact_quotient(-1), None);
        assert_eq!(least.exact_quotient(0), None);
        assert_eq!(least.exact_quotient(1), Some(least));
        assert_eq!(Dim::from(6).exact_quotient(-3), Some(Dim::from(-2)));
    }

    #[test]
    fn text_that_is_no_dimension_is_refused() {
        for text in ["", "2 +", "rows cols", "*", "9x", "a/b", "+"] {
            assert!(text.parse::<Dim>().is_err(), "{text}");
        }
    }
}
