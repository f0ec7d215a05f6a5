//! Scores between segments become minus infinity: what remains of a mask where no attention reads the result.

use super::image_rows::ImageRows;
use super::{Movement, expect_rank};
use crate::launch::operand;
use crate::mlir::{Comparison, Linkage, Module, Scalar, Type};
use crate::rows::ArgumentReader;
use crate::vector::{Width, element_pointer, for_columns, load, store};
use crate::words::Words;
use crate::{Argument, CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MaskSegments {
    /// How the scores are stored.
    pub element: ElementType,
}

/// Rows of a tile.
const TILE_ROWS: i64 = 16;

impl MaskSegments {
    /// The launch. Words of the argument block: the scores and the result, each an address, a row stride and an image
    /// stride; the segments: address, image stride; rows of an image; tokens.
    pub(super) fn launch(operands: &[Layout], result: &Layout) -> Result<Launch<Movement>, Reason> {
        let (scores, segments) = (operand(operands, 0)?, operand(operands, 1)?);
        expect_rank("mask_segments", 0, scores, 4)?;
        let segment_stride = segment_image_stride(segments)?;
        let mut arguments = vec![];
        arguments.extend(ImageRows::words(Argument::Operand(0), scores));
        arguments.extend(ImageRows::words(Argument::Result, result));
        arguments.push(Argument::Operand(1));
        let rows = scores.rows_per_image();
        let tokens = scores.ty.width();
        arguments.extend([segment_stride, rows.clone(), tokens].map(Argument::Integer));
        let mask = MaskSegments { element: scores.ty.element };
        Ok(Launch {
            arguments,
            tiles: Tiles(vec![(scores.ty.shape[0].clone(), 1), (rows, TILE_ROWS)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::MaskSegments(mask),
        })
    }

    /// What the code does with those words.
    pub(super) fn signature(&self) -> Signature {
        let mut words = Words::default();
        let [scores, result] = [0, 1].map(|_| ImageRows::declare(&mut words));
        let (segments, distance) = (words.address(), words.distance());
        let [rows, tokens] = [0, 1].map(|_| words.positive());
        let images = Amount::Tiles.ceil_div(rows.clone().ceil_div(TILE_ROWS));
        scores.read(&mut words, self.element, [&images, &rows, &tokens]);
        result.write(&mut words, self.element, [&images, &rows, &tokens]);
        words.read(segments, ElementType::I32, [Walk::run(tokens).times(images, distance)]);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            let &[block, first, end, _] = parameters else { return };
            let mut arguments = ArgumentReader::new(block);
            let [scores, result] = [0, 1].map(|_| ImageRows::read(b, &mut arguments, self.element));
            let segments = arguments.pointer(b);
            let [segment_stride, rows, tokens] = [0, 1, 2].map(|_| arguments.integer(b));
            let blocks = b.ceil_div(rows, TILE_ROWS);
            b.for_each((first, end, 1), |b, tile| {
                let image = b.div(tile, blocks);
                let block = b.rem(tile, blocks);
                let first = b.mul_constant(block, TILE_ROWS);
                let last = b.add_constant(first, TILE_ROWS);
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
                    for_columns(b, target, Width::Dynamic(tokens), |b, key, lanes| {
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

/// Indices from one image's segments to the next; zero where all images share them.
pub(crate) fn segment_image_stride(segments: &Layout) -> Result<Dim, Reason> {
    match (segments.ty.element, segments.ty.rank()) {
        (ElementType::I32, 1) => Ok(Dim::from(0)),
        (ElementType::I32, 2) => Ok(segments.image_stride.clone()),
        _ => {
            let why =
                format!("segments are [tokens] or [images, tokens] x i32, not {}", segments.ty);
            Err(Reason::Unsupported(why))
        }
    }
}
