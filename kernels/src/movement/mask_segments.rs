//! Scores between segments become minus infinity: what remains of a mask where no attention reads the result.

use super::image_rows::ImageRows;
use super::{Movement, SegmentsOperand, expect_rank};
use crate::arguments::{Fixed, Given, Positive, Tensor, Words, argument_block, flatten, place};
use crate::entry::{Entry, Worker};
use crate::launch::operand;
use crate::mlir::{Comparison, Module, Scalar, Type};
use crate::rows::{ImageExtent, RowsOfImages};
use crate::vector::{Columns, Width, at_once, element_pointer, for_columns, load, store};
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MaskSegments {
    /// How the scores are stored.
    pub element: ElementType,
    /// Scores that a thread of a GPU reads and writes at once; 1 on a CPU.
    pub at_once: u32,
}

/// Rows of a tile.
const TILE_ROWS: i64 = 16;

argument_block! {
    /// The argument block of a [`MaskSegments`].
    struct MaskSegmentsArguments<S> {
        scores: RowsOfImages<S>,
        result: RowsOfImages<S>,
        segments: SegmentsOperand<S>,
        /// Rows of an image.
        rows: Positive<S>,
        /// Tokens of an image: columns of a row.
        tokens: Positive<S>,
    }
}

impl MaskSegments {
    /// The launch.
    pub(super) fn launch(
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Movement>, Reason> {
        let tile = target.tile_rows(TILE_ROWS);
        let (scores, segments) = (operand(operands, 0)?, operand(operands, 1)?);
        expect_rank("mask_segments", 0, scores, 4)?;
        let rows = scores.rows_per_image();
        let arguments = MaskSegmentsArguments::<Given> {
            scores: RowsOfImages::of(Tensor::Operand(0), scores),
            result: RowsOfImages::of(Tensor::Result, result),
            segments: SegmentsOperand::of(1, segments)?,
            rows: Positive(rows.clone()),
            tokens: Positive(scores.ty.width()),
        };
        let at_once = at_once(target, [scores, segments, result]);
        let mask = MaskSegments { element: scores.ty.element, at_once };
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(scores.ty.shape[0].clone(), 1), (rows, tile)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::MaskSegments(mask),
        })
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self, target: Target) -> Signature {
        let tile = target.tile_rows(TILE_ROWS);
        let (mut words, arguments) = Words::of(MaskSegmentsArguments::fixed());
        let (rows, tokens) = (arguments.rows.amount(), arguments.tokens.amount());
        let images = Amount::Tiles.ceil_div(rows.clone().ceil_div(tile));
        let extent = ImageExtent { images: images.clone(), rows, columns: tokens.clone() };
        arguments.scores.read(&mut words, self.element, &extent);
        arguments.result.write(&mut words, self.element, &extent);
        arguments.segments.read(&mut words, &images, [tokens]);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        let tile = target.tile_rows(TILE_ROWS);
        entry.define(module, |b, Worker { block, first, end, .. }| {
            let arguments = place(MaskSegmentsArguments::fixed());
            let scores = ImageRows::load(b, block, &arguments.scores, self.element);
            let result = ImageRows::load(b, block, &arguments.result, self.element);
            let segments = arguments.segments.start.load(b, block);
            let segment_stride = arguments.segments.image_stride.load(b, block);
            let rows = arguments.rows.load(b, block);
            let tokens = arguments.tokens.load(b, block);
            let columns = Columns { width: Width::Dynamic(tokens), at_once: self.at_once };
            let blocks = b.ceil_div(rows, tile);
            b.for_each((first, end, 1), |b, position| {
                let image = b.div(position, blocks);
                let block = b.rem(position, blocks);
                let first = b.mul_constant(block, tile);
                let last = b.add_constant(first, tile);
                let last = b.min(last, rows);
                let [from, to] = [scores, result].map(|tensor| tensor.image(b, image));
                let segment = b.mul(image, segment_stride);
                let segments = element_pointer(b, segments, ElementType::I32, segment);
                b.for_each((first, last, 1), |b, row| {
                    let from = scores.row(b, from, row);
                    let to = result.row(b, to, row);
                    let query = b.rem(row, tokens);
                    let own = element_pointer(b, segments, ElementType::I32, query);
                    let own = b.load(own, Type::I32);
                    for_columns(b, target, columns, |b, key, lanes| {
                        let theirs = element_pointer(b, segments, ElementType::I32, key);
                        let theirs = b.load(theirs, Type::Vector(Scalar::I32, lanes));
                        let own = b.broadcast(own, lanes);
                        let shared = b.compare(Comparison::Equal, own, theirs);
                        let from = element_pointer(b, from, self.element, key);
                        let score = load(b, self.element, from, lanes);
                        let masked = b.splat(f64::NEG_INFINITY, Type::f32s(lanes));
                        let score = b.select(shared, score, masked);
                        let to = element_pointer(b, to, self.element, key);
                        store(b, target, self.element, score, to);
                    });
                });
            });
        });
    }
}
