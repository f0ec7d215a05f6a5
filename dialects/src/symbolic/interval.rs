//! [`Interval`]: the least and the greatest value that a dimension can take.

use super::Number;
use std::convert::Infallible;

/// All integers from `min` to `max`, both included. Arithmetic saturates, so that `i64::MAX` reads "unbounded".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
}

impl Interval {
    /// The interval of one value.
    pub fn point(value: i64) -> Self {
        Interval { min: value, max: value }
    }

    /// Whether `value` lies inside.
    pub fn contains(self, value: i64) -> bool {
        (self.min..=self.max).contains(&value)
    }

    /// Every value divided by `divisor` (positive) and rounded down.
    pub fn floor_div(self, divisor: i64) -> Interval {
        Interval { min: self.min.div_euclid(divisor), max: self.max.div_euclid(divisor) }
    }
}

impl Number for Interval {
    type Lost = Infallible;

    fn whole(value: i64) -> Self {
        Interval::point(value)
    }

    /// Every sum of one value of each.
    fn add(&mut self, other: Interval) -> Result<(), Infallible> {
        self.min = self.min.saturating_add(other.min);
        self.max = self.max.saturating_add(other.max);
        Ok(())
    }

    /// Every product of one value of each lies inside.
    fn multiply(&mut self, other: Interval) -> Result<(), Infallible> {
        let corners = [
            self.min.saturating_mul(other.min),
            self.min.saturating_mul(other.max),
            self.max.saturating_mul(other.min),
            self.max.saturating_mul(other.max),
        ];
        *self = corners.into_iter().fold(Interval::point(corners[0]), |hull, corner| Interval {
            min: hull.min.min(corner),
            max: hull.max.max(corner),
        });
        Ok(())
    }
}
