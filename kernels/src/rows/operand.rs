//! An operand read row by row.

use super::EvenRows;
use crate::Layout;
use crate::arguments::{Address, Distance, Given, Placed, Positive, Tensor, Words, argument_block};
use crate::mlir::{Builder, Value};
use crate::vector;
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Walk};

argument_block! {
    /// An operand read row by row.
    pub struct RowOperand<S> {
        /// How elements are stored.
        pub element: ElementType,
        /// The first row.
        pub start: Address<S>,
        /// From each row to the next.
        pub row_stride: Distance<S>,
        /// How rows follow each other.
        pub order: RowOrder<S>,
    }
}

argument_block! {
    /// How rows follow each other in memory.
    pub enum RowOrder<S> {
        /// One distance from each row to the next.
        Even,
        /// The same, but there are fewer rows than are asked for: they start again after the last.
        Repeating {
            /// How many there are.
            period: Positive<S>,
        },
        /// The same within an image, and another from each image to the next: some of its tokens are left out.
        ByImage {
            /// Rows of an image.
            rows: Positive<S>,
            /// From each image to the next.
            image_stride: Distance<S>,
        },
    }
}

impl RowOperand<Given> {
    /// The operand at that position, of that layout. Where images share their rows, these repeat.
    pub(crate) fn of(position: usize, layout: &Layout) -> Self {
        let rows = layout.rows_per_image();
        let even = layout.ty.rank() < 3
            || layout.ty.shape.first() == Some(&Dim::from(1))
            || layout.image_stride == rows.clone() * layout.row_stride.clone();
        let order = match layout.is_shared_by_images() {
            _ if even => RowOrder::Even,
            true => RowOrder::Repeating { period: Positive(rows) },
            false => RowOrder::ByImage {
                rows: Positive(rows),
                image_stride: Distance(layout.image_stride.clone()),
            },
        };
        let EvenRows { start, row_stride } = EvenRows::of(Tensor::Operand(position), layout);
        RowOperand { element: layout.ty.element, start, row_stride, order }
    }
}

impl RowOperand<Placed> {
    /// The kernel reads so many rows of so many elements.
    pub(crate) fn read(&self, words: &mut Words, rows: &Amount, columns: impl Into<Amount>) {
        words.read(&self.start, self.element, [self.walk(rows, columns)]);
    }

    /// So many elements of each of so many rows.
    pub(crate) fn walk(&self, rows: &Amount, columns: impl Into<Amount>) -> Walk {
        let (walk, rows) = (Walk::run(columns), rows.clone());
        let distance = self.row_stride.amount();
        match &self.order {
            RowOrder::Even => walk.times(rows, distance),
            RowOrder::Repeating { period } => walk.times(rows.min(period.amount()), distance),
            RowOrder::ByImage { rows: per_image, image_stride } => {
                let images = rows.clone().ceil_div(per_image.amount());
                let walk = walk.times(images, image_stride.amount());
                walk.times(rows.min(per_image.amount()), distance)
            }
        }
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
    /// The operand, of which the argument block is given.
    pub(crate) fn load(b: &mut Builder, block: Value, operand: &RowOperand<Placed>) -> Self {
        let element = operand.element;
        let pointer = operand.start.load(b, block);
        let row_bytes = operand.row_stride.load_bytes(b, block, element);
        let order = match &operand.order {
            RowOrder::Even => BoundOrder::Even,
            RowOrder::Repeating { period } => {
                BoundOrder::Repeating { period: period.load(b, block) }
            }
            RowOrder::ByImage { rows, image_stride } => BoundOrder::ByImage {
                rows: rows.load(b, block),
                image_bytes: image_stride.load_bytes(b, block, element),
            },
        };
        BoundRows { element, pointer, row_bytes, order }
    }

    /// An operand or result that has as many rows as are asked for, all at one distance.
    pub(crate) fn load_even(
        b: &mut Builder,
        block: Value,
        rows: &EvenRows<Placed>,
        element: ElementType,
    ) -> Self {
        let pointer = rows.start.load(b, block);
        let row_bytes = rows.row_stride.load_bytes(b, block, element);
        BoundRows { element, pointer, row_bytes, order: BoundOrder::Even }
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
