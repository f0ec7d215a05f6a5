//! An operand read row by row.

use super::ArgumentReader;
use crate::mlir::{Builder, Value};
use crate::vector;
use crate::{Argument, Layout, LowerError};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;

/// What code depends on of how an operand's rows lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowOperand {
    /// How elements are stored.
    pub element: ElementType,
    /// Whether the operand has fewer rows than are asked for, and starts again after the last.
    pub repeats: bool,
}

impl RowOperand {
    /// The operand of that layout: one distance from each row to the next, or all images in the same memory.
    pub fn of(position: usize, layout: &Layout) -> Result<Self, LowerError> {
        let rows = layout.rows_per_image();
        let even = layout.ty.rank() < 3
            || layout.ty.shape.first() == Some(&Dim::from(1))
            || layout.image_stride == rows * layout.row_stride.clone();
        let repeats = !even && layout.image_stride == Dim::from(0);
        match even || repeats {
            true => Ok(RowOperand { element: layout.ty.element, repeats }),
            false => Err(LowerError::UnevenRows { operand: position, ty: layout.ty.clone() }),
        }
    }

    /// The words that [`RowOperand::read`] reads.
    pub fn arguments(&self, address: Argument, layout: &Layout, period: Dim) -> Vec<Argument> {
        let mut words = vec![address, Argument::Integer(layout.row_stride.clone())];
        if self.repeats {
            words.push(Argument::Integer(period));
        }
        words
    }

    /// The operand at run time.
    pub fn read(&self, b: &mut Builder, arguments: &mut ArgumentReader) -> BoundRows {
        let pointer = arguments.pointer(b);
        let stride = arguments.integer(b);
        let row_bytes = b.mul_constant(stride, self.element.bytes());
        let period = self.repeats.then(|| arguments.integer(b));
        BoundRows { element: self.element, pointer, row_bytes, period }
    }
}

/// An operand at run time.
#[derive(Clone, Copy, Debug)]
pub struct BoundRows {
    /// How elements are stored.
    pub element: ElementType,
    pointer: Value,
    row_bytes: Value,
    period: Option<Value>,
}

impl BoundRows {
    /// An operand or result that has as many rows as are asked for: an address and a row stride.
    pub fn contiguous(
        element: ElementType,
        b: &mut Builder,
        arguments: &mut ArgumentReader,
    ) -> Self {
        RowOperand { element, repeats: false }.read(b, arguments)
    }

    /// The same without the columns before `column`.
    pub fn from_column(&self, b: &mut Builder, column: Value) -> Self {
        BoundRows {
            pointer: vector::element_pointer(b, self.pointer, self.element, column),
            ..*self
        }
    }

    /// The same without the rows before `row`, of rows that do not repeat.
    pub fn from_row(&self, b: &mut Builder, row: Value) -> Self {
        BoundRows { pointer: self.row(b, row), ..*self }
    }

    /// The address of a row.
    pub fn row(&self, b: &mut Builder, row: Value) -> Value {
        let row = match self.period {
            Some(period) => b.rem(row, period),
            None => row,
        };
        let bytes = b.mul(row, self.row_bytes);
        b.offset(self.pointer, bytes)
    }
}
