//! A table of positions resampled to another grid.

mod cpu;
mod nvidia;

use super::taps::Axis;
use super::{Movement, expect_rank};
use crate::arguments::{
    Count, Fixed, Given, Positive, Tensor, Words, argument_block, flatten, place,
};
use crate::entry::Entry;
use crate::mlir::{Builder, Module, Value};
use crate::rows::EvenRows;
use crate::vector::{Columns, Width};
use crate::{Launch, Layout, Reason, Target, Tiles};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::InterpolationFilter;
use ocellus_runtime::signature::{Amount, Signature};

/// All that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InterpolatePositions {
    /// How the table and the result are stored.
    pub element: ElementType,
    /// The rows of the table's own grid.
    pub native_rows: i64,
    /// The columns of the table's own grid.
    pub native_cols: i64,
    /// The weights.
    pub filter: InterpolationFilter,
    /// Whether a table that shrinks is low-passed first.
    pub antialias: bool,
    /// Elements of a position, where that is known at compile time.
    pub width: Option<i64>,
    /// Elements that a thread of a GPU reads and writes at once; 1 on a CPU.
    pub at_once: u32,
}

argument_block! {
    /// The argument block of an [`InterpolatePositions`].
    struct InterpolatePositionsArguments<S> {
        table: EvenRows<S>,
        /// Rows of the grid that is wanted.
        rows: Positive<S>,
        /// Its columns.
        cols: Positive<S>,
        /// Elements of a position.
        width: Count<S>,
        result: EvenRows<S>,
    }
}

impl InterpolatePositions {
    /// The launch; a tile is a row of the wanted grid, and on a GPU a position.
    pub(super) fn launch(
        self,
        table: &Layout,
        result: &Layout,
        (rows, cols): (&Dim, &Dim),
        target: Target,
    ) -> Result<Launch<Movement>, Reason> {
        expect_rank("interpolate_positions", 0, table, 2)?;
        let native = self.native_rows.checked_mul(self.native_cols).unwrap_or(0);
        if self.native_rows < 1 || self.native_cols < 1 || table.ty.rows() != Dim::from(native) {
            let (rows, cols) = (self.native_rows, self.native_cols);
            let why = format!("a table {} is no grid of {rows} x {cols}", table.ty);
            return Err(Reason::Unsupported(why));
        }
        let arguments = InterpolatePositionsArguments::<Given> {
            table: EvenRows::of(Tensor::Operand(0), table),
            rows: Positive(rows.clone()),
            cols: Positive(cols.clone()),
            width: Count(result.ty.width()),
            result: EvenRows::of(Tensor::Result, result),
        };
        let (scratch_bytes, tiles) = match target {
            Target::Cpu(_) => (self.scratch_of_pairs(), vec![(rows.clone(), 1)]),
            Target::Nvidia(_) => {
                (self.scratch_of_axes()?, vec![(rows.clone(), 1), (cols.clone(), 1)])
            }
        };
        Ok(Launch {
            arguments: flatten(arguments).words,
            tiles: Tiles(tiles),
            scratch_bytes: Dim::from(scratch_bytes),
            packed: vec![],
            kernel: Movement::InterpolatePositions(self),
        })
    }

    /// What the code does with its argument block.
    pub(super) fn signature(&self, target: Target) -> Signature {
        let (mut words, arguments) = Words::of(InterpolatePositionsArguments::fixed());
        let InterpolatePositionsArguments { table, rows, cols, width, result } = arguments;
        let width = self.width.map_or(width.amount(), Amount::Constant);
        let native = Amount::Constant(self.native_rows * self.native_cols);
        let wanted = rows.amount() * cols.amount();
        words.read(&table.start, self.element, [table.walk(native, width.clone())]);
        words.write(&result.start, self.element, [result.walk(wanted.clone(), width)]);
        match target {
            Target::Cpu(_) => words.tiled(rows.amount(), self.scratch_of_pairs()),
            Target::Nvidia(_) => words.tiled(wanted, self.axes_bytes()),
        }
    }

    /// Writes the kernel into a module.
    pub(super) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        let target = entry.target;
        // The elements of all taps are on their way at once, which takes registers.
        let entry = Entry { blocks_at_once: entry.blocks_at_once / 2, ..entry };
        entry.define(module, |b, worker| {
            let grids = self.load(b, worker.block);
            match target {
                Target::Cpu(cpu) => self.resample_rows(b, cpu, worker, &grids),
                Target::Nvidia(gpu) => self.resample_positions(b, gpu, worker, &grids),
            }
        });
    }

    fn load(&self, b: &mut Builder, block: Value) -> Grids {
        let arguments = place(InterpolatePositionsArguments::fixed());
        let table = arguments.table.start.load(b, block);
        let table_bytes = arguments.table.row_stride.load_bytes(b, block, self.element);
        let rows = arguments.rows.load(b, block);
        let cols = arguments.cols.load(b, block);
        let width = arguments.width.load(b, block);
        let width = self.width.map_or(Width::Dynamic(width), Width::Static);
        let columns = Columns { width, at_once: self.at_once };
        let result = arguments.result.start.load(b, block);
        let result_bytes = arguments.result.row_stride.load_bytes(b, block, self.element);
        let axis = |native, wanted| Axis {
            native,
            wanted,
            filter: self.filter,
            antialias: self.antialias,
        };
        let axes = [axis(self.native_rows, rows), axis(self.native_cols, cols)];
        Grids { table, table_bytes, axes, columns, result, result_bytes }
    }
}

/// The table and the grid that is wanted, at run time.
#[derive(Clone, Copy, Debug)]
struct Grids {
    table: Value,
    /// From each entry of the table to the next.
    table_bytes: Value,
    /// Along the rows, and along the columns.
    axes: [Axis; 2],
    /// Elements of a position.
    columns: Columns,
    result: Value,
    /// From each position to the next.
    result_bytes: Value,
}

impl Grids {
    /// Where a position of the wanted grid is written.
    fn position(&self, b: &mut Builder, row: Value, col: Value) -> Value {
        let [_, Axis { wanted: cols, .. }] = self.axes;
        let position = b.mul(row, cols);
        let position = b.add(position, col);
        let bytes = b.mul(position, self.result_bytes);
        b.offset(self.result, bytes)
    }
}
