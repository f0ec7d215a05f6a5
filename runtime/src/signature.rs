//! [`Signature`]: what a kernel does with its argument block.
//!
//! A plan says what a kernel is given; only the kernel knows what it does with it. So the compiler writes, beside each
//! kernel and from its definition, a signature into the code object: how many words it reads, which of them are
//! addresses, which of these it writes, and how far it reaches from each, as an expression of the numbers that it is
//! given. Before a launch is bound, the session holds the plan's words against it. Whatever a plan says, a kernel then
//! stays inside the memory that it was given, and writes nothing that was lent.
//!
//! It is part of the artifact's format: JSON, ended by a zero byte, at the symbol that [`Signature::symbol_of`] names.

use ocellus_dialects::plan::Plan;
use ocellus_dialects::symbolic::{NoValue, ceil_div, product, sum};
use serde::{Deserialize, Serialize};

/// The symbol at which a code object names the plan that it was compiled for, by its [hash](plan_hash): a text like a
/// signature. Whatever else a changed plan would make of the kernels, it is not what was compiled, so a session refuses it.
/// A code object without the symbol goes with any plan.
pub const PLAN_SYMBOL: &str = "ocellus_plan";

/// The hash of a plan's text, by which a code object names it.
pub fn plan_hash(plan: &Plan) -> String {
    // Nothing in a plan can fail to be written: no map, no number that JSON lacks.
    let text = serde_json::to_string(plan).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_string()
}

/// The greatest number of things that a kernel counts: their products by each other fit into 63 bits.
pub const MAX_COUNT: i64 = i32::MAX as i64;

/// The greatest distance between two things, in elements.
pub const MAX_DISTANCE: i64 = 1 << 48;

/// A number that the argument block determines. None is ever negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Itself.
    Constant(i64),
    /// The word at that position, which is a number.
    Word(usize),
    /// How many tiles are launched.
    Tiles,
    /// The sum.
    Sum(Box<(Amount, Amount)>),
    /// The product.
    Product(Box<(Amount, Amount)>),
    /// The quotient, rounded up.
    CeilDiv(Box<(Amount, Amount)>),
    /// The lesser.
    Min(Box<(Amount, Amount)>),
}

impl Amount {
    /// Its value where no launch changes that.
    pub fn as_constant(&self) -> Option<i64> {
        match self {
            Amount::Constant(value) => Some(*value),
            Amount::Word(_)
            | Amount::Tiles
            | Amount::Sum(_)
            | Amount::Product(_)
            | Amount::CeilDiv(_)
            | Amount::Min(_) => None,
        }
    }

    /// The quotient, rounded up.
    pub fn ceil_div(self, divisor: impl Into<Amount>) -> Amount {
        Amount::CeilDiv(Box::new((self, divisor.into())))
    }

    /// The lesser.
    pub fn min(self, other: impl Into<Amount>) -> Amount {
        Amount::Min(Box::new((self, other.into())))
    }

    /// Its value in a launch; `None` where it has none, or one that 63 bits do not hold.
    fn value(&self, launch: &LaunchWords) -> Option<i64> {
        let both = |pair: &(Amount, Amount)| Some((pair.0.value(launch)?, pair.1.value(launch)?));
        let parts = |pair: &(Amount, Amount)| {
            [&pair.0, &pair.1].map(|part| part.value(launch).ok_or(NoValue))
        };
        match self {
            Amount::Constant(value) => Some(*value),
            Amount::Word(position) => launch.words.get(*position).copied(),
            Amount::Tiles => Some(launch.tiles),
            Amount::Sum(pair) => sum(parts(pair)).ok(),
            Amount::Product(pair) => product(1, parts(pair)).ok(),
            Amount::Min(pair) => both(pair).map(|(a, b)| a.min(b)),
            Amount::CeilDiv(pair) => match both(pair)? {
                (a, b) if a >= 0 => ceil_div(a, b),
                _ => None,
            },
        }
    }
}

impl From<i64> for Amount {
    fn from(value: i64) -> Self {
        Amount::Constant(value)
    }
}

impl<T: Into<Amount>> std::ops::Add<T> for Amount {
    type Output = Amount;

    fn add(self, other: T) -> Amount {
        Amount::Sum(Box::new((self, other.into())))
    }
}

impl<T: Into<Amount>> std::ops::Mul<T> for Amount {
    type Output = Amount;

    fn mul(self, other: T) -> Amount {
        Amount::Product(Box::new((self, other.into())))
    }
}

