//! A launch at run time: its operands, and the tile that each number stands for.

use super::Emitter;
use super::rotation::Tables;
use super::segments::Segments;
use super::tile::Tile;
use crate::attention::schedule::TILE_QUERIES;
use crate::mlir::{Builder, Value};
use crate::rows::ArgumentReader;
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Mask;

/// An operand at run time.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    base: Value,
    pub(super) row_bytes: Value,
    image_bytes: Value,
}

impl Operand {
    fn read(b: &mut Builder, arguments: &mut ArgumentReader, element: ElementType) -> Self {
        let base = arguments.pointer(b);
        let row = arguments.integer(b);
        let image = arguments.integer(b);
        Operand {
            base,
            row_bytes: b.mul_constant(row, element.bytes()),
            image_bytes: b.mul_constant(image, element.bytes()),
        }
    }

    /// A table: its rows are the same for each image.
    fn read_table(b: &mut Builder, arguments: &mut ArgumentReader) -> Self {
        let base = arguments.pointer(b);
        let row = arguments.integer(b);
        let row_bytes = b.mul_constant(row, ElementType::F32.bytes());
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
    pub(super) fn read(
        b: &mut Builder,
        emitter: &'a Emitter<'a>,
        block: Value,
        scratch: Value,
    ) -> Self {
        let mut arguments = ArgumentReader::new(block);
        let operand = |b: &mut Builder, arguments: &mut ArgumentReader| {
            Operand::read(b, arguments, emitter.element)
        };
        let [queries, keys, values, result] = [0, 1, 2, 3].map(|_| operand(b, &mut arguments));
        let [query_count, key_count] = [0, 1].map(|_| arguments.integer(b));
        let tables = emitter.rotary.then(|| {
            let [cos, sin] = [0, 1].map(|_| Operand::read_table(b, &mut arguments));
            Tables { cos, sin }
        });
        let segments = (emitter.mask == Mask::Segments).then(|| {
            let base = arguments.pointer(b);
            let image = arguments.integer(b);
            Segments { base, image_bytes: b.mul_constant(image, ElementType::I32.bytes()) }
        });
        Call {
            emitter,
            queries,
            keys,
            values,
            result,
            query_count,
            key_count,
            scratch,
            tables,
            segments,
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
