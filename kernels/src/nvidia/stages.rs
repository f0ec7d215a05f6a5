//! [`Stages`]: parts of shared memory that take turns: one is read while copies are on their way to others.

use crate::mlir::{Builder, Comparison, Type, Value};

/// Stages, one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stages {
    /// The bytes at which the first lies.
    pub(crate) first: i64,
    /// How many there are.
    pub(crate) count: i64,
    /// Bytes of each.
    pub(crate) bytes: i64,
}

impl Stages {
    /// The bytes at which the stage of that number lies, counted round and round.
    pub(crate) fn at(&self, number: i64) -> i64 {
        self.first + number % self.count * self.bytes
    }

    /// The bytes at which the stage lies whose turn is after that of one.
    pub(crate) fn after(&self, b: &mut Builder, stage: Value) -> Value {
        let next = b.add_constant(stage, self.bytes);
        let end = self.first + self.count * self.bytes;
        let [first, end] = [self.first, end].map(|at| b.integer(at, Type::I32));
        let is_over = b.compare(Comparison::Equal, next, end);
        b.select(is_over, first, next)
    }
}