/// Some elements that follow each other, again and again: loops around a run, each with the distance from one round to
/// the next. All lengths are in elements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Where the first run starts.
    pub start: Amount,
    /// How often, and how far apart.
    pub loops: Vec<(Amount, Amount)>,
    /// The elements of a run.
    pub run: Amount,
}

impl Walk {
    /// One run, from the address on.
    pub fn run(elements: impl Into<Amount>) -> Self {
        Walk { start: Amount::Constant(0), loops: vec![], run: elements.into() }
    }

    /// The same, so many times, each so far behind the one before.
    pub fn times(mut self, count: impl Into<Amount>, distance: impl Into<Amount>) -> Self {
        self.loops.push((count.into(), distance.into()));
        self
    }

    /// The same from another start.
    pub fn from(mut self, start: impl Into<Amount>) -> Self {
        self.start = start.into();
        self
    }

    /// How many elements it touches, those of each round counted.
    fn elements(&self, launch: &LaunchWords) -> Option<i64> {
        self.loops.iter().try_fold(self.run.value(launch)?, |elements, (count, _)| {
            elements.checked_mul(count.value(launch)?)
        })
    }

    /// How many elements behind the address it ends; zero where it touches none.
    fn end(&self, launch: &LaunchWords) -> Option<i64> {
        let run = self.run.value(launch)?;
        let mut end = self.start.value(launch)?.checked_add(run)?;
        let mut is_empty = run == 0;
        for (count, distance) in &self.loops {
            let (count, distance) = (count.value(launch)?, distance.value(launch)?);
            is_empty |= count == 0;
            end = end.checked_add(count.saturating_sub(1).max(0).checked_mul(distance)?)?;
        }
        Some(if is_empty { 0 } else { end })
    }
}

/// What a kernel does at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// An address, and what a kernel does there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Reads or writes.
    pub access: Access,
    /// Bytes of an element; the address is a multiple of it.
    pub element_bytes: i64,
    /// What is touched, at most.
    pub walks: Vec<Walk>,
}

/// A word of the argument block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A number of things, up to [`MAX_COUNT`].
    Count {
        /// The least that the kernel can do with: 1 where it divides by it.
        min: i64,
    },
    /// So many elements from one thing to the next, up to [`MAX_DISTANCE`].
    Distance,
    /// An address.
    Pointer(Pointer),
}

/// What a kernel does with its argument block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The words, in order.
    pub words: Vec<Word>,
    /// How many tiles there are, where the words say it. Otherwise the tiles say how many images there are.
    pub tiles: Option<Amount>,
    /// Bytes of scratch memory that a worker needs.
    pub scratch_bytes: Amount,
}

/// The words of a launch, zero where one is an address, and the number of its tiles.
#[derive(Clone, Copy, Debug)]
pub struct LaunchWords<'a> {
    /// The words.
    pub words: &'a [i64],
    /// The tiles.
    pub tiles: i64,
}

/// A launch that a kernel must not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A number outside what the kernel can do with.
    #[error("argument {word} is {value}, and the kernel takes {min} to {max}")]
    Number {
        /// Which word.
        word: usize,
        /// What it is.
        value: i64,
        /// The least that it may be.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// Other tiles than the arguments make.
    #[error("it has {found} tiles, and its arguments make {expected}")]
    Tiles {
        /// How many it has.
        found: i64,
        /// How many there should be.
        expected: i64,
    },
    /// Too little scratch memory.
    #[error("it has {found} bytes of scratch memory, and the kernel needs {expected}")]
    Scratch {
        /// What it has.
        found: usize,
        /// What the kernel needs.
        expected: i64,
    },
    /// Writes that would overlap: more elements than there are places.
    #[error("it would write to the same place twice")]
    Overlap,
    /// Arguments with which the kernel would reach further than 63 bits can say, or divide by zero.
    #[error(
        "its arguments make no sense together: what the kernel does with them cannot be counted"
    )]
    Uncountable,
}

impl Signature {
    /// The symbol of the signature of a kernel.
    pub fn symbol_of(kernel: &str) -> String {
        format!("{kernel}_signature")
    }

