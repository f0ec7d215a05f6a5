//! Rotary embeddings, written out: what remains of them where no attention reads the result.

use super::image_rows::ImageRows;
use super::{Movement, expect_rank};
use crate::arguments::{Fixed, Given, Positive, Tensor, Words, argument_block, flatten, place};
use crate::entry::{Entry, Worker};
use crate::launch::operand;
use crate::layout::aligned;
use crate::mlir::Module;
use crate::rows::{ImageExtent, RowsOfImages};
use crate::vector::{Rotation, at_once};
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rope {
    /// How x and the result are stored. The tables are f32.
    pub element: ElementType,
    /// How many heads.
    pub heads: i64,
    /// Elements of a head: an even number.
    pub head_size: i64,
    /// Elements of each half of a head that a thread of a GPU rotates at once; 1 on a CPU.
    pub at_once: u32,
}

/// Tokens of a tile.
const TILE_TOKENS: i64 = 16;

argument_block! {
    /// The argument block of a [`Rope`].
    struct RopeArguments<S> {
        x: RowsOfImages<S>,
        cos: RowsOfImages<S>,
        sin: RowsOfImages<S>,
        result: RowsOfImages<S>,
        /// Tokens of an image.
        tokens: Positive<S>,
    }
}

impl Rope {
    /// The launch.
    pub(super) fn launch(
        heads: i64,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Movement>, Reason> {
        let tile = target.tile_rows(TILE_TOKENS);
        let [x, cos, sin] = [operand(operands, 0)?, operand(operands, 1)?, operand(operands, 2)?];
        expect_rank("rope", 0, x, 3)?;
        let head_size = rotary_head_size(heads, x, [cos, sin])?;
        let [images, tokens] = [x.ty.shape[0].clone(), x.ty.shape[1].clone()];
        let arguments = RopeArguments::<Given> {
            x: RowsOfImages::of(Tensor::Operand(0), x),
            cos: RowsOfImages::of(Tensor::Operand(1), cos),
            sin: RowsOfImages::of(Tensor::Operand(2), sin),
            result: RowsOfImages::of(Tensor::Result, result),
            tokens: Positive(tokens.clone()),
        };
        let at_once = i64::from(at_once(target, [x, cos, sin, result]));
        let at_once = aligned(at_once, &Dim::from(head_size / 2)) as u32;
        let rope = Rope { element: x.ty.element, heads, head_size, at_once };
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(images, 1), (tokens, tile)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::Rope(rope),
        })
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self, target: Target) -> Signature {
        let tile = target.tile_rows(TILE_TOKENS);
        let (mut words, arguments) = Words::of(RopeArguments::fixed());
        let RopeArguments { x, cos, sin, result, tokens } = arguments;
        let rows = tokens.amount();
        let images = Amount::Tiles.ceil_div(rows.clone().ceil_div(tile));
        let [one, head, columns] =
            [1, self.head_size, self.heads * self.head_size].map(Amount::Constant);
        // All images share the tables.
        let table = ImageExtent { images: one, rows: rows.clone(), columns: head };
        let heads = ImageExtent { images, rows, columns };
        x.read(&mut words, self.element, &heads);
        cos.read(&mut words, ElementType::F32, &table);
        sin.read(&mut words, ElementType::F32, &table);
        result.write(&mut words, self.element, &heads);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        let tile = target.tile_rows(TILE_TOKENS);
        let rotation = Rotation { from: self.element, to: self.element, head_size: self.head_size };
        entry.define(module, |b, Worker { block, first, end, .. }| {
            let arguments = place(RopeArguments::fixed());
            let x = ImageRows::load(b, block, &arguments.x, self.element);
            let cos = ImageRows::load(b, block, &arguments.cos, ElementType::F32);
            let sin = ImageRows::load(b, block, &arguments.sin, ElementType::F32);
            let result = ImageRows::load(b, block, &arguments.result, self.element);
            let tokens = arguments.tokens.load(b, block);
            let blocks = b.ceil_div(tokens, tile);
            let zero = b.i64(0);
            b.for_each((first, end, 1), |b, position| {
                let image = b.div(position, blocks);
                let block = b.rem(position, blocks);
                let first = b.mul_constant(block, tile);
                let last = b.add_constant(first, tile);
                let last = b.min(last, tokens);
                let [from, to] = [x, result].map(|tensor| tensor.image(b, image));
                // All images share the tables.
                let tables = [cos, sin].map(|table| (table, table.image(b, zero)));
                b.for_each((first, last, 1), |b, token| {
                    let from = x.row(b, from, token);
                    let to = result.row(b, to, token);
                    let tables = tables.map(|(table, base)| table.row(b, base, token));
                    let heads = (self.heads, self.at_once);
                    rotation.emit_heads(b, target, heads, (from, tables, to));
                });
            });
        });
    }
}

/// Elements of a head, where the columns of x make so many even heads and the tables, in f32, have a column for each.
pub(crate) fn rotary_head_size(
    heads: i64,
    x: &Layout,
    tables: [&Layout; 2],
) -> Result<i64, Reason> {
    let width = x.ty.width().as_constant().ok_or_else(|| Reason::Dynamic {
        operand: 0,
        ty: x.ty.clone(),
        what: "the size of a head",
    })?;
    if heads < 1 || width % (2 * heads) != 0 || width == 0 {
        return Err(Reason::Unsupported(format!(
            "{width} columns do not make {heads} heads of even size"
        )));
    }
    let head_size = width / heads;
    for table in tables {
        let fits = table.ty.rank() == 2 && table.ty.width() == Dim::from(head_size);
        if !fits || table.ty.element != ElementType::F32 {
            let ty = &table.ty;
            return Err(Reason::Unsupported(format!(
                "the table {ty} is not [tokens, {head_size}] x f32"
            )));
        }
    }
    Ok(head_size)
}
