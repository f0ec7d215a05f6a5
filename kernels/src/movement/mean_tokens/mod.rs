//! The mean over the tokens of each image.

mod cpu;
mod nvidia;

use super::{Movement, expect_rank};
use crate::arguments::{
    Count, Fixed, Given, Positive, Tensor, Words, argument_block, flatten, place,
};
use crate::entry::{Entry, Worker};
use crate::layout::aligned;
use crate::mlir::{Builder, Module, Type, Value};
use crate::rows::{EvenRows, ImageExtent, RowsOfImages};
use crate::vector::{self, at_once};
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeanTokens {
    /// How x and the result are stored.
    pub element: ElementType,
    /// Columns that a thread of a GPU sums at once, which the columns are a multiple of; 1 on a CPU.
    pub at_once: u32,
}

/// Columns of a tile.
const TILE_COLUMNS: i64 = 256;

/// Tokens that are summed before their sum is added to the others: a rounding error then grows with the square root of
/// what it would without, for thousands of tokens.
const BLOCK_TOKENS: i64 = 64;

argument_block! {
    /// The argument block of a [`MeanTokens`].
    struct MeanTokensArguments<S> {
        x: RowsOfImages<S>,
        tokens: Count<S>,
        columns: Positive<S>,
        result: EvenRows<S>,
    }
}

impl MeanTokens {
    /// The launch.
    pub(super) fn launch(
        x: &Layout,
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Movement>, Reason> {
        let tile = target.tile_columns(TILE_COLUMNS);
        expect_rank("mean_tokens", 0, x, 3)?;
        let [images, tokens, columns] = [0, 1, 2].map(|axis: usize| x.ty.shape[axis].clone());
        let at_once = aligned(i64::from(at_once(target, [x, result])), &columns) as u32;
        let arguments = MeanTokensArguments::<Given> {
            x: RowsOfImages::of(Tensor::Operand(0), x),
            tokens: Count(tokens),
            columns: Positive(columns.clone()),
            result: EvenRows::of(Tensor::Result, result),
        };
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(images, 1), (columns, tile)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::MeanTokens(MeanTokens { element: x.ty.element, at_once }),
        })
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self, target: Target) -> Signature {
        let tile = target.tile_columns(TILE_COLUMNS);
        let (mut words, MeanTokensArguments { x, tokens, columns, result }) =
            Words::of(MeanTokensArguments::fixed());
        let (rows, columns) = (tokens.amount(), columns.amount());
        let images = Amount::Tiles.ceil_div(columns.clone().ceil_div(tile));
        let extent = ImageExtent { images: images.clone(), rows, columns: columns.clone() };
        x.read(&mut words, self.element, &extent);
        words.write(&result.start, self.element, [result.walk(images, columns)]);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        let tile = target.tile_columns(TILE_COLUMNS);
        entry.define(module, |b, Worker { block, first, end, .. }| {
            let arguments = place(MeanTokensArguments::fixed());
            let x = arguments.x.start.load(b, block);
            let row_bytes = arguments.x.row_stride.load_bytes(b, block, self.element);
            let image_bytes = arguments.x.image_stride.load_bytes(b, block, self.element);
            let tokens = arguments.tokens.load(b, block);
            let columns = arguments.columns.load(b, block);
            let result = arguments.result.start.load(b, block);
            let result_bytes = arguments.result.row_stride.load_bytes(b, block, self.element);
            let column_tiles = b.ceil_div(columns, tile);
            let one = b.splat(1.0, Type::F32);
            let count = b.to_float(tokens);
            let factor = b.div(one, count);
            b.for_each((first, end, 1), |b, position| {
                let image = b.div(position, column_tiles);
                let block = b.rem(position, column_tiles);
                let start = b.mul_constant(block, tile);
                let rest = b.sub(columns, start);
                let full = b.i64(tile);
                let width = b.min(rest, full);
                let x = row_pointer(b, x, image, image_bytes);
                let x = vector::element_pointer(b, x, self.element, start);
                let to = row_pointer(b, result, image, result_bytes);
                let to = vector::element_pointer(b, to, self.element, start);
                let tile = Tile { x, row_bytes, to, tokens, width, factor };
                match target {
                    Target::Cpu(cpu) => self.write_in_vectors(b, cpu, &tile),
                    Target::Nvidia(gpu) => self.write_by_warp(b, gpu, &tile),
                }
            });
        });
    }

    /// The sum of some columns over every `step`th of the tokens `first..end`.
    fn sum(
        &self,
        b: &mut Builder,
        (x, row_bytes): (Value, Value),
        (first, end, step): (Value, Value, i64),
        lanes: u32,
    ) -> Value {
        let none = b.splat(0.0, Type::f32s(lanes));
        let block_tokens = BLOCK_TOKENS * step;
        let total = b.for_loop((first, end, block_tokens), &[none], |b, first, total| {
            let block_end = b.add_constant(first, block_tokens);
            let block_end = b.min(block_end, end);
            let block = b.for_loop((first, block_end, step), &[none], |b, token, sum| {
                let pointer = row_pointer(b, x, token, row_bytes);
                let value = vector::load(b, self.element, pointer, lanes);
                vec![b.add(sum[0], value)]
            });
            vec![b.add(total[0], block[0])]
        });
        total[0]
    }
}

/// Some columns of an image, and where their means go.
#[derive(Clone, Copy, Debug)]
struct Tile {
    /// Their first element of the first token.
    x: Value,
    /// From each token to the next.
    row_bytes: Value,
    /// The first mean.
    to: Value,
    /// Tokens of the image.
    tokens: Value,
    /// How many columns there are.
    width: Value,
    /// One part of the tokens.
    factor: Value,
}

fn row_pointer(b: &mut Builder, base: Value, row: Value, row_bytes: Value) -> Value {
    let bytes = b.mul(row, row_bytes);
    b.offset(base, bytes)
}
