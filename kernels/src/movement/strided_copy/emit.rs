//! Writes the strided copy.

use super::{LevelArguments, OperandCopyArguments, StridedCopy};
use crate::Target;
use crate::arguments::{Placed, place};
use crate::entry::{Entry, Worker};
use crate::mlir::{Builder, Module, Value};
use crate::vector::{self, Columns, Width, copy_piece, for_each_column};
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
            for copy in &arguments.copies {
                bound.push(BoundOperandCopy::load(b, block, copy, self.element));
            }
            let row_tiles = b.ceil_div(rows, self.tile_rows);
            b.for_each((first, end, 1), |b, tile| {
                let image = b.div(tile, row_tiles);
                let block = b.rem(tile, row_tiles);
                let first_row = b.mul_constant(block, self.tile_rows);
                for copy in &bound {
                    let end_row = b.add_constant(first_row, self.tile_rows);
                    let end_row = b.min(end_row, copy.rows.count);
                    let (from, to) = copy.image(b, result, image);
                    b.for_each((first_row, end_row, 1), |b, row| {
                        let (from, to) = copy.rows.at(b, row, from, to);
                        self.copy_inner(b, target, copy, &copy.inner, (from, to));
                    });
                }
            });
        });
    }

    fn copy_inner(
        &self,
        b: &mut Builder,
        target: Target,
        copy: &BoundOperandCopy,
        levels: &[BoundLevel],
        (from, to): (Value, Value),
    ) {
        if let ([runs], Some(pieces)) = (levels, copy.pieces(target)) {
            return self.share_runs(b, target, (copy.run.at_once, pieces), *runs, (from, to));
        }
        if let Some((level, inner)) = levels.split_first() {
            let zero = b.i64(0);
            b.for_each((zero, level.count, 1), |b, index| {
                let places = level.at(b, index, from, to);
                self.copy_inner(b, target, copy, inner, places);
            });
            return;
        }
        vector::copy(b, target, self.element, copy.run, (from, to));
    }

    /// The threads share the runs of a level, each of so many pieces, so that short runs leave none idle.
    fn share_runs(
        &self,
        b: &mut Builder,
        target: Target,
        (at_once, pieces): (u32, i64),
        runs: BoundLevel,
        (from, to): (Value, Value),
    ) {
        let (zero, of_run) = (b.i64(0), b.i64(pieces));
        let count = b.mul(runs.count, of_run);
        for_each_column(b, target, (zero, count), |b, piece| {
            let run = b.div(piece, of_run);
            let places = runs.at(b, run, from, to);
            let piece = b.rem(piece, of_run);
            let column = b.mul_constant(piece, i64::from(at_once));
            copy_piece(b, self.element, (column, at_once), places);
        });
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

/// What is copied of an operand, at run time.
#[derive(Clone, Debug)]
struct BoundOperandCopy {
    operand: Value,
    from: Value,
    to: Value,
    run: Columns,
    image_from: Value,
    image_to: Value,
    rows: BoundLevel,
    inner: Vec<BoundLevel>,
}

impl BoundOperandCopy {
    fn load(
        b: &mut Builder,
        block: Value,
        copy: &OperandCopyArguments<Placed>,
        element: ElementType,
    ) -> Self {
        let level = |b: &mut Builder, level| BoundLevel::load(b, block, level, element);
        let operand = copy.operand.load(b, block);
        let from = copy.start.from.load_bytes(b, block, element);
        let to = copy.start.to.load_bytes(b, block, element);
        let run = copy.run.load(b, block);
        let width = copy.known_run.map_or(Width::Dynamic(run), Width::Static);
        let run = Columns { width, at_once: copy.at_once as u32 };
        BoundOperandCopy {
            operand,
            from,
            to,
            run,
            image_from: copy.images.from.load_bytes(b, block, element),
            image_to: copy.images.to.load_bytes(b, block, element),
            rows: level(b, &copy.rows),
            inner: copy.inner.iter().map(|inner| level(b, inner)).collect(),
        }
    }

    /// How many pieces a run is that threads of a GPU copy one each; `None` where that is not known, and on a CPU.
    fn pieces(&self, target: Target) -> Option<i64> {
        let at_once = i64::from(self.run.at_once);
        match (target, self.run.width) {
            (Target::Nvidia(_), Width::Static(run)) if run > 0 && run % at_once == 0 => {
                Some(run / at_once)
            }
            (Target::Cpu(_) | Target::Nvidia(_), Width::Static(_) | Width::Dynamic(_)) => None,
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
