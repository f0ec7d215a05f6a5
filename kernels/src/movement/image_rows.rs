//! A tensor as images of rows, at run time.

use crate::arguments::Placed;
use crate::mlir::{Builder, Value};
use crate::rows::RowsOfImages;
use ocellus_dialects::ElementType;

/// A tensor whose rows, and whose images, are equally far apart. One of rank 2 is one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageRows {
    base: Value,
    row_bytes: Value,
    image_bytes: Value,
}

impl ImageRows {
    /// The tensor of elements that are stored so, of which the argument block is given.
    pub(super) fn load(
        b: &mut Builder,
        block: Value,
        tensor: &RowsOfImages<Placed>,
        element: ElementType,
    ) -> Self {
        let base = tensor.start.load(b, block);
        let row = tensor.row_stride.load(b, block);
        let image = tensor.image_stride.load(b, block);
        ImageRows {
            base,
            row_bytes: b.mul_constant(row, element.bytes()),
            image_bytes: b.mul_constant(image, element.bytes()),
        }
    }

    /// The address of an image's first row.
    pub(super) fn image(&self, b: &mut Builder, image: Value) -> Value {
        let bytes = b.mul(image, self.image_bytes);
        b.offset(self.base, bytes)
    }

    /// The address of a row of the image that starts at `image`.
    pub(super) fn row(&self, b: &mut Builder, image: Value, row: Value) -> Value {
        let bytes = b.mul(row, self.row_bytes);
        b.offset(image, bytes)
    }
}

/// The index at a position of a list of them, as a size.
pub(super) fn index_at(b: &mut Builder, indices: Value, position: Value) -> Value {
    let bytes = b.mul_constant(position, ElementType::I32.bytes());
    let pointer = b.offset(indices, bytes);
    let index = b.load(pointer, crate::mlir::Type::I32);
    b.extend_unsigned(index, crate::mlir::Scalar::I64)
}
