//! [`TokensBefore`]: rows of another operand that begin each image of the result.
//!
//! ```text
//! product [i*196, 768], tokens [i, 1, 768]:   result [i, 197, 768]
//! row 0 of image j    is the token
//! row 1 .. 197        are rows 196*j .. of the product
//! ```

use super::packed_rows::{RowSink, TensorRows};
use super::panel_product::Block;
use crate::mlir::{Builder, Value};
use crate::rows::ArgumentReader;
use crate::vector::{self, Width, for_columns};
use crate::words::Words;
use crate::{Argument, Layout, Reason};
use ocellus_dialects::ElementType;
use ocellus_runtime::signature::{Amount, Walk};

/// What code depends on of the tokens before an image's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokensBefore {
    /// How they are stored.
    element: ElementType,
}

impl TokensBefore {
    /// Those of that layout, before the rows of a product with x, and the words that [`TokensBefore::read`] reads.
    pub(crate) fn of(
        (position, tokens): (usize, &Layout),
        x: &Layout,
        result: &Layout,
    ) -> Result<(Self, Vec<Argument>), Reason> {
        if [tokens, x, result].iter().any(|layout| layout.ty.rank() != 3) {
            let why = format!(
                "tokens {} before rows of {} make images of three dimensions, not {}",
                tokens.ty, x.ty, result.ty
            );
            return Err(Reason::Unsupported(why));
        }
        if tokens.ty.width() != result.ty.width() {
            let (ty, wanted) = (tokens.ty.clone(), result.ty.width());
            return Err(Reason::Width { operand: position, ty, wanted });
        }
        let words = vec![
            Argument::Operand(position),
            Argument::Integer(tokens.row_stride.clone()),
            Argument::Integer(tokens.image_stride.clone()),
            Argument::Integer(tokens.ty.shape[1].clone()),
            Argument::Integer(x.ty.shape[1].clone()),
        ];
        Ok((TokensBefore { element: tokens.ty.element }, words))
    }

    /// Declares those words, where the product has `rows` rows of that width; gives the rows of the result.
    pub(crate) fn declare(self, words: &mut Words, (rows, width): (&Amount, i64)) -> Amount {
        let at = words.address();
        let [row, image] = [(); 2].map(|()| words.distance());
        let (count, rows_behind) = (words.count(), words.positive());
        let images = rows.clone().ceil_div(rows_behind);
        let walk = Walk::run(width).times(images.clone(), image).times(count.clone(), row);
        words.read(at, self.element, [walk]);
        rows.clone() + images * count
    }

    /// The tokens at run time.
    pub(crate) fn read(self, b: &mut Builder, arguments: &mut ArgumentReader) -> BoundTokens {
        let pointer = arguments.pointer(b);
        let [row_stride, image_stride] = [(); 2].map(|()| arguments.integer(b));
        let [count, rows_behind] = [(); 2].map(|()| arguments.integer(b));
        let row_bytes = b.mul_constant(row_stride, self.element.bytes());
        let image_bytes = b.mul_constant(image_stride, self.element.bytes());
        BoundTokens { element: self.element, pointer, row_bytes, image_bytes, count, rows_behind }
    }
}

/// Tokens before an image's rows at run time.
#[derive(Clone, Copy)]
pub(crate) struct BoundTokens {
    element: ElementType,
    pointer: Value,
    row_bytes: Value,
    image_bytes: Value,
    /// Tokens of an image.
    count: Value,
    /// Rows of the product that follow them.
    rows_behind: Value,
}

impl BoundTokens {
    /// The row of the result that the product's `row` is.
    fn place(&self, b: &mut Builder, row: Value) -> Value {
        let image = b.div(row, self.rows_behind);
        let images = b.add_constant(image, 1);
        let tokens = b.mul(images, self.count);
        b.add(row, tokens)
    }

    /// Writes the tokens of the images whose first row is in a block of the product, as that many columns.
    pub(crate) fn write(&self, b: &mut Builder, block: Block, width: i64, to: &TensorRows) {
        let zero = b.i64(0);
        let first_image = self.images_begun_before(b, block.first_row);
        let end_row = b.add(block.first_row, block.rows);
        let end_image = self.images_begun_before(b, end_row);
        let rows_of_image = b.add(self.rows_behind, self.count);
        b.for_each((first_image, end_image, 1), |b, image| {
            let tokens = b.mul(image, self.image_bytes);
            let tokens = b.offset(self.pointer, tokens);
            let first_row = b.mul(image, rows_of_image);
            b.for_each((zero, self.count, 1), |b, token| {
                let from = b.mul(token, self.row_bytes);
                let from = b.offset(tokens, from);
                let row = b.add(first_row, token);
                let row = to.row(b, token, row);
                for_columns(b, to.target, Width::Static(width), |b, column, lanes| {
                    let from = vector::element_pointer(b, from, self.element, column);
                    let elements = vector::load(b, self.element, from, lanes);
                    to.store(b, row, column, elements);
                });
            });
        });
    }

    /// How many images have their first row before `row` of the product.
    fn images_begun_before(&self, b: &mut Builder, row: Value) -> Value {
        let last = b.add(row, self.rows_behind);
        let last = b.add_constant(last, -1);
        b.div(last, self.rows_behind)
    }
}

/// Rows of a tensor in which tokens begin each image.
pub(crate) struct RowsAfterTokens<'a> {
    /// All rows.
    pub(crate) rows: TensorRows<'a>,
    /// The tokens among them.
    pub(crate) tokens: BoundTokens,
}

impl RowSink for RowsAfterTokens<'_> {
    fn row(&self, b: &mut Builder, within: Value, row: Value) -> Value {
        let row = self.tokens.place(b, row);
        self.rows.row(b, within, row)
    }

    fn store(&self, b: &mut Builder, row: Value, column: Value, elements: Value) {
        self.rows.store(b, row, column, elements);
    }
}
