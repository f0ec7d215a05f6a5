//! Which columns of a tile a lane has sums of: of each 16 four beside each other, where `mma.sync` gives it two of each eight.
//!
//! ```text
//! rows of the weight that two products read         columns that the sums of a lane of four are of
//! first   0  1  4  5 10 11 14 15                    0: first  0  1, second  2  3      1: first   4  5, second  6  7
//! second  2  3  6  7  8  9 12 13                    2: second 8  9, first  10 11      3: second 12 13, first  14 15
//! ```
//! Four lanes then read whole sectors of what an epilogue reads, and write such. The eight rows of each product are in different
//! banks, as eight that follow each other are. Columns and their gates are products beside each other: there a lane has two.

use crate::mlir::{Builder, Comparison, Type, Value};
use crate::nvidia::{Sums, Thread};

/// Columns of a lane beside each other, at most.
pub(super) const RUN: i64 = 4;

/// The row of the weight, of 16, that is read as the row of that number of two products.
pub(super) fn weight_row(b: &mut Builder, number: Value) -> Value {
    let bit = |b: &mut Builder, position: i64| {
        let (bit, one) = (b.shift_right(number, position), b.integer(1, Type::I32));
        b.and(bit, one)
    };
    let [parity, low, high, second] = [0, 1, 2, 3].map(|position| bit(b, position));
    let pair = b.xor(second, high);
    let (pair, low, high) =
        (b.mul_constant(pair, 2), b.mul_constant(low, 4), b.mul_constant(high, 8));
    let (within, run) = (b.add(parity, pair), b.add(low, high));
    b.add(within, run)
}

/// The sums of a lane that are beside each other, of a row (`half` 0) or of the eighth behind it (1) of two products.
pub(super) fn run_of(
    b: &mut Builder,
    thread: &Thread,
    [first, second]: [&Sums; 2],
    half: usize,
) -> [Value; RUN as usize] {
    let (two, zero) = (b.integer(2, Type::I32), b.integer(0, Type::I32));
    let upper = b.and(thread.lane, two);
    let is_swapped = b.compare(Comparison::NotEqual, upper, zero);
    [0, 1, 2, 3].map(|position| {
        let place = 2 * half + position % 2;
        let (first, second) = (first[place], second[place]);
        match position {
            0 | 1 => b.select(is_swapped, second, first),
            _ => b.select(is_swapped, first, second),
        }
    })
}
