//! Copies runs of elements from place to place, each place a sum of indices times strides.

mod emit;

use super::Movement;
use crate::arguments::{
    Address, Count, Distance, Fixed, Flat, Given, Positive, Tensor, Words, argument_block, flatten,
};
use crate::{Launch, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};

/// Copies of operands into one result, one after the other. The two outermost loops, over images and over rows, are the tiles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StridedCopy {
    /// How elements are stored.
    pub element: ElementType,
    /// Rows of a tile.
    pub tile_rows: i64,
    /// What is copied of each operand.
    pub copies: Vec<OperandCopyArguments>,
}

/// One level of a loop nest: how often, and how far apart in the operand and in the result, in elements.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) count: Dim,
    pub(super) from: Dim,
    pub(super) to: Dim,
}

/// One operand's part of the result.
#[derive(Clone, Debug)]
pub(super) struct OperandCopy {
    /// Which operand.
    pub(super) operand: usize,
    /// Where it starts in the operand, in elements.
    pub(super) from: Dim,
    /// Where it starts in the result.
    pub(super) to: Dim,
    /// Elements that follow each other in both.
    pub(super) run: Dim,
    /// Each run begins at a multiple of so many elements in both, where a target asks for it.
    pub(super) at_once: i64,
    /// Images, rows, and what is inside.
    pub(super) levels: [Level; 2],
    /// The loops inside.
    pub(super) inner: Vec<Level>,
}

argument_block! {
    /// The argument block of a [`StridedCopy`].
    struct StridedCopyArguments<S> {
        /// Rows of the copy that has most, or more.
        rows: Positive<S>,
        result: Address<S>,
        copies: Vec<OperandCopyArguments<S>>,
    }
}

argument_block! {
    /// What is copied of an operand, as code reads it.
    pub struct OperandCopyArguments<S> {
        operand: Address<S>,
        /// Where it starts.
        start: Places<S>,
        /// Elements that follow each other in both.
        run: Count<S>,
        /// How many those are, where that is known at compile time.
        known_run: Option<i64>,
        /// How many a thread of a GPU copies at once; 1 on a CPU.
        at_once: i64,
        /// From each image to the next.
        images: Places<S>,
        rows: LevelArguments<S>,
        /// The loops inside.
        inner: Vec<LevelArguments<S>>,
    }
}

argument_block! {
    /// A level, as code reads it.
    pub struct LevelArguments<S> {
        count: Count<S>,
        /// From each round to the next.
        step: Places<S>,
    }
}

argument_block! {
    /// As many elements in the operand and in the result.
    pub struct Places<S> {
        from: Distance<S>,
        to: Distance<S>,
    }
}

impl OperandCopy {
    /// The distances at which runs begin, in the operand and in the result.
    pub(super) fn distances(&self) -> impl Iterator<Item = &Dim> {
        let levels = self.levels.iter().chain(&self.inner);
        [&self.from, &self.to].into_iter().chain(levels.flat_map(|level| [&level.from, &level.to]))
    }
}

impl OperandCopyArguments<Given> {
    fn of(copy: &OperandCopy) -> Self {
        let [images, rows] = &copy.levels;
        OperandCopyArguments {
            operand: Address(Tensor::Operand(copy.operand)),
            start: Places::of(&copy.from, &copy.to),
            run: Count(copy.run.clone()),
            known_run: copy.run.as_constant(),
            at_once: copy.at_once,
            images: Places::of(&images.from, &images.to),
            rows: LevelArguments::of(rows),
            inner: copy.inner.iter().map(LevelArguments::of).collect(),
        }
    }
}

impl LevelArguments<Given> {
    fn of(level: &Level) -> Self {
        LevelArguments {
            count: Count(level.count.clone()),
            step: Places::of(&level.from, &level.to),
        }
    }
}

impl Places<Given> {
    fn of(from: &Dim, to: &Dim) -> Self {
        Places { from: Distance(from.clone()), to: Distance(to.clone()) }
    }
}

impl StridedCopy {
    /// The launch.
    pub(super) fn launch(
        element: ElementType,
        tile_rows: i64,
        (images, rows): (Dim, Dim),
        copies: &[OperandCopy],
    ) -> Launch<Movement> {
        let Flat { words, shape } = flatten(StridedCopyArguments::<Given> {
            rows: Positive(rows.clone()),
            result: Address(Tensor::Result),
            copies: copies.iter().map(OperandCopyArguments::of).collect(),
        });
        let copy = StridedCopy { element, tile_rows, copies: shape.copies };
        Launch {
            arguments: words,
            tiles: Tiles(vec![(images, 1), (rows, tile_rows)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::Copy(copy),
        }
    }

    /// Which words its argument block has.
    fn arguments(&self) -> StridedCopyArguments {
        StridedCopyArguments {
            rows: Positive::fixed(),
            result: Address::fixed(),
            copies: self.copies.clone(),
        }
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self) -> Signature {
        let (mut words, arguments) = Words::of(self.arguments());
        let images = Amount::Tiles.ceil_div(arguments.rows.amount().ceil_div(self.tile_rows));
        let mut written = vec![];
        for copy in &arguments.copies {
            let run = copy.known_run.map_or(copy.run.amount(), Amount::Constant);
            let mut read = Walk::run(run.clone()).from(copy.start.from.amount());
            let mut write = Walk::run(run).from(copy.start.to.amount());
            read = read.times(images.clone(), copy.images.from.amount());
            write = write.times(images.clone(), copy.images.to.amount());
            for level in [&copy.rows].into_iter().chain(&copy.inner) {
                read = read.times(level.count.amount(), level.step.from.amount());
                write = write.times(level.count.amount(), level.step.to.amount());
            }
            words.read(&copy.operand, self.element, [read]);
            written.push(write);
        }
        words.write(&arguments.result, self.element, written);
        words.by_image(0)
    }
}
