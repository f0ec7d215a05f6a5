//! Copies runs of elements from place to place, each place a sum of indices times strides.

use crate::mlir::{Builder, Linkage, Module, Type, Value};
use crate::rows::ArgumentReader;
use crate::vector::{self, Width};
use crate::words::Words;
use crate::{Argument, CpuTarget, Launch, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Signature, Walk};

use super::Movement;

/// A copy, piece after piece. The two outermost loops, over images and over rows, are the tiles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StridedCopy {
    /// What is copied.
    pub element: ElementType,
    /// Rows of a tile.
    pub tile_rows: i64,
    /// The pieces.
    pub pieces: Vec<PieceShape>,
}

/// What code depends on of a piece.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PieceShape {
    /// Loops inside images and rows.
    pub inner_loops: usize,
    /// Elements of a run, where that is known at compile time.
    pub run: Option<i64>,
}

/// One level of a loop nest: how often, and how far apart in the operand and in the result, in elements.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) count: Dim,
    pub(super) from: Dim,
    pub(super) to: Dim,
}

/// One operand's part of the result.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Which operand.
    pub(super) operand: usize,
    /// Where it starts in the operand, in elements.
    pub(super) from: Dim,
    /// Where it starts in the result.
    pub(super) to: Dim,
    /// Elements that follow each other in both.
    pub(super) run: Dim,
    /// Images, rows, and what is inside.
    pub(super) levels: [Level; 2],
    /// The loops inside.
    pub(super) inner: Vec<Level>,
}

impl StridedCopy {
    /// The launch. Words of the argument block: images; rows of the longest piece or more; the result's address; and
    /// for each piece its operand's address, where it starts in the operand and in the result, the run, its rows, and
    /// then for each level, but with no count for images and rows: count, stride in the operand, stride in the result.
    pub(super) fn launch(
        element: ElementType,
        tile_rows: i64,
        (images, rows): (Dim, Dim),
        pieces: &[Piece],
    ) -> Launch<Movement> {
        let mut arguments = vec![Argument::Integer(rows.clone()), Argument::Result];
        let integer = |dim: &Dim| Argument::Integer(dim.clone());
        for piece in pieces {
            arguments.push(Argument::Operand(piece.operand));
            arguments.extend([&piece.from, &piece.to, &piece.run].map(integer));
            let [images, rows] = &piece.levels;
            arguments.extend([&images.from, &images.to].map(integer));
            for level in [rows].into_iter().chain(&piece.inner) {
                arguments.extend([&level.count, &level.from, &level.to].map(integer));
            }
        }
        let shape = |piece: &Piece| PieceShape {
            inner_loops: piece.inner.len(),
            run: piece.run.as_constant(),
        };
        let copy = StridedCopy { element, tile_rows, pieces: pieces.iter().map(shape).collect() };
        Launch {
            arguments,
            tiles: Tiles(vec![(images, 1), (rows, tile_rows)]),
            scratch_bytes: Dim::from(0),
            packed: vec![],
            kernel: Movement::Copy(copy),
        }
    }

