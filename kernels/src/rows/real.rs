//! [`Real`]: a constant of a kernel.

use crate::arguments::constants;
use std::fmt;

/// A real constant of a kernel; two are equal where their bits are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Real(u64);

constants!(Real);

impl Real {
    /// That number.
    pub fn new(value: f64) -> Self {
        Real(value.to_bits())
    }

    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
