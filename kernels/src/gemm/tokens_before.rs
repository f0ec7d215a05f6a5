//! [`TokensBefore`]: rows of another operand that begin each image of the result.
//!
//! ```text
//! product [i*196, 768], tokens [i, 1, 768]:   result [i, 197, 768]
//! row 0 of image j    is the token
//! row 1 .. 197        are rows 196*j .. of the product
//! ```

use crate::arguments::{
    Address, Count, Distance, Given, Placed, Positive, Tensor, Words, argument_block,
};
use crate::mlir::{Builder, Value};
use crate::rows::BoundRows;
use crate::vector::{self, Columns, Width, at_once, for_columns};
use crate::{Layout, Reason, Target};
use ocellus_dialects::ElementType;
use ocellus_runtime::signature::{Amount, Walk};

argument_block! {
    /// The tokens before an image's rows.
    pub struct TokensBefore<S> {
        /// How they are stored.
        element: ElementType,
        /// The first.
        start: Address<S>,
        /// From each token to the next.
        row_stride: Distance<S>,
        /// From each image to the next.
        image_stride: Distance<S>,
        /// Tokens of an image.
        count: Count<S>,
        /// Rows of the product that follow them.
        rows_behind: Positive<S>,
        /// Elements that a thread of a GPU moves at once; 1 on a CPU.
        at_once: u32,
    }
}

impl TokensBefore<Given> {
    /// Those of that layout, before the rows of a product with x.
    pub(crate) fn of(
        (position, tokens): (usize, &Layout),
        x: &Layout,
        (result, target): (&Layout, Target),
    ) -> Result<Self, Reason> {
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
        Ok(TokensBefore {
            element: tokens.ty.element,
            start: Address(Tensor::Operand(position)),
            row_stride: Distance(tokens.row_stride.clone()),
            image_stride: Distance(tokens.image_stride.clone()),
            count: Count(tokens.ty.shape[1].clone()),
            rows_behind: Positive(x.ty.shape[1].clone()),
            at_once: at_once(target, [tokens, result]),
        })
    }
}

impl TokensBefore<Placed> {
    /// The kernel reads them, where the product has `rows` rows of that width; gives the rows of the result.
    pub(crate) fn read(&self, words: &mut Words, (rows, width): (&Amount, i64)) -> Amount {
        let count = self.count.amount();
        let images = rows.clone().ceil_div(self.rows_behind.amount());
        let walk = Walk::run(width)
            .times(images.clone(), self.image_stride.amount())
            .times(count.clone(), self.row_stride.amount());
        words.read(&self.start, self.element, [walk]);
        rows.clone() + images * count
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
    at_once: u32,
}

impl BoundTokens {
    /// The tokens, of which the argument block is given.
    pub(crate) fn load(b: &mut Builder, block: Value, tokens: &TokensBefore<Placed>) -> Self {
        let element = tokens.element;
        let pointer = tokens.start.load(b, block);
        let row_stride = tokens.row_stride.load(b, block);
        let image_stride = tokens.image_stride.load(b, block);
        let count = tokens.count.load(b, block);
        let rows_behind = tokens.rows_behind.load(b, block);
        let row_bytes = b.mul_constant(row_stride, element.bytes());
        let image_bytes = b.mul_constant(image_stride, element.bytes());
        let at_once = tokens.at_once;
        BoundTokens { element, pointer, row_bytes, image_bytes, count, rows_behind, at_once }
    }

    /// The row of the result that the product's `row` is.
    pub(super) fn place(&self, b: &mut Builder, row: Value) -> Value {
        let image = b.div(row, self.rows_behind);
        let images = b.add_constant(image, 1);
        let tokens = b.mul(images, self.count);
        b.add(row, tokens)
    }

    /// Writes the tokens of the images whose first row is among the product's `first_row..end_row`, as that many columns.
    /// Of these images `sharer` and every `sharers`th behind it are written here.
    pub(super) fn write(
        &self,
        b: &mut Builder,
        target: impl Into<Target>,
        (first_row, end_row): (Value, Value),
        (sharer, sharers): (Value, i64),
        (result, width): (&BoundRows, i64),
    ) {
        let (zero, target) = (b.i64(0), target.into());
        let first_image = self.images_begun_before(b, first_row);
        let first_image = b.add(first_image, sharer);
        let end_image = self.images_begun_before(b, end_row);
        let rows_of_image = b.add(self.rows_behind, self.count);
        let columns = Columns { width: Width::Static(width), at_once: self.at_once };
        b.for_each((first_image, end_image, sharers), |b, image| {
            let tokens = b.mul(image, self.image_bytes);
            let tokens = b.offset(self.pointer, tokens);
            let first_row = b.mul(image, rows_of_image);
            b.for_each((zero, self.count, 1), |b, token| {
                let from = b.mul(token, self.row_bytes);
                let from = b.offset(tokens, from);
                let row = b.add(first_row, token);
                let to = result.row(b, row);
                for_columns(b, target, columns, |b, column, lanes| {
                    let from = vector::element_pointer(b, from, self.element, column);
                    let elements = vector::load(b, self.element, from, lanes);
                    let to = vector::element_pointer(b, to, result.element, column);
                    vector::store(b, target, result.element, elements, to);
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
