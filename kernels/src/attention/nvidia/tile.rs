//! [`Tile`]: which queries a block has, and where they and their keys lie.

use super::WarpAttention;
use crate::arguments::Placed;
use crate::attention::{Attention, AttentionArguments};
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::rows::RowsOfImages;
use ocellus_dialects::ElementType;

/// Some queries of one head of one image.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// The image, `i64`.
    pub(super) image: Value,
    /// The first query of the tile, `i64`.
    pub(super) first: Value,
    /// How many queries there are from that on, `i64`: of the image, not of the tile.
    pub(super) queries_left: Value,
    /// How many keys there are.
    pub(super) keys: Value,
    /// The tile's queries.
    pub(super) q: Head,
    /// All keys.
    pub(super) k: Head,
    /// All values.
    pub(super) v: Head,
    /// Where the tile's answer goes.
    pub(super) result: Head,
}

/// One head of the tokens of an image.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// The address of the first.
    pub(super) start: Value,
    /// Bytes from each to the next, `i64`.
    pub(super) row_bytes: Value,
}

impl Tile {
    /// The tile of that number. Tiles go image by image, in those head by head, in those block of queries by block.
    pub(super) fn of(
        b: &mut Builder,
        (division, attention): (&WarpAttention, &Attention),
        (block, number): (Value, Value),
        arguments: &AttentionArguments<Placed>,
    ) -> Self {
        let queries = arguments.queries.load(b, block);
        let keys = arguments.keys.load(b, block);
        let step = division.tile_queries();
        let blocks = b.ceil_div(queries, step);
        let blocks = b.truncate_integer(blocks, Scalar::I32);
        let (pair, within) = (b.div(number, blocks), b.rem(number, blocks));
        let heads = b.integer(attention.heads, Type::I32);
        let (image, head) = (b.div(pair, heads), b.rem(pair, heads));
        let [image, head, within] =
            [image, head, within].map(|number| b.extend_unsigned(number, Scalar::I64));
        let first = b.mul_constant(within, step);
        let element = attention.element;
        let column = b.mul_constant(head, attention.head_size * element.bytes());
        let mut of = |rows| Head::of(b, block, (rows, element), (image, column));
        let (q, k, v) = (of(&arguments.q), of(&arguments.k), of(&arguments.v));
        let result = of(&arguments.result);
        Tile {
            image,
            first,
            queries_left: b.sub(queries, first),
            keys,
            q: q.from(b, first),
            k,
            v,
            result: result.from(b, first),
        }
    }

    /// How many of the tile's queries there are, `i32`.
    pub(super) fn queries(&self, b: &mut Builder, step: i64) -> Value {
        let step = b.i64(step);
        let queries = b.min(self.queries_left, step);
        b.truncate_integer(queries, Scalar::I32)
    }
}

impl Head {
    /// The head that begins so many bytes behind the first column of an image.
    fn of(
        b: &mut Builder,
        block: Value,
        (rows, element): (&RowsOfImages<Placed>, ElementType),
        (image, column): (Value, Value),
    ) -> Self {
        let start = rows.start.load(b, block);
        let row_bytes = rows.row_stride.load_bytes(b, block, element);
        let image_bytes = rows.image_stride.load_bytes(b, block, element);
        let image = b.mul(image, image_bytes);
        let start = b.offset(start, image);
        let start = b.offset(start, column);
        Head { start: b.global_address(start), row_bytes }
    }

    /// The same from a token on.
    pub(super) fn from(&self, b: &mut Builder, token: Value) -> Self {
        let bytes = b.mul(token, self.row_bytes);
        Head { start: b.offset(self.start, bytes), ..*self }
    }
}
