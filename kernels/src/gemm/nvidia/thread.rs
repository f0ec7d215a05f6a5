//! [`Thread`]: who a thread is in its block, and which tile the block has.

use super::Schedule;
use crate::gemm::Product;
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::nvidia;

/// Who a thread is. All numbers are `i32`.
#[derive(Clone, Copy)]
pub(super) struct Thread {
    /// Its number in the block, its warp, and its number in that.
    pub(super) in_block: nvidia::Thread,
    /// The warp among those of one slice of a step's depth.
    pub(super) warp_in_slice: Value,
    /// The row of blocks of the tile that its warp's is in.
    pub(super) warp_row: Value,
    /// The column of blocks.
    pub(super) warp_column: Value,
    /// The slice of a step's depth.
    pub(super) slice: Value,
}

impl Thread {
    /// The thread of that number in its block.
    pub(super) fn of(b: &mut Builder, schedule: &Schedule, number: Value) -> Self {
        let in_block = nvidia::Thread::of(b, number);
        let warps = b.integer(schedule.warps.rows * schedule.warps.columns, Type::I32);
        let columns = b.integer(schedule.warps.columns, Type::I32);
        let warp_in_slice = b.rem(in_block.warp, warps);
        Thread {
            in_block,
            warp_in_slice,
            warp_row: b.div(warp_in_slice, columns),
            warp_column: b.rem(warp_in_slice, columns),
            slice: b.div(in_block.warp, warps),
        }
    }
}

/// The tile of a block.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Its first row.
    pub(super) first_row: Value,
    /// How many rows there are, in all.
    pub(super) rows: Value,
    /// Its number among the tiles beside each other, `i32`.
    pub(super) column: Value,
    /// Its first column of the result.
    pub(super) first_column: Value,
    /// The slice of k that it sums.
    pub(super) slice: Value,
}

impl Tile {
    /// The tile of that number: slices one after the other, in these groups of rows of tiles, in these columns.
    pub(super) fn of(
        b: &mut Builder,
        schedule: &Schedule,
        product: &Product,
        (number, rows): (Value, Value),
    ) -> Self {
        let down = b.ceil_div(rows, schedule.rows);
        let down = b.truncate_integer(down, Scalar::I32);
        let across = (product.n + schedule.columns - 1) / schedule.columns;
        let (slice, number) = match product.slices {
            1 => (b.i64(0), number),
            _ => {
                let tiles = b.mul_constant(down, across);
                let slice = b.div(number, tiles);
                (b.extend_unsigned(slice, Scalar::I64), b.rem(number, tiles))
            }
        };
        let group_rows = schedule.warps.group;
        let in_group = b.integer(group_rows * across, Type::I32);
        let group = b.div(number, in_group);
        let within = b.rem(number, in_group);
        let first = b.mul_constant(group, group_rows);
        let (height, most) = (b.sub(down, first), b.integer(group_rows, Type::I32));
        let height = b.min(height, most);
        let column = b.div(within, height);
        let within = b.rem(within, height);
        let row = b.add(first, within);
        let row = b.extend_unsigned(row, Scalar::I64);
        let columns = if product.is_gated() { schedule.columns / 2 } else { schedule.columns };
        let first_column = b.extend_unsigned(column, Scalar::I64);
        Tile {
            first_row: b.mul_constant(row, schedule.rows),
            rows,
            column,
            first_column: b.mul_constant(first_column, columns),
            slice,
        }
    }

    /// The row behind its last.
    pub(super) fn end_row(&self, b: &mut Builder, schedule: &Schedule) -> Value {
        let end = b.add_constant(self.first_row, schedule.rows);
        b.min(end, self.rows)
    }
}
