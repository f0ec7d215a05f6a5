//! Sets of classes as bits: a frontier is one, and so is what all ways to make a class go through.

use smallvec::{SmallVec, smallvec};

/// A set of classes. A search keeps one for every state: those of a usual problem, of a few hundred classes, stay off the
/// heap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ClassSet(SmallVec<[u64; 4]>);

impl ClassSet {
    pub(super) fn empty(classes: usize) -> Self {
        ClassSet(smallvec![0; classes.div_ceil(64)])
    }

    pub(super) fn full(classes: usize) -> Self {
        ClassSet(smallvec![u64::MAX; classes.div_ceil(64)])
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(super) fn fill(&mut self) {
        self.0.fill(u64::MAX);
    }

    pub(super) fn insert(&mut self, class: usize) {
        self.0[class / 64] |= 1 << (class % 64);
    }

    pub(super) fn remove(&mut self, class: usize) {
        self.0[class / 64] &= !(1 << (class % 64));
    }

    pub(super) fn unite(&mut self, other: &ClassSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    pub(super) fn intersect(&mut self, other: &ClassSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }
}
