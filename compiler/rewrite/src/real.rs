//! [`Real`]: a number of the cost model, one alone or several side by side. The model is written once: at one size it is
//! asked in `f64`, and over thousands of sizes in [`Lanes`], whose loops become vector instructions. Both give the same
//! numbers to the bit.

use ocellus_dialects::symbolic::Number;
use std::convert::Infallible;
use std::ops::{Add, Div, Mul};

/// How many sizes [`Lanes`] holds.
pub const LANES: usize = 16;

/// From here on every `f64` is whole.
const ALL_ARE_WHOLE: f64 = (1u64 << 52) as f64;

/// What the cost model computes with. Its numbers are not negative.
pub trait Real:
    Copy + Number<Lost = Infallible> + Add<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// That number.
    fn of(number: f64) -> Self;

    /// A function of three numbers, for each size by itself.
    fn zip(self, b: Self, c: Self, function: impl Fn(f64, f64, f64) -> f64) -> Self;

    /// `then` where the number is at most the bound, else `otherwise`.
    fn if_at_most(self, bound: f64, then: Self, otherwise: Self) -> Self {
        self.zip(then, otherwise, |x, then, otherwise| if x <= bound { then } else { otherwise })
    }

    /// The greater of the two.
    fn max(self, other: Self) -> Self {
        self.zip(other, other, |a, b, _| if a > b { a } else { b })
    }

    /// The less of the two.
    fn min(self, other: Self) -> Self {
        self.zip(other, other, |a, b, _| if a < b { a } else { b })
    }

    /// The least whole number that is not less. (`f64::ceil` is a call, unless the compiler may use SSE 4.1.)
    fn ceil(self) -> Self {
        self.zip(self, self, |x, _, _| {
            let near = (x + ALL_ARE_WHOLE) - ALL_ARE_WHOLE;
            let above = if near < x { near + 1.0 } else { near };
            if x < ALL_ARE_WHOLE { above } else { x }
        })
    }
}

impl Real for f64 {
    fn of(number: f64) -> Self {
        number
    }

    fn zip(self, b: f64, c: f64, function: impl Fn(f64, f64, f64) -> f64) -> f64 {
        function(self, b, c)
    }
}

/// Numbers for several sizes, side by side.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(pub [f64; LANES]);

impl Real for Lanes {
    fn of(number: f64) -> Self {
        Lanes([number; LANES])
    }

    #[inline]
    fn zip(mut self, b: Self, c: Self, function: impl Fn(f64, f64, f64) -> f64) -> Self {
        for ((a, b), c) in self.0.iter_mut().zip(&b.0).zip(&c.0) {
            *a = function(*a, *b, *c);
        }
        self
    }
}

impl Number for Lanes {
    type Lost = Infallible;

    fn whole(value: i64) -> Self {
        Lanes::of(value as f64)
    }

    #[inline]
    fn add(&mut self, other: Lanes) -> Result<(), Infallible> {
        *self = *self + other;
        Ok(())
    }

    #[inline]
    fn multiply(&mut self, other: Lanes) -> Result<(), Infallible> {
        *self = *self * other;
        Ok(())
    }
}

impl Add for Lanes {
    type Output = Lanes;

    #[inline]
    fn add(self, other: Lanes) -> Lanes {
        self.zip(other, other, |a, b, _| a + b)
    }
}

impl Mul for Lanes {
    type Output = Lanes;

    #[inline]
    fn mul(self, other: Lanes) -> Lanes {
        self.zip(other, other, |a, b, _| a * b)
    }
}

impl Div for Lanes {
    type Output = Lanes;

    #[inline]
    fn div(self, other: Lanes) -> Lanes {
        self.zip(other, other, |a, b, _| a / b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_up_is_that_of_the_standard_library(x in prop_oneof![0.0f64..1e4, 0.0f64..1e18]) {
            prop_assert_eq!(Real::ceil(x), f64::ceil(x));
            prop_assert_eq!(Real::ceil(x.floor()), x.floor());
            prop_assert_eq!(Lanes::of(x).ceil().0, [f64::ceil(x); LANES]);
        }
    }
}
