//! Matrices of images at run time.

use super::Matrices;
use crate::arguments::Placed;
use crate::mlir::{Builder, Value};
use ocellus_dialects::ElementType;

/// An operand at run time; strides in bytes.
#[derive(Clone, Copy)]
pub(super) struct BoundMatrices {
    base: Value,
    pub(super) row_bytes: Value,
    matrix_bytes: Value,
    image_bytes: Value,
}

impl BoundMatrices {
    /// The matrices of elements that are stored so, of which the argument block is given.
    pub(super) fn load(
        b: &mut Builder,
        block: Value,
        matrices: &Matrices<Placed>,
        element: ElementType,
    ) -> Self {
        BoundMatrices {
            base: matrices.start.load(b, block),
            row_bytes: matrices.row_stride.load_bytes(b, block, element),
            matrix_bytes: matrices.matrix_stride.load_bytes(b, block, element),
            image_bytes: matrices.image_stride.load_bytes(b, block, element),
        }
    }

    pub(super) fn at(&self, b: &mut Builder, image: Value, matrix: Value) -> Matrix {
        let image_bytes = b.mul(image, self.image_bytes);
        let base = b.offset(self.base, image_bytes);
        let matrix_bytes = b.mul(matrix, self.matrix_bytes);
        Matrix { base: b.offset(base, matrix_bytes), row_bytes: self.row_bytes }
    }
}

/// One matrix of an operand.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    base: Value,
    pub(super) row_bytes: Value,
}

impl Matrix {
    pub(super) fn row(&self, b: &mut Builder, row: Value) -> Value {
        let bytes = b.mul(row, self.row_bytes);
        b.offset(self.base, bytes)
    }
}
