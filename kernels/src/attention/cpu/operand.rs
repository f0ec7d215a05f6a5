//! The operands of a launch at run time.

use crate::arguments::Placed;
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
    pub(super) fn load(
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
    pub(super) fn load_table(b: &mut Builder, block: Value, table: &EvenRows<Placed>) -> Self {
        let base = table.start.load(b, block);
        let row_bytes = table.row_stride.load_bytes(b, block, ElementType::F32);
        Operand { base, row_bytes, image_bytes: b.i64(0) }
    }

    /// The address of one image's head.
    pub(super) fn head(&self, b: &mut Builder, image: Value, head_bytes: Value) -> Value {
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

/// The tables of a launch, one row a token, shared by images and heads.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    pub(super) cos: Operand,
    pub(super) sin: Operand,
}

/// The segments of a launch: of each image, or the same for all.
#[derive(Clone, Copy)]
pub(super) struct Segments {
    pub(super) base: Value,
    pub(super) image_bytes: Value,
}

impl Segments {
    /// The address of an image's segments.
    pub(super) fn image(&self, b: &mut Builder, image: Value) -> Value {
        let bytes = b.mul(image, self.image_bytes);
        b.offset(self.base, bytes)
    }
}
