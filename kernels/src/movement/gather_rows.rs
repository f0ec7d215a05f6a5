//! Rows in the order that an index says.

use super::image_rows::{ImageRows, index_at};
use super::{Movement, expect_index};
use crate::arguments::{
    Address, Count, Fixed, Given, Positive, Tensor, Words, argument_block, flatten, place,
};
use crate::entry::{Entry, Worker};
use crate::launch::operand;
use crate::mlir::Module;
use crate::rows::{ImageExtent, RowsOfImages};
use crate::vector::{Columns, Width, at_once, copy_piece, for_columns};
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatherRows {
    /// How x and the result are stored.
    pub element: ElementType,
    /// Elements of a row, where that is known at compile time.
    pub width: Option<i64>,
    /// Elements that a thread of a GPU moves at once; 1 on a CPU.
    pub at_once: u32,
}

/// Rows of a tile.
const TILE_ROWS: i64 = 32;

argument_block! {
    /// The argument block of a [`GatherRows`].
    struct GatherRowsArguments<S> {
        x: RowsOfImages<S>,
        result: RowsOfImages<S>,
        index: Address<S>,
        /// Rows of an image of the result.
        rows: Positive<S>,
        columns: Count<S>,
        /// Rows of an image of x.
        x_rows: Positive<S>,
    }
}

impl GatherRows {
    /// The launch.
    pub(super) fn launch(
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Movement>, Reason> {
        let tile = target.tile_rows(TILE_ROWS);
        let (x, index) = (operand(operands, 0)?, operand(operands, 1)?);
        expect_index("gather_rows", 1, index)?;
        let (images, rows) = match result.ty.shape.as_slice() {
            [rows, _] => (Dim::from(1), rows.clone()),
            [images, rows, _] => (images.clone(), rows.clone()),
            _ => {
                let why =
                    format!("gather_rows reads rows of images, and its result is {}", result.ty);
                return Err(Reason::Unsupported(why));
            }
        };
        let x_rows = if x.ty.rank() < 3 { x.ty.rows() } else { x.rows_per_image() };
        let arguments = GatherRowsArguments::<Given> {
            x: RowsOfImages::of(Tensor::Operand(0), x),
            result: RowsOfImages::of(Tensor::Result, result),
            index: Address(Tensor::Operand(1)),
            rows: Positive(rows.clone()),
            columns: Count(result.ty.width()),
            x_rows: Positive(x_rows),
        };
        let at_once = at_once(target, [x, result]);
        let (element, width) = (x.ty.element, result.ty.width().as_constant());
        let gather = GatherRows { element, width, at_once };
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(vec![(images, 1), (rows, tile)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::GatherRows(gather),
        })
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self, target: Target) -> Signature {
        let tile = target.tile_rows(TILE_ROWS);
        let (mut words, arguments) = Words::of(GatherRowsArguments::fixed());
        let rows = arguments.rows.amount();
        let images = Amount::Tiles.ceil_div(rows.clone().ceil_div(tile));
        let columns = self.width.map_or(arguments.columns.amount(), Amount::Constant);
        let read = ImageExtent { images, rows: arguments.x_rows.amount(), columns };
        let written = ImageExtent { rows: rows.clone(), ..read.clone() };
        arguments.x.read(&mut words, self.element, &read);
        arguments.result.write(&mut words, self.element, &written);
        words.read_run(&arguments.index, ElementType::I32, rows);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        let tile = target.tile_rows(TILE_ROWS);
        entry.define(module, |b, Worker { block, first, end, .. }| {
            let arguments = place(GatherRowsArguments::fixed());
            let x = ImageRows::load(b, block, &arguments.x, self.element);
            let result = ImageRows::load(b, block, &arguments.result, self.element);
            let index = arguments.index.load(b, block);
            let rows = arguments.rows.load(b, block);
            let columns = arguments.columns.load(b, block);
            let x_rows = arguments.x_rows.load(b, block);
            let last_row = b.add_constant(x_rows, -1);
            let width = self.width.map_or(Width::Dynamic(columns), Width::Static);
            let columns = Columns { width, at_once: self.at_once };
            let blocks = b.ceil_div(rows, tile);
            b.for_each((first, end, 1), |b, position| {
                let image = b.div(position, blocks);
                let block = b.rem(position, blocks);
                let first = b.mul_constant(block, tile);
                let last = b.add_constant(first, tile);
                let last = b.min(last, rows);
                let [from, to] = [x, result].map(|tensor| tensor.image(b, image));
                b.for_each((first, last, 1), |b, row| {
                    // A call has checked the indices. One that is wrong all the same must not lead out of x.
                    let source = index_at(b, index, row);
                    let source = b.min(source, last_row);
                    let from = x.row(b, from, source);
                    let to = result.row(b, to, row);
                    for_columns(b, target, columns, |b, column, lanes| {
                        copy_piece(b, self.element, (column, lanes), (from, to));
                    });
                });
            });
        });
    }
}
