//! What a launch read and wrote of global memory, for a launch behind it that begins before it has ended.

use std::ops::Range;

/// Ranges of addresses that a launch read and wrote.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Footprint {
    read: Vec<Range<u64>>,
    written: Vec<Range<u64>>,
}

impl Footprint {
    /// What was written, in the order of the addresses.
    pub fn written(&self) -> &[Range<u64>] {
        &self.written
    }

    /// What was read and not written, in the order of the addresses.
    pub fn read(&self) -> &[Range<u64>] {
        &self.read
    }

    /// Adds a range that lies behind all others.
    pub(crate) fn push(&mut self, range: Range<u64>, is_written: bool) {
        let ranges = if is_written { &mut self.written } else { &mut self.read };
        match ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        }
    }

    /// Both.
    pub(crate) fn with(&self, other: &Self) -> Self {
        Self {
            read: united(&self.read, &other.read),
            written: united(&self.written, &other.written),
        }
    }

    /// Whether a use of a range does not agree with what the launch may still do: it reads what that writes, or writes what
    /// that reads or writes.
    pub(crate) fn conflicts(&self, range: &Range<u64>, is_write: bool) -> bool {
        touches(&self.written, range) || is_write && touches(&self.read, range)
    }
}

/// The ranges of both, in the order of the addresses, none touching another.
fn united(some: &[Range<u64>], others: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut all = [some, others].concat();
    all.sort_unstable_by_key(|range| range.start);
    let mut united: Vec<Range<u64>> = Vec::with_capacity(all.len());
    for range in all {
        match united.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => united.push(range),
        }
    }
    united
}

fn touches(ranges: &[Range<u64>], range: &Range<u64>) -> bool {
    let first = ranges.partition_point(|other| other.end <= range.start);
    ranges.get(first).is_some_and(|other| other.start < range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_one_in_order() {
        let of = |ranges: &[Range<u64>]| {
            let mut footprint = Footprint::default();
            ranges.iter().for_each(|range| footprint.push(range.clone(), true));
            footprint
        };
        let both = of(&[0..16, 64..80]).with(&of(&[8..32, 80..96, 112..128]));
        assert_eq!(both.written(), [0..32, 64..96, 112..128]);
    }

    #[test]
    fn a_use_is_held_against_all_ranges() {
        let mut footprint = Footprint::default();
        for (range, is_written) in
            [(16..32, true), (32..48, true), (64..80, false), (96..112, true)]
        {
            footprint.push(range, is_written);
        }
        assert_eq!(footprint.written(), [16..48, 96..112]);
        assert_eq!(footprint.read(), std::slice::from_ref(&(64..80)));
        assert!(footprint.conflicts(&(44..52), false) && footprint.conflicts(&(108..109), false));
        assert!(!footprint.conflicts(&(48..64), true) && !footprint.conflicts(&(0..16), true));
        assert!(!footprint.conflicts(&(64..68), false) && footprint.conflicts(&(64..68), true));
    }
}
