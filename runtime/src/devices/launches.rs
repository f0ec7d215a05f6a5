//! [`Launches`]: all launches of a program at one size, as a device takes them.

use std::ops::Range;

/// One launch, all addresses and sizes resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch<'a> {
    /// Which kernel, by its position in the plan that the device was [loaded](super::DeviceKind::load) with.
    pub kernel: usize,
    /// The argument block.
    pub arguments: &'a [i64],
    /// How many tiles there are.
    pub tiles: u32,
    /// How much scratch memory each worker needs.
    pub scratch_bytes: usize,
}

/// A launch, whose arguments are a part of the words of all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kernel: usize,
    words: Range<usize>,
    tiles: u32,
    scratch_bytes: usize,
}

/// The launches of a program in order, and the words of all their argument blocks, one block behind the other. At every
/// size a program has the same kernels in the same order, and the same words in number: what changes is
/// [said](Self::changes_since).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launches {
    program: usize,
    entries: Vec<Entry>,
    words: Vec<i64>,
}

/// What tells two runs of a program apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The words that are others, by their position among those of all launches.
    pub words: Vec<usize>,
    /// The launches that have another number of tiles, or need other scratch memory.
    pub launches: Vec<usize>,
}

impl Launches {
    /// No launches yet of the program with that position in the plan.
    pub fn of_program(program: usize) -> Self {
        Launches { program, entries: Vec::new(), words: Vec::new() }
    }

    /// Which program of the plan it is.
    pub fn program(&self) -> usize {
        self.program
    }

    /// Adds a launch.
    pub fn push(&mut self, launch: Launch<'_>) {
        let Launch { kernel, arguments, tiles, scratch_bytes } = launch;
        let start = self.words.len();
        self.words.extend_from_slice(arguments);
        self.entries.push(Entry { kernel, words: start..self.words.len(), tiles, scratch_bytes });
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Launch<'_>> {
        self.entries.iter().map(|Entry { kernel, words, tiles, scratch_bytes }| Launch {
            kernel: *kernel,
            arguments: &self.words[words.clone()],
            tiles: *tiles,
            scratch_bytes: *scratch_bytes,
        })
    }

    /// The most scratch memory that any of them needs.
    pub fn scratch_bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.scratch_bytes).max().unwrap_or(0)
    }

    /// The words of all argument blocks, in the order of the launches.
    pub fn words(&self) -> &[i64] {
        &self.words
    }

    /// The same, to be changed.
    pub fn words_mut(&mut self) -> &mut [i64] {
        &mut self.words
    }

    /// What is not as it was when `last` ran; `None` where that is another program. It is found by comparing all of both,
    /// which takes a fraction of a launch: a list of what the symbols can change would be one more thing that can be wrong,
    /// and a size that it forgot would go stale without a word.
    pub fn changes_since(&self, last: &Launches) -> Option<Changes> {
        let shape = |entry: &Entry| (entry.kernel, entry.words.clone());
        let has_same_shape = self.entries.iter().map(shape).eq(last.entries.iter().map(shape));
        if self.program != last.program || !has_same_shape {
            return None;
        }
        let words = self.words.iter().zip(&last.words).enumerate();
        let launches = self.entries.iter().zip(&last.entries).enumerate();
        Some(Changes {
            words: words.filter(|(_, (now, then))| now != then).map(|(word, _)| word).collect(),
            launches: launches
                .filter(|(_, (now, then))| now != then)
                .map(|(launch, _)| launch)
                .collect(),
        })
    }

    /// The launches that [changes](Self::changes_since) concern, in order, each with its position.
    pub fn concerned_by<'a>(
        &'a self,
        changes: &'a Changes,
    ) -> impl Iterator<Item = (usize, Launch<'a>)> {
        let mut words = changes.words.iter().peekable();
        let mut launches = changes.launches.iter().peekable();
        let all = self.iter().zip(&self.entries).enumerate();
        all.filter_map(move |(position, (launch, entry))| {
            let mut is_concerned = launches.next_if_eq(&&position).is_some();
            while words.next_if(|word| **word < entry.words.end).is_some() {
                is_concerned = true;
            }
            is_concerned.then_some((position, launch))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launches(program: usize, kernel: usize, sizes: [i64; 2]) -> Launches {
        let mut launches = Launches::of_program(program);
        for (position, size) in sizes.into_iter().enumerate() {
            launches.push(Launch {
                kernel: kernel + position,
                arguments: &[7, size, 100],
                tiles: size as u32 / 10,
                scratch_bytes: 0,
            });
        }
        launches
    }

    #[test]
    fn what_changed_is_said_and_nothing_else() {
        let last = launches(3, 0, [20, 30]);
        let changes = |now: Launches| now.changes_since(&last);
        assert_eq!(changes(last.clone()), Some(Changes::default()));
        // Another size, which makes as many tiles.
        let same_tiles = Changes { words: vec![4], launches: vec![] };
        assert_eq!(changes(launches(3, 0, [20, 31])), Some(same_tiles));
        let other_tiles = Changes { words: vec![1], launches: vec![0] };
        assert_eq!(changes(launches(3, 0, [90, 30])), Some(other_tiles));
    }

    #[test]
    fn a_launch_is_concerned_once_by_all_that_changes_in_it() {
        let launches = launches(3, 0, [20, 30]);
        let concerned = |words: &[usize], launch: &[usize]| {
            let changes = Changes { words: words.to_vec(), launches: launch.to_vec() };
            let concerned = launches.concerned_by(&changes);
            concerned.map(|(position, launch)| (position, launch.kernel)).collect::<Vec<_>>()
        };
        assert_eq!(concerned(&[], &[]), []);
        assert_eq!(concerned(&[0, 2], &[0]), [(0, 0)]);
        assert_eq!(concerned(&[3], &[]), [(1, 1)]);
        assert_eq!(concerned(&[2, 5], &[]), [(0, 0), (1, 1)]);
        assert_eq!(concerned(&[], &[1]), [(1, 1)]);
    }

    #[test]
    fn another_program_is_no_change_of_the_last() {
        let last = launches(3, 0, [20, 30]);
        assert_eq!(launches(4, 0, [20, 30]).changes_since(&last), None);
        assert_eq!(launches(3, 1, [20, 30]).changes_since(&last), None);
    }
}
