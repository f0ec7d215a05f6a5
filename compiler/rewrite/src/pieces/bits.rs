//! [`Bits`]: a set of small numbers, sixty-four a word. Which samples a program serves is one.

/// A set of numbers below a bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// None of the numbers below `len`.
    pub fn none(len: usize) -> Self {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    /// All numbers below `len`.
    pub fn all(len: usize) -> Self {
        let mut bits = Bits { words: vec![u64::MAX; len.div_ceil(64)], len };
        if let (Some(last), rest @ 1..) = (bits.words.last_mut(), len % 64) {
            *last = (1 << rest) - 1;
        }
        bits
    }

    /// The positions of the values that are wanted.
    pub fn of<T>(values: &[T], is_wanted: impl Fn(&T) -> bool) -> Self {
        let word = |values: &[T]| {
            let bit = |(number, value): (usize, &T)| u64::from(is_wanted(value)) << number;
            values.iter().enumerate().map(bit).fold(0, |word, bit| word | bit)
        };
        Bits { words: values.chunks(64).map(word).collect(), len: values.len() }
    }

    /// Puts a number in.
    pub fn insert(&mut self, number: usize) {
        self.words[number / 64] |= 1 << (number % 64);
    }

    /// Puts all of another set in.
    pub fn unite(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// Takes all of another set out.
    pub fn subtract(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// How many numbers are in both.
    pub fn common(&self, other: &Bits) -> usize {
        let words = self.words.iter().zip(&other.words);
        words.map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// The least number in the set from `from` on; the bound where there is none.
    pub fn first_from(&self, from: usize) -> usize {
        let mut word = from / 64;
        let Some(first) = self.words.get(word) else { return self.len };
        let mut bits = first & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            match self.words.get(word) {
                Some(next) => bits = *next,
                None => return self.len,
            }
        }
        (word * 64 + bits.trailing_zeros() as usize).min(self.len)
    }
}

/// No more than `most` of the sets, found greedily, that hold as many numbers below `len` between them as can be: of equals
/// the first, so that the same sets are always covered alike.
pub fn cover(sets: &[Bits], len: usize, max: usize) -> Vec<usize> {
    let mut open = Bits::all(len);
    let mut chosen = vec![];
    while chosen.len() < max {
        let common = |set: &usize| sets[*set].common(&open);
        let Some(best) = (0..sets.len()).rev().max_by_key(common) else { break };
        if common(&best) == 0 {
            break;
        }
        open.subtract(&sets[best]);
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn they_are_what_a_set_of_numbers_is(
            a in proptest::collection::btree_set(0usize..200, 0..60),
            b in proptest::collection::btree_set(0usize..200, 0..60),
            from in 0usize..210,
        ) {
            let numbers: Vec<usize> = (0..200).collect();
            let bits = |set: &BTreeSet<usize>| Bits::of(&numbers, |number| set.contains(number));
            prop_assert_eq!(Bits::all(200), bits(&numbers.iter().copied().collect()));
            let (mut one, other) = (bits(&a), bits(&b));
            prop_assert_eq!(one.common(&other), a.intersection(&b).count());
            prop_assert_eq!(one.first_from(from), a.range(from..).next().copied().unwrap_or(200));
            one.unite(&other);
            prop_assert_eq!(&one, &bits(&a.union(&b).copied().collect()));
            one.subtract(&other);
            prop_assert_eq!(&one, &bits(&a.difference(&b).copied().collect()));
            one.insert(from.min(199));
            prop_assert_eq!(one.first_from(from.min(199)), from.min(199));
        }
    }
}
