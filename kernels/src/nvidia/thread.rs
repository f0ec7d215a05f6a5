//! [`Thread`]: who a thread is in its block.

use crate::WARP;
use crate::mlir::{Builder, Type, Value};

/// Who a thread is. All numbers are `i32`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    /// Its number in the block.
    pub(crate) number: Value,
    /// Its number in the warp.
    pub(crate) lane: Value,
    /// Its warp.
    pub(crate) warp: Value,
}

impl Thread {
    /// The thread of that number in its block.
    pub(crate) fn of(b: &mut Builder, number: Value) -> Self {
        let (lanes, mask) = (b.integer(WARP, Type::I32), b.integer(WARP - 1, Type::I32));
        Thread { number, lane: b.and(number, mask), warp: b.div(number, lanes) }
    }

    /// The row of the eight that a lane has sums of, and the first of its two columns of the eight.
    pub(crate) fn place_in_sums(&self, b: &mut Builder) -> (Value, Value) {
        let (row, pair) = self.place_in_matrix(b);
        (row, b.mul_constant(pair, 2))
    }

    /// The row of the eight of a matrix that a lane has an f32 of, and its column of four.
    pub(crate) fn place_in_matrix(&self, b: &mut Builder) -> (Value, Value) {
        let mask = b.integer(3, Type::I32);
        (b.shift_right(self.lane, 2), b.and(self.lane, mask))
    }

    /// The row of 16 that a lane names where four matrices are read, two below each other, and which of two beside them.
    pub(crate) fn place_in_matrices(&self, b: &mut Builder) -> (Value, Value) {
        let mask = b.integer(15, Type::I32);
        (b.and(self.lane, mask), b.shift_right(self.lane, 4))
    }

    /// The same where two beside each other come first.
    pub(crate) fn place_in_matrix_pairs(&self, b: &mut Builder) -> (Value, Value) {
        let (within, one) = (b.integer(7, Type::I32), b.integer(1, Type::I32));
        let within = b.and(self.lane, within);
        let next = b.shift_right(self.lane, 4);
        let next = b.mul_constant(next, 8);
        let chunk = b.shift_right(self.lane, 3);
        (b.add(within, next), b.and(chunk, one))
    }
}
