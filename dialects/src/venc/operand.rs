//! [`Operand`]: what an operation declares of something that it is applied to.

use std::ops::RangeInclusive;

/// An operand, as an operation declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its name in the description of the operation.
    pub name: &'static str,
    /// What its elements are.
    pub holds: Holds,
    /// The least number of dimensions.
    pub least_rank: usize,
    /// The greatest number of dimensions.
    pub greatest_rank: usize,
    /// How often it is there.
    pub times: Times,
}

/// What the elements of an operand are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Numbers, which are computed with.
    Numbers,
    /// Numbers of rows or of segments, stored as `i32`.
    Indices,
}

/// How often an operand is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Once, or not at all: all such operands of an operation are there, or none.
    Optional,
    /// Any number of times; it is the last.
    Repeated,
}

/// An operand of numbers, of any rank.
pub(super) const fn numbers(name: &'static str) -> Operand {
    Operand {
        name,
        holds: Holds::Numbers,
        least_rank: 0,
        greatest_rank: usize::MAX,
        times: Times::Once,
    }
}

/// An operand of indices, of any rank.
pub(super) const fn indices(name: &'static str) -> Operand {
    Operand { holds: Holds::Indices, ..numbers(name) }
}

impl Operand {
    pub(super) const fn rank(self, rank: usize) -> Self {
        Operand { least_rank: rank, greatest_rank: rank, ..self }
    }

    pub(super) const fn at_least(self, rank: usize) -> Self {
        Operand { least_rank: rank, ..self }
    }

    pub(super) const fn ranks(self, ranks: RangeInclusive<usize>) -> Self {
        Operand { least_rank: *ranks.start(), greatest_rank: *ranks.end(), ..self }
    }

    pub(super) const fn optional(self) -> Self {
        Operand { times: Times::Optional, ..self }
    }

    pub(super) const fn repeated(self) -> Self {
        Operand { times: Times::Repeated, ..self }
    }
}
