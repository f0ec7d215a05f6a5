//! [`Expression`]: an integer of a plan, and its value in checked arithmetic: a plan is input, so overflow is an error.

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

impl Expression {
    /// Its value where symbol `i` is `symbols[i]`.
    pub fn evaluate(&self, symbols: &[i64]) -> Result<i64, EvaluationError> {
        match self {
            Expression::Constant(value) => Ok(*value),
            Expression::Symbol(index) => {
                symbols.get(*index).copied().ok_or(EvaluationError::Unbound(*index))
            }
            Expression::Sum(terms) => terms.iter().try_fold(0i64, |sum, term| {
                sum.checked_add(term.evaluate(symbols)?).ok_or(EvaluationError::Overflow)
            }),
            Expression::Product(factors) => factors.iter().try_fold(1i64, |product, factor| {
                product.checked_mul(factor.evaluate(symbols)?).ok_or(EvaluationError::Overflow)
            }),
            Expression::FloorDiv(numerator, divisor) => {
                floor_div(numerator.evaluate(symbols)?, *divisor)
            }
            Expression::CeilDiv(numerator, divisor) => {
                let numerator = numerator.evaluate(symbols)?;
                let floor = floor_div(numerator, *divisor)?;
                Ok(if numerator.rem_euclid(*divisor) == 0 { floor } else { floor + 1 })
            }
        }
    }
}

/// For a positive divisor Euclid's quotient is the one rounded down, and it cannot overflow.
fn floor_div(numerator: i64, divisor: i64) -> Result<i64, EvaluationError> {
    if divisor < 1 {
        return Err(EvaluationError::Divisor(divisor));
    }
    Ok(numerator.div_euclid(divisor))
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
