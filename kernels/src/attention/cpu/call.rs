//! A launch at run time: its operands, and the tile that each number stands for.

use super::Emitter;
use super::rotation::Tables;
use super::segments::Segments;
use super::tile::Tile;
use crate::arguments::Placed;
use crate::attention::AttentionArguments;
use crate::attention::schedule::TILE_QUERIES;
use crate::mlir::{Builder, Value};
use crate::rows::{EvenRows, RowsOfImages};
use ocellus_dialects::ElementType;

/// An operand at run time.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    base: Value,
    pub(super) row_bytes: Value,
    image_bytes: Value,
}

impl Operand {
    /// The operand of elements that are stored so, of which the argument block is given.
    fn load(
        b: &mut Builder,
        block: Value,
        operand: &RowsOfImages<Placed>,
        element: ElementType,
    ) -> Self {
        let base = operand.start.load(b, block);
        let row = operand.row_stride.load(b, block);
        let image = operand.image_stride.load(b, block);
        Operand {
            base,
            row_bytes: b.mul_constant(row, element.bytes()),
            image_bytes: b.mul_constant(image, element.bytes()),
        }
    }

    /// A table: its rows are the same for each image.
    fn load_table(b: &mut Builder, block: Value, table: &EvenRows<Placed>) -> Self {
        let base = table.start.load(b, block);
        let row_bytes = table.row_stride.load_bytes(b, block, ElementType::F32);
        Operand { base, row_bytes, image_bytes: b.i64(0) }
    }

    /// The address of one image's head.
    fn head(&self, b: &mut Builder, image: Value, head_bytes: Value) -> Value {
        let bytes = b.mul(image, self.image_bytes);
        let image = b.offset(self.base, bytes);
        b.offset(image, head_bytes)
    }

    /// The same operand, seen from another address.
    pub(super) fn at(&self, base: Value) -> Self {
        Operand { base, ..*self }
    }

    pub(super) fn row(&self, b: &mut Builder, row: Value) -> Value {
        let bytes = b.mul(row, self.row_bytes);
        b.offset(self.base, bytes)
    }
}

/// A launch at run time.
pub(super) struct Call<'a> {
    pub(super) emitter: &'a Emitter<'a>,
    queries: Operand,
    keys: Operand,
    values: Operand,
    result: Operand,
    query_count: Value,
    pub(super) key_count: Value,
    pub(super) scratch: Value,
    pub(super) tables: Option<Tables>,
    segments: Option<Segments>,
}

impl<'a> Call<'a> {
    /// The call whose argument block is given.
    pub(super) fn load(
        b: &mut Builder,
        emitter: &'a Emitter<'a>,
        scratch: Value,
        block: Value,
        arguments: &AttentionArguments<Placed>,
    ) -> Self {
        let element = emitter.element;
        let operand = |b: &mut Builder, operand| Operand::load(b, block, operand, element);
        Call {
            emitter,
            queries: operand(b, &arguments.q),
            keys: operand(b, &arguments.k),
            values: operand(b, &arguments.v),
            result: operand(b, &arguments.result),
            query_count: arguments.queries.load(b, block),
            key_count: arguments.keys.load(b, block),
            scratch,
            tables: arguments.tables.as_ref().map(|tables| Tables {
                cos: Operand::load_table(b, block, &tables.cos),
                sin: Operand::load_table(b, block, &tables.sin),
            }),
            segments: arguments.segments.as_ref().map(|segments| Segments {
                base: segments.start.load(b, block),
                image_bytes: segments.image_stride.load_bytes(b, block, ElementType::I32),
            }),
        }
    }

    /// Tiles go image by image, in those head by head, in those block of queries by block.
    pub(super) fn tile(&self, b: &mut Builder, tile: Value) -> Tile<'_> {
        let blocks = b.ceil_div(self.query_count, TILE_QUERIES);
        let block = b.rem(tile, blocks);
        let pair = b.div(tile, blocks);
        let heads = b.i64(self.emitter.heads);
        let head = b.rem(pair, heads);
        let image = b.div(pair, heads);
        let head_size = self.emitter.schedule.head_size;
        let head_bytes = b.mul_constant(head, head_size * self.emitter.element.bytes());
        let first = b.mul_constant(block, TILE_QUERIES);
        let rest = b.sub(self.query_count, first);
        let full = b.i64(TILE_QUERIES);
        let mut head = |operand: &Operand| operand.at(operand.head(b, image, head_bytes));
        let (queries, keys) = (head(&self.queries), head(&self.keys));
        let (values, result) = (head(&self.values), head(&self.result));
        Tile {
            call: self,
            queries: queries.at(queries.row(b, first)),
            keys,
            values,
            result: result.at(result.row(b, first)),
            segments: self.segments.map(|segments| segments.image(b, image)),
            first,
            count: b.min(rest, full),
        }
    }
}
