//! [`Polynomial`]: a [`Dim`] over numbered symbols, quick to evaluate at one size after another.
//!
//! ```text
//! images*rows + 2*images    over [images, height, rows]:    1 * #0 * #2  +  2 * #0
//! ```

use super::{Dim, NoValue, Number, Symbol, sum_of_products};
use std::convert::Infallible;

/// A sum of products of numbered values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Polynomial(Vec<(i64, Vec<usize>)>);

impl Polynomial {
    /// A dimension over symbols that have numbers; none where one of its symbols has none.
    pub fn new(dim: &Dim, number: impl Fn(&Symbol) -> Option<usize>) -> Option<Self> {
        let terms = dim.terms().map(|(coefficient, factors)| {
            Some((coefficient, factors.iter().map(&number).collect::<Option<_>>()?))
        });
        terms.collect::<Option<_>>().map(Polynomial)
    }

    /// The same over symbols in an order that gives each its number.
    pub fn over(dim: &Dim, symbols: &[Symbol]) -> Option<Self> {
        Self::new(dim, |symbol| symbols.iter().position(|known| known == symbol))
    }

    /// Its value in integers; none where 64 bits do not hold it, or a symbol has no value.
    pub fn checked(&self, values: &[i64]) -> Option<i64> {
        self.value(|symbol| values.get(symbol).copied().ok_or(NoValue)).ok()
    }

    /// Its value in numbers that do not overflow; every symbol has one.
    pub fn evaluate<N: Number<Lost = Infallible> + Copy>(&self, values: &[N]) -> N {
        let Ok(value) = self.value(|symbol| Ok::<_, Infallible>(values[symbol]));
        value
    }

    #[inline]
    fn value<N, E>(&self, value: impl Fn(usize) -> Result<N, E>) -> Result<N, E>
    where
        N: Number,
        E: From<N::Lost>,
    {
        let terms = self.0.iter().map(|(coefficient, factors)| (*coefficient, factors.as_slice()));
        sum_of_products(terms, |factor| value(*factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::Bindings;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_has_the_value_of_the_dimension(
            terms in prop::collection::vec((-9i64..9, prop::collection::vec(0usize..3, 0..4)), 0..5),
            values in prop::collection::vec(prop_oneof![-9i64..9, any::<i64>()], 3),
        ) {
            let symbols = ["a", "b", "c"].map(Symbol::new);
            let product = |(coefficient, factors): &(i64, Vec<usize>)| -> Dim {
                let factors = factors.iter().map(|factor| Dim::symbol(&symbols[*factor]));
                factors.fold(Dim::from(*coefficient), |product, factor| product * factor)
            };
            let dim: Dim = terms.iter().map(product).sum();
            let bindings: Bindings = symbols.iter().cloned().zip(values.iter().copied()).collect();
            let polynomial = Polynomial::over(&dim, &symbols).unwrap();
            prop_assert_eq!(polynomial.checked(&values), dim.evaluate(&bindings));
            if let Some(value) = dim.evaluate(&bindings) {
                let wide: Vec<f64> = values.iter().map(|value| *value as f64).collect();
                let near = polynomial.evaluate(&wide);
                let magnitude = values.iter().map(|value| value.unsigned_abs() as f64 + 1.0);
                let bound = 100.0 * magnitude.product::<f64>().powi(3);
                prop_assert!((near - value as f64).abs() <= bound * f64::EPSILON);
            }
            prop_assert_eq!(Polynomial::over(&(dim + Dim::symbol(&Symbol::new("d"))), &symbols), None);
        }
    }
}
