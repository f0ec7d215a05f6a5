//! [`Expression`]: an integer of a plan, and its value in checked arithmetic: a plan is input, so overflow is an error.

use crate::symbolic::{Overflow, ceil_div, floor_div, product, sum};
use serde::{Deserialize, Serialize};

/// An integer that depends on the symbols of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// Itself.
    Constant(i64),
    /// The value of a symbol, by its position in [`Plan::symbols`](super::Plan::symbols).
    Symbol(usize),
    /// The sum.
    Sum(Vec<Expression>),
    /// The product.
    Product(Vec<Expression>),
    /// The quotient, rounded down. The divisor is positive.
    FloorDiv(Box<Expression>, i64),
    /// The quotient, rounded up. The divisor is positive.
    CeilDiv(Box<Expression>, i64),
}

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A value that 64 bits do not hold.
    #[error("the value does not fit into 64 bits")]
    Overflow,
    /// A symbol that has no value.
    #[error("symbol {0} has no value")]
    Unbound(usize),
    /// A divisor below one.
    #[error("the divisor {0} is not positive")]
    Divisor(i64),
}

impl From<Overflow> for EvaluationError {
    fn from(_: Overflow) -> Self {
        EvaluationError::Overflow
    }
}

impl Expression {
    /// Its value where symbol `i` is `symbols[i]`.
    pub fn evaluate(&self, symbols: &[i64]) -> Result<i64, EvaluationError> {
        match self {
            Expression::Constant(value) => Ok(*value),
            Expression::Symbol(index) => {
                symbols.get(*index).copied().ok_or(EvaluationError::Unbound(*index))
            }
            Expression::Sum(terms) => sum(terms.iter().map(|term| term.evaluate(symbols))),
            Expression::Product(factors) => {
                product(1, factors.iter().map(|factor| factor.evaluate(symbols)))
            }
            Expression::FloorDiv(numerator, divisor) => {
                let quotient = floor_div(numerator.evaluate(symbols)?, *divisor);
                quotient.ok_or(EvaluationError::Divisor(*divisor))
            }
            Expression::CeilDiv(numerator, divisor) => {
                let quotient = ceil_div(numerator.evaluate(symbols)?, *divisor);
                quotient.ok_or(EvaluationError::Divisor(*divisor))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Expression::*;
    use proptest::prelude::*;

    fn expressions() -> impl Strategy<Value = Expression> {
        let leaf = prop_oneof![any::<i64>().prop_map(Constant), (0usize..3).prop_map(Symbol)];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Sum),
                prop::collection::vec(inner.clone(), 0..3).prop_map(Product),
                (inner.clone(), -2i64..100).prop_map(|(n, d)| FloorDiv(Box::new(n), d)),
                (inner, -2i64..100).prop_map(|(n, d)| CeilDiv(Box::new(n), d)),
            ]
        })
    }

    #[test]
    fn rounds_down_and_up() {
        let floor = FloorDiv(Box::new(Symbol(0)), 14);
        let ceil = CeilDiv(Box::new(Symbol(0)), 14);
        assert_eq!([-1, 0, 13, 14, 15].map(|x| floor.evaluate(&[x]).unwrap()), [-1, 0, 0, 1, 1]);
        assert_eq!([-1, 0, 13, 14, 15].map(|x| ceil.evaluate(&[x]).unwrap()), [0, 0, 1, 1, 2]);
        assert_eq!(CeilDiv(Box::new(Constant(i64::MAX)), 1).evaluate(&[]), Ok(i64::MAX));
    }

    #[test]
    fn overflow_is_an_error() {
        let square = Product(vec![Symbol(0), Symbol(0)]);
        assert_eq!(square.evaluate(&[i64::MAX]), Err(EvaluationError::Overflow));
        assert_eq!(square.evaluate(&[]), Err(EvaluationError::Unbound(0)));
    }

    proptest! {
        #[test]
        fn any_expression_has_a_value_or_an_error(
            expression in expressions(), symbols in prop::collection::vec(any::<i64>(), 0..3)
        ) {
            let _ = expression.evaluate(&symbols);
            prop_assert!(!expression.describe(&[]).is_empty());
        }
    }
}
