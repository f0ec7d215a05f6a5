//! Rows in the order that an index says.

use super::image_rows::{ImageRows, index_at};
use super::{Movement, expect_index};
use crate::launch::operand;
use crate::mlir::{Linkage, Module, Scalar, Type};
use crate::rows::ArgumentReader;
use crate::vector::{Width, element_pointer, for_columns};
use crate::words::Words;
use crate::{Argument, CpuTarget, Launch, Layout, Reason, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatherRows {
    /// How x and the result are stored.
    pub element: ElementType,
    /// Elements of a row, where that is known at compile time.
    pub width: Option<i64>,
}

/// Rows of a tile.
const TILE_ROWS: i64 = 32;

impl GatherRows {
    /// The launch. Words of the argument block: x and the result, each an address, a row stride and an image stride; the
    /// index; rows of the result; columns; rows of x.
    pub(super) fn launch(operands: &[Layout], result: &Layout) -> Result<Launch<Movement>, Reason> {
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
        let mut arguments = vec![];
        arguments.extend(ImageRows::words(Argument::Operand(0), x));
        arguments.extend(ImageRows::words(Argument::Result, result));
        arguments.push(Argument::Operand(1));
        let x_rows = if x.ty.rank() < 3 { x.ty.rows() } else { x.rows_per_image() };
        let numbers = [&rows, &result.ty.width(), &x_rows];
        arguments.extend(numbers.map(|dim| Argument::Integer(dim.clone())));
        let gather = GatherRows { element: x.ty.element, width: result.ty.width().as_constant() };
        Ok(Launch {
            arguments,
            tiles: Tiles(vec![(images, 1), (rows, TILE_ROWS)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::GatherRows(gather),
        })
    }

    /// What the code does with those words.
    pub(super) fn signature(&self) -> Signature {
        let mut words = Words::default();
        let [x, result] = [0, 1].map(|_| ImageRows::declare(&mut words));
        let index = words.address();
        let (rows, columns) = (words.positive(), words.count());
        let x_rows = words.positive();
        let width = self.width.map_or(columns, Amount::Constant);
        let images = Amount::Tiles.ceil_div(rows.clone().ceil_div(TILE_ROWS));
        x.read(&mut words, self.element, [&images, &x_rows, &width]);
        result.write(&mut words, self.element, [&images, &rows, &width]);
        words.read(index, ElementType::I32, [Walk::run(rows)]);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        // Bits are bits: what they mean as numbers is nobody's business here.
        let scalar = match self.element {
            ElementType::F32 | ElementType::I32 => Scalar::I32,
            ElementType::BF16 | ElementType::F16 => Scalar::I16,
        };
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            let &[block, first, end, _] = parameters else { return };
            let mut arguments = ArgumentReader::new(block);
            let [x, result] = [0, 1].map(|_| ImageRows::read(b, &mut arguments, self.element));
            let index = arguments.pointer(b);
            let rows = arguments.integer(b);
            let columns = arguments.integer(b);
            let x_rows = arguments.integer(b);
            let last_row = b.add_constant(x_rows, -1);
            let width = self.width.map_or(Width::Dynamic(columns), Width::Static);
            let blocks = b.ceil_div(rows, TILE_ROWS);
            b.for_each((first, end, 1), |b, tile| {
                let image = b.div(tile, blocks);
                let block = b.rem(tile, blocks);
                let first = b.mul_constant(block, TILE_ROWS);
                let last = b.add_constant(first, TILE_ROWS);
                let last = b.min(last, rows);
                let [from, to] = [x, result].map(|tensor| tensor.image(b, image));
                b.for_each((first, last, 1), |b, row| {
                    // A call has checked the indices. One that is wrong all the same must not lead out of x.
                    let source = index_at(b, index, row);
                    let source = b.min(source, last_row);
                    let from = x.row(b, from, source);
                    let to = result.row(b, to, row);
                    for_columns(b, target, width, |b, column, lanes| {
                        let from = element_pointer(b, from, self.element, column);
                        let elements = b.load(from, Type::Vector(scalar, lanes));
                        let to = element_pointer(b, to, self.element, column);
                        b.store(elements, to);
                    });
                });
            });
        });
    }
}
