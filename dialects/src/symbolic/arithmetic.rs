//! The arithmetic of symbolic expressions, said once: sums, products, and quotients that are rounded.
//!
//! A dimension is asked for its value in many ways, and each is a [`Number`] of its own:
//!
//! | asked for | in | what it cannot hold |
//! | --- | --- | --- |
//! | the size in a call, of a dimension or of a plan's expression | `i64` | is an error |
//! | its bounds over the declared ranges | [`Interval`](super::Interval) | is unbounded |
//! | the same dimension over other symbols | [`Dim`](super::Dim) | is the nearest that it can |
//! | what a launch costs there, at one size or at several side by side | `f64`, or many of them | is rounded |

use std::convert::Infallible;

/// What an expression can be evaluated in.
pub trait Number: Sized {
    /// What there is in place of a result that it cannot hold: [`Overflow`], or nothing where it holds all.
    type Lost;

    /// That number.
    fn whole(value: i64) -> Self;

    /// Becomes the sum. In place: a number may be many side by side, which take time to move.
    fn add(&mut self, other: Self) -> Result<(), Self::Lost>;

    /// Becomes the product.
    fn multiply(&mut self, other: Self) -> Result<(), Self::Lost>;
}

/// A number that 64 bits do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// There is no value: a symbol has none, or it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoValue;

impl From<Overflow> for NoValue {
    fn from(_: Overflow) -> Self {
        NoValue
    }
}

impl From<Infallible> for NoValue {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Number for i64 {
    type Lost = Overflow;

    #[inline]
    fn whole(value: i64) -> i64 {
        value
    }

    #[inline]
    fn add(&mut self, other: i64) -> Result<(), Overflow> {
        *self = self.checked_add(other).ok_or(Overflow)?;
        Ok(())
    }

    #[inline]
    fn multiply(&mut self, other: i64) -> Result<(), Overflow> {
        *self = self.checked_mul(other).ok_or(Overflow)?;
        Ok(())
    }
}

impl Number for f64 {
    type Lost = Infallible;

    #[inline]
    fn whole(value: i64) -> f64 {
        value as f64
    }

    #[inline]
    fn add(&mut self, other: f64) -> Result<(), Infallible> {
        *self += other;
        Ok(())
    }

    #[inline]
    fn multiply(&mut self, other: f64) -> Result<(), Infallible> {
        *self *= other;
        Ok(())
    }
}

/// The sum, in that order.
#[inline]
pub fn sum<N, E>(terms: impl IntoIterator<Item = Result<N, E>>) -> Result<N, E>
where
    N: Number,
    E: From<N::Lost>,
{
    let mut sum = N::whole(0);
    for term in terms {
        sum.add(term?)?;
    }
    Ok(sum)
}

/// The product of a coefficient and the factors, in that order.
#[inline]
pub fn product<N, E>(
    coefficient: i64,
    factors: impl IntoIterator<Item = Result<N, E>>,
) -> Result<N, E>
where
    N: Number,
    E: From<N::Lost>,
{
    let mut product = N::whole(coefficient);
    for factor in factors {
        product.multiply(factor?)?;
    }
    Ok(product)
}

/// The value of a polynomial, by its terms: a coefficient each, and the symbols multiplied together.
#[inline]
pub fn sum_of_products<'t, S: 't, N, E>(
    terms: impl IntoIterator<Item = (i64, &'t [S])>,
    value: impl Fn(&'t S) -> Result<N, E>,
) -> Result<N, E>
where
    N: Number,
    E: From<N::Lost>,
{
    let terms = terms.into_iter();
    sum(terms.map(|(coefficient, symbols)| product(coefficient, symbols.iter().map(&value))))
}

/// The quotient, rounded down; `None` where the divisor is not positive. Euclid's is that one then, and cannot overflow.
#[inline]
pub fn floor_div(numerator: i64, divisor: i64) -> Option<i64> {
    (divisor >= 1).then(|| numerator.div_euclid(divisor))
}

/// The quotient, rounded up; `None` where the divisor is not positive.
#[inline]
pub fn ceil_div(numerator: i64, divisor: i64) -> Option<i64> {
    let floor = floor_div(numerator, divisor)?;
    // What a divisor does not divide is at most half of what 64 bits hold.
    Some(if numerator.rem_euclid(divisor) == 0 { floor } else { floor + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_divisor_is_positive() {
        assert_eq!((floor_div(7, 0), ceil_div(7, -1)), (None, None));
        assert_eq!(
            (floor_div(i64::MIN, 1), ceil_div(i64::MAX, 1)),
            (Some(i64::MIN), Some(i64::MAX))
        );
    }

    #[test]
    fn what_an_integer_does_not_hold_is_no_value_and_f64_rounds_it() {
        let square = [(1, ["a", "a"].as_slice())];
        assert_eq!(sum_of_products(square, |_| Ok::<_, NoValue>(1i64 << 40)), Err(NoValue));
        assert_eq!(sum_of_products(square, |_| Ok::<_, NoValue>(2f64.powi(40))), Ok(2f64.powi(80)));
        assert_eq!(sum_of_products(square, |_| Err::<i64, _>(NoValue)), Err(NoValue));
    }

    proptest! {
        #[test]
        fn quotients_are_rounded_down_and_up(numerator in any::<i64>(), divisor in 1i64..1 << 40) {
            let wide = |quotient: Option<i64>| i128::from(quotient.unwrap()) * i128::from(divisor);
            let (below, above) = (wide(floor_div(numerator, divisor)), wide(ceil_div(numerator, divisor)));
            let (numerator, divisor) = (i128::from(numerator), i128::from(divisor));
            prop_assert!(numerator - divisor < below && below <= numerator);
            prop_assert!(numerator <= above && above < numerator + divisor);
        }
    }
}