    /// What the code does with those words.
    pub(super) fn signature(&self) -> Signature {
        let mut words = Words::default();
        let rows = words.positive();
        let images = Amount::Tiles.ceil_div(rows.ceil_div(self.tile_rows));
        let result = words.address();
        let mut written = vec![];
        for piece in &self.pieces {
            let operand = words.address();
            let [from, to] = [0, 1].map(|_| words.distance());
            let run = words.count();
            let run = piece.run.map_or(run, Amount::Constant);
            let [mut read, mut write] = [from, to].map(|start| Walk::run(run.clone()).from(start));
            read = read.times(images.clone(), words.distance());
            write = write.times(images.clone(), words.distance());
            // Rows, and the loops inside.
            for _ in 0..=piece.inner_loops {
                let count = words.count();
                read = read.times(count.clone(), words.distance());
                write = write.times(count, words.distance());
            }
            words.read(operand, self.element, [read]);
            written.push(write);
        }
        words.write(result, self.element, written);
        words.by_image(0)
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, symbol: &str, target: &CpuTarget) {
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
            let &[block, first, end, _] = parameters else { return };
            let mut arguments = ArgumentReader::new(block);
            let rows = arguments.integer(b);
            let result = arguments.pointer(b);
            let bound: Vec<BoundPiece> = self
                .pieces
                .iter()
                .map(|piece| BoundPiece::read(b, &mut arguments, piece, self.element))
                .collect();
            let row_tiles = b.ceil_div(rows, self.tile_rows);
            b.for_each((first, end, 1), |b, tile| {
                let image = b.div(tile, row_tiles);
                let block = b.rem(tile, row_tiles);
                let first_row = b.mul_constant(block, self.tile_rows);
                for piece in &bound {
                    let end_row = b.add_constant(first_row, self.tile_rows);
                    let end_row = b.min(end_row, piece.rows.count);
                    let (from, to) = piece.image(b, result, image);
                    b.for_each((first_row, end_row, 1), |b, row| {
                        let (from, to) = piece.rows.at(b, row, from, to);
                        self.copy_inner(b, target, piece, &piece.inner, (from, to));
                    });
                }
            });
        });
    }

    fn copy_inner(
        &self,
        b: &mut Builder,
        target: &CpuTarget,
        piece: &BoundPiece,
        levels: &[BoundLevel],
        (from, to): (Value, Value),
    ) {
        if let Some((level, inner)) = levels.split_first() {
            let zero = b.i64(0);
            b.for_each((zero, level.count, 1), |b, index| {
                let places = level.at(b, index, from, to);
                self.copy_inner(b, target, piece, inner, places);
            });
            return;
        }
        vector::copy(b, target, self.element, piece.run, (from, to));
    }
}

/// A level at run time; strides in bytes.
#[derive(Clone, Copy, Debug)]
struct BoundLevel {
    count: Value,
    from: Value,
    to: Value,
}

impl BoundLevel {
    fn read(b: &mut Builder, arguments: &mut ArgumentReader, element: ElementType) -> Self {
        let count = arguments.integer(b);
        let [from, to] = [0, 1].map(|_| bytes(b, arguments, element));
        BoundLevel { count, from, to }
    }

    fn at(&self, b: &mut Builder, index: Value, from: Value, to: Value) -> (Value, Value) {
        let from_bytes = b.mul(index, self.from);
        let to_bytes = b.mul(index, self.to);
        (b.offset(from, from_bytes), b.offset(to, to_bytes))
    }
}

/// A piece at run time.
#[derive(Clone, Debug)]
struct BoundPiece {
    operand: Value,
    from: Value,
    to: Value,
    run: Width,
    image_from: Value,
    image_to: Value,
    rows: BoundLevel,
    inner: Vec<BoundLevel>,
}

impl BoundPiece {
    fn read(
        b: &mut Builder,
        arguments: &mut ArgumentReader,
        shape: &PieceShape,
        element: ElementType,
    ) -> Self {
        let operand = arguments.pointer(b);
        let [from, to] = [0, 1].map(|_| bytes(b, arguments, element));
        let run = arguments.integer(b);
        let [image_from, image_to] = [0, 1].map(|_| bytes(b, arguments, element));
        let rows = BoundLevel::read(b, arguments, element);
        let inner =
            (0..shape.inner_loops).map(|_| BoundLevel::read(b, arguments, element)).collect();
        let run = shape.run.map_or(Width::Dynamic(run), Width::Static);
        BoundPiece { operand, from, to, run, image_from, image_to, rows, inner }
    }

    /// Where an image's part starts in the operand and in the result.
    fn image(&self, b: &mut Builder, result: Value, image: Value) -> (Value, Value) {
        let images = BoundLevel { count: image, from: self.image_from, to: self.image_to };
        let from = b.offset(self.operand, self.from);
        let to = b.offset(result, self.to);
        images.at(b, image, from, to)
    }
}

/// The next word, a number of elements, in bytes.
fn bytes(b: &mut Builder, arguments: &mut ArgumentReader, element: ElementType) -> Value {
    let elements = arguments.integer(b);
    b.mul_constant(elements, element.bytes())
}
