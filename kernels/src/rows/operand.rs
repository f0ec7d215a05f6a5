//! An operand read row by row.

use super::ArgumentReader;
use crate::mlir::{Builder, Value};
use crate::vector;
use crate::words::Words;
use crate::{Argument, Layout};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Access, Amount, Walk};

/// What code depends on of how an operand's rows lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowOperand {
    /// How elements are stored.
    pub element: ElementType,
    /// How rows follow each other.
    pub order: RowOrder,
}

/// How rows follow each other in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowOrder {
    /// One distance from each row to the next.
    Even,
    /// The same, but there are fewer rows than are asked for: they start again after the last.
    Repeating,
    /// The same within an image, and another from each image to the next: some of its tokens are left out.
    ByImage,
}

impl RowOperand {
    /// The operand of that layout.
    pub fn of(layout: &Layout) -> Self {
        let rows = layout.rows_per_image();
        let even = layout.ty.rank() < 3
            || layout.ty.shape.first() == Some(&Dim::from(1))
            || layout.image_stride == rows * layout.row_stride.clone();
        let order = match layout.image_stride == Dim::from(0) {
            _ if even => RowOrder::Even,
            true => RowOrder::Repeating,
            false => RowOrder::ByImage,
        };
        RowOperand { element: layout.ty.element, order }
    }

    /// The words that [`RowOperand::read`] reads: address, row stride; the period where rows repeat; the rows of an image
    /// and its stride where they lie by image.
    pub fn arguments(&self, address: Argument, layout: &Layout, period: Dim) -> Vec<Argument> {
        let mut words = vec![address, Argument::Integer(layout.row_stride.clone())];
        match self.order {
            RowOrder::Even => {}
            RowOrder::Repeating => words.push(Argument::Integer(period)),
            RowOrder::ByImage => words.extend([
                Argument::Integer(layout.rows_per_image()),
                Argument::Integer(layout.image_stride.clone()),
            ]),
        }
        words
    }

    /// Declares those words, where `rows` rows of `columns` elements are read or written.
    pub(crate) fn declare(
        &self,
        words: &mut Words,
        access: Access,
        (rows, columns): (Amount, impl Into<Amount>),
    ) {
        self.declare_slices(words, access, (rows, columns), |_| None);
    }

    /// The same, where there are some such operands behind each other: `slices` declares words that follow, and gives
    /// how many and how far apart.
    pub(crate) fn declare_slices(
        &self,
        words: &mut Words,
        access: Access,
        (rows, columns): (Amount, impl Into<Amount>),
        slices: impl FnOnce(&mut Words) -> Option<(Amount, Amount)>,
    ) {
        let at = words.address();
        let distance = words.distance();
        let walk = Walk::run(columns);
        let walk = match self.order {
            RowOrder::Even => walk.times(rows, distance),
            RowOrder::Repeating => walk.times(rows.min(words.positive()), distance),
            RowOrder::ByImage => {
                let (per_image, image_distance) = (words.positive(), words.distance());
                let images = rows.clone().ceil_div(per_image.clone());
                walk.times(images, image_distance).times(rows.min(per_image), distance)
            }
        };
        let walk = match slices(words) {
            Some((count, distance)) => walk.times(count, distance),
            None => walk,
        };
        words.access(access, at, self.element, vec![walk]);
    }

    /// The operand at run time.
    pub fn read(&self, b: &mut Builder, arguments: &mut ArgumentReader) -> BoundRows {
        let pointer = arguments.pointer(b);
        let stride = arguments.integer(b);
        let row_bytes = b.mul_constant(stride, self.element.bytes());
        let order = match self.order {
            RowOrder::Even => BoundOrder::Even,
            RowOrder::Repeating => BoundOrder::Repeating { period: arguments.integer(b) },
            RowOrder::ByImage => {
                let rows = arguments.integer(b);
                let stride = arguments.integer(b);
                let image_bytes = b.mul_constant(stride, self.element.bytes());
                BoundOrder::ByImage { rows, image_bytes }
            }
        };
        BoundRows { element: self.element, pointer, row_bytes, order }
    }
}

/// An operand at run time.
#[derive(Clone, Copy, Debug)]
pub struct BoundRows {
    /// How elements are stored.
    pub element: ElementType,
    pointer: Value,
    row_bytes: Value,
    order: BoundOrder,
}

/// [`RowOrder`] at run time.
#[derive(Clone, Copy, Debug)]
enum BoundOrder {
    Even,
    Repeating { period: Value },
    ByImage { rows: Value, image_bytes: Value },
}

impl BoundRows {
    /// An operand or result that has as many rows as are asked for: an address and a row stride.
    pub fn contiguous(
        element: ElementType,
        b: &mut Builder,
        arguments: &mut ArgumentReader,
    ) -> Self {
        RowOperand { element, order: RowOrder::Even }.read(b, arguments)
    }

    /// Declares those words.
    pub(crate) fn declare_contiguous(
        element: ElementType,
        words: &mut Words,
        access: Access,
        extent: (Amount, impl Into<Amount>),
    ) {
        RowOperand { element, order: RowOrder::Even }.declare(words, access, extent);
    }

    /// The same without the columns before `column`.
    pub fn from_column(&self, b: &mut Builder, column: Value) -> Self {
        BoundRows {
            pointer: vector::element_pointer(b, self.pointer, self.element, column),
            ..*self
        }
    }

    /// The same without the rows before `row`, of rows at one distance.
    pub fn from_row(&self, b: &mut Builder, row: Value) -> Self {
        BoundRows { pointer: self.row(b, row), ..*self }
    }

    /// The address of a row.
    pub fn row(&self, b: &mut Builder, row: Value) -> Value {
        let (image, row) = match self.order {
            BoundOrder::Even => (self.pointer, row),
            BoundOrder::Repeating { period } => (self.pointer, b.rem(row, period)),
            BoundOrder::ByImage { rows, image_bytes } => {
                let image = b.div(row, rows);
                let bytes = b.mul(image, image_bytes);
                (b.offset(self.pointer, bytes), b.rem(row, rows))
            }
        };
        let bytes = b.mul(row, self.row_bytes);
        b.offset(image, bytes)
    }
}
