//! Operands and results that lie in memory at one or two distances, or in one run.

use crate::arguments::{Address, Distance, Given, Placed, Tensor, Words, argument_block};
use crate::launch::operand;
use crate::mlir::{Builder, Value};
use crate::vector;
use crate::{Layout, Reason};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Walk};

argument_block! {
    /// A number for each column.
    pub struct ColumnOperand<S> {
        /// How the numbers are stored.
        pub element: ElementType,
        /// The first.
        pub start: Address<S>,
    }
}

impl ColumnOperand<Given> {
    /// The operand at that position, which must have a number for each of `width` columns and no more.
    pub(crate) fn of(
        (operands, position): (&[Layout], usize),
        width: &Dim,
    ) -> Result<Self, Reason> {
        let ty = &operand(operands, position)?.ty;
        match ty.elements() == *width && ty.width() == *width {
            true => {
                let start = Address(Tensor::Operand(position));
                Ok(ColumnOperand { element: ty.element, start })
            }
            false => {
                Err(Reason::Width { operand: position, ty: ty.clone(), wanted: width.clone() })
            }
        }
    }
}

impl ColumnOperand<Placed> {
    /// The kernel reads one number for each of that many columns.
    pub(crate) fn read(&self, words: &mut Words, width: &Amount) {
        words.read_run(&self.start, self.element, width.clone());
    }
}

/// A number for each column, at run time.
#[derive(Clone, Copy, Debug)]
pub(in crate::rows) struct BoundColumns {
    /// How the numbers are stored.
    pub(in crate::rows) element: ElementType,
    /// The address of the first.
    pub(in crate::rows) start: Value,
}

impl BoundColumns {
    /// The numbers, of which the argument block is given.
    pub(in crate::rows) fn load(
        b: &mut Builder,
        block: Value,
        operand: &ColumnOperand<Placed>,
    ) -> Self {
        BoundColumns { element: operand.element, start: operand.start.load(b, block) }
    }

    /// Some of the numbers, from `column` on.
    pub(in crate::rows) fn read(&self, b: &mut Builder, column: Value, lanes: u32) -> Value {
        let pointer = vector::element_pointer(b, self.start, self.element, column);
        vector::load(b, self.element, pointer, lanes)
    }
}

argument_block! {
    /// Rows at one distance.
    pub struct EvenRows<S> {
        /// The first row.
        pub start: Address<S>,
        /// From each row to the next.
        pub row_stride: Distance<S>,
    }
}

impl EvenRows<Given> {
    /// The rows of a tensor of that layout.
    pub(crate) fn of(tensor: Tensor, layout: &Layout) -> Self {
        EvenRows { start: Address(tensor), row_stride: Distance(layout.row_stride.clone()) }
    }
}

impl EvenRows<Placed> {
    /// So many elements of each of so many rows.
    pub(crate) fn walk(&self, rows: Amount, columns: impl Into<Amount>) -> Walk {
        Walk::run(columns).times(rows, self.row_stride.amount())
    }
}

argument_block! {
    /// Images at one distance, of rows at one distance. A tensor of rank 2 is one image.
    pub struct RowsOfImages<S> {
        /// The first row of the first image.
        pub start: Address<S>,
        /// From each row to the next.
        pub row_stride: Distance<S>,
        /// From each image to the next.
        pub image_stride: Distance<S>,
    }
}

impl RowsOfImages<Given> {
    /// The images of a tensor of that layout.
    pub(crate) fn of(tensor: Tensor, layout: &Layout) -> Self {
        RowsOfImages {
            start: Address(tensor),
            row_stride: Distance(layout.row_stride.clone()),
            image_stride: Distance(layout.image_stride.clone()),
        }
    }
}

/// How much of a tensor of images is read or written.
#[derive(Clone, Debug)]
pub(crate) struct ImageExtent {
    /// So many images.
    pub(crate) images: Amount,
    /// So many rows of each.
    pub(crate) rows: Amount,
    /// So many elements of each row.
    pub(crate) columns: Amount,
}

impl RowsOfImages<Placed> {
    fn walk(&self, extent: &ImageExtent) -> Walk {
        let ImageExtent { images, rows, columns } = extent.clone();
        let walk = Walk::run(columns).times(rows, self.row_stride.amount());
        walk.times(images, self.image_stride.amount())
    }

    /// The kernel reads there.
    pub(crate) fn read(&self, words: &mut Words, element: ElementType, extent: &ImageExtent) {
        words.read(&self.start, element, [self.walk(extent)]);
    }

    /// The kernel writes there.
    pub(crate) fn write(&self, words: &mut Words, element: ElementType, extent: &ImageExtent) {
        words.write(&self.start, element, [self.walk(extent)]);
    }
}
