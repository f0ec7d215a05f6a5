//! [`IndexBounds`]: what indices must be.

use crate::symbolic::Dim;

/// What the elements of an index argument must be. They are whole numbers in any case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexBounds {
    /// They are numbers of rows, not negative and less than each of these. Without any, they are only compared.
    pub below: Vec<Dim>,
    /// They are a permutation: of `n` indices, each of `0..n` is there once.
    pub permutation: bool,
}

impl IndexBounds {
    /// Demands what another demands too.
    pub(super) fn add(&mut self, other: &IndexBounds) {
        let new = other.below.iter().filter(|dim| !self.below.contains(dim)).cloned();
        let new: Vec<Dim> = new.collect();
        self.below.extend(new);
        self.permutation |= other.permutation;
    }
}
