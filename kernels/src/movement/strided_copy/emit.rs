//! Writes the strided copy.

use super::{LevelArguments, PieceArguments, StridedCopy};
use crate::Target;
use crate::arguments::{Placed, place};
use crate::entry::{Entry, Worker};
use crate::mlir::{Builder, Module, Value};
use crate::vector::{self, Width};
use ocellus_dialects::ElementType;

impl StridedCopy {
    /// Writes the kernel into a module.
    pub(in crate::movement) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        entry.define(module, |b, Worker { block, first, end, .. }| {
            let arguments = place(self.arguments());
            let rows = arguments.rows.load(b, block);
            let result = arguments.result.load(b, block);
            let mut bound = vec![];
            for piece in &arguments.pieces {
                bound.push(BoundPiece::load(b, block, piece, self.element));
            }
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
        target: Target,
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
    fn load(
        b: &mut Builder,
        block: Value,
        level: &LevelArguments<Placed>,
        element: ElementType,
    ) -> Self {
        BoundLevel {
            count: level.count.load(b, block),
            from: level.step.from.load_bytes(b, block, element),
            to: level.step.to.load_bytes(b, block, element),
        }
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
    fn load(
        b: &mut Builder,
        block: Value,
        piece: &PieceArguments<Placed>,
        element: ElementType,
    ) -> Self {
        let level = |b: &mut Builder, level| BoundLevel::load(b, block, level, element);
        let operand = piece.operand.load(b, block);
        let from = piece.start.from.load_bytes(b, block, element);
        let to = piece.start.to.load_bytes(b, block, element);
        let run = piece.run.load(b, block);
        let run = piece.known_run.map_or(Width::Dynamic(run), Width::Static);
        BoundPiece {
            operand,
            from,
            to,
            run,
            image_from: piece.images.from.load_bytes(b, block, element),
            image_to: piece.images.to.load_bytes(b, block, element),
            rows: level(b, &piece.rows),
            inner: piece.inner.iter().map(|inner| level(b, inner)).collect(),
        }
    }

    /// Where an image's part starts in the operand and in the result.
    fn image(&self, b: &mut Builder, result: Value, image: Value) -> (Value, Value) {
        let images = BoundLevel { count: image, from: self.image_from, to: self.image_to };
        let from = b.offset(self.operand, self.from);
        let to = b.offset(result, self.to);
        images.at(b, image, from, to)
    }
}