    /// The text that a code object holds.
    pub fn to_text(&self) -> String {
        // Nothing in it can fail to be written: no map, no number that JSON lacks.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the numbers of a launch are such as the kernel takes. Addresses are another matter: see
    /// [`Pointer::reach`].
    pub fn check_numbers(&self, launch: &LaunchWords, scratch_bytes: usize) -> Result<(), Misfit> {
        for (position, (word, value)) in self.words.iter().zip(launch.words).enumerate() {
            let (min, max) = match word {
                Word::Count { min } => (*min, MAX_COUNT),
                Word::Distance => (0, MAX_DISTANCE),
                Word::Pointer(_) => continue,
            };
            if !(min..=max).contains(value) {
                return Err(Misfit::Number { word: position, value: *value, min, max });
            }
        }
        let expected = match &self.tiles {
            Some(tiles) => tiles.value(launch).ok_or(Misfit::Uncountable)?,
            None => launch.tiles,
        };
        if expected != launch.tiles {
            return Err(Misfit::Tiles { found: launch.tiles, expected });
        }
        let expected = self.scratch_bytes.value(launch).ok_or(Misfit::Uncountable)?;
        match usize::try_from(expected) {
            Ok(bytes) if bytes <= scratch_bytes => Ok(()),
            _ => Err(Misfit::Scratch { found: scratch_bytes, expected }),
        }
    }
}

impl Pointer {
    /// How many bytes behind the address the kernel reaches in a launch whose numbers have been checked.
    pub fn reach(&self, launch: &LaunchWords) -> Result<usize, Misfit> {
        // A launch without tiles runs nothing.
        if launch.tiles == 0 {
            return Ok(0);
        }
        let mut reach = 0;
        for walk in &self.walks {
            let end = walk.end(launch).ok_or(Misfit::Uncountable)?;
            if self.access == Access::Write && walk.elements(launch).is_none_or(|all| all > end) {
                return Err(Misfit::Overlap);
            }
            let bytes = end.checked_mul(self.element_bytes);
            let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
            reach = reach.max(bytes.ok_or(Misfit::Uncountable)?);
        }
        Ok(reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rows` rows, in images of `words[1]` rows that lie `words[2]` apart.
    fn rows_by_image() -> Pointer {
        let [rows, per_image, distance] = [0, 1, 2].map(Amount::Word);
        let images = rows.clone().ceil_div(per_image.clone());
        let walk = Walk::run(3).times(images, distance).times(rows.min(per_image), 5);
        Pointer { access: Access::Read, element_bytes: 4, walks: vec![walk] }
    }

    #[test]
    fn a_walk_ends_with_the_last_round_of_each_loop() {
        let reach =
            |words: [i64; 3]| rows_by_image().reach(&LaunchWords { words: &words, tiles: 1 });
        assert_eq!(reach([1, 7, 100]), Ok(4 * 3));
        assert_eq!(reach([7, 7, 100]), Ok(4 * (6 * 5 + 3)));
        assert_eq!(reach([8, 7, 100]), Ok(4 * (100 + 6 * 5 + 3)));
        assert_eq!(reach([0, 7, 100]), Ok(0));
        assert_eq!(reach([8, 0, 100]), Err(Misfit::Uncountable));
        assert_eq!(reach([i64::MAX, 1, i64::MAX]), Err(Misfit::Uncountable));
        let none = LaunchWords { words: &[8, 0, 100], tiles: 0 };
        assert_eq!(rows_by_image().reach(&none), Ok(0));
    }

    fn signature() -> Signature {
        let [rows, _] = [0, 1].map(Amount::Word);
        Signature {
            words: vec![Word::Count { min: 1 }, Word::Distance, Word::Pointer(rows_by_image())],
            tiles: Some(rows.clone().ceil_div(4)),
            scratch_bytes: rows * 8 + 1,
        }
    }

    #[test]
    fn numbers_tiles_and_scratch_are_held_against_each_other() {
        let check = |words: [i64; 3], tiles, scratch| {
            signature().check_numbers(&LaunchWords { words: &words, tiles }, scratch)
        };
        assert_eq!(check([5, 9, 0], 2, 41), Ok(()));
        let misfit = |words, tiles, scratch| check(words, tiles, scratch).unwrap_err().to_string();
        assert_eq!(
            misfit([0, 9, 0], 0, 1),
            "argument 0 is 0, and the kernel takes 1 to 2147483647"
        );
        assert!(misfit([1 << 31, 9, 0], 2, 41).contains("argument 0 is 2147483648"));
        assert!(misfit([5, -1, 0], 2, 41).contains("argument 1 is -1"));
        assert_eq!(misfit([5, 9, 0], 1, 41), "it has 1 tiles, and its arguments make 2");
        assert_eq!(
            misfit([5, 9, 0], 2, 40),
            "it has 40 bytes of scratch memory, and the kernel needs 41"
        );
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let text = signature().to_text();
        assert_eq!(serde_json::from_str::<Signature>(&text).unwrap(), signature());
        assert!(!text.contains('\0'));
    }
}
