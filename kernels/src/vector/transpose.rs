//! Square blocks of registers, rows exchanged with columns.

use crate::mlir::{Builder, Value};

/// Lane `j` of result `i` is lane `i` of `rows[j]`. As many rows as lanes, a power of two.
///
/// Exchanges the off-diagonal quarters, then those of each quarter, and so on: `log2(n)` rounds of `n` shuffles.
pub(crate) fn transpose(b: &mut Builder, rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    let size = rows.len();
    let mut half = size / 2;
    while half > 0 {
        let lower: Vec<u32> = exchange(size, half, |lane| lane, |lane| size + lane - half);
        let upper: Vec<u32> = exchange(size, half, |lane| lane + half, |lane| size + lane);
        for first in (0..size).filter(|row| row & half == 0) {
            let (top, bottom) = (rows[first], rows[first + half]);
            rows[first] = b.shuffle(top, bottom, &lower);
            rows[first + half] = b.shuffle(top, bottom, &upper);
        }
        half /= 2;
    }
    rows
}

/// For each lane the lane that it takes: of the first operand where it lies in the lower half of its block.
fn exchange(
    size: usize,
    half: usize,
    first: impl Fn(usize) -> usize,
    second: impl Fn(usize) -> usize,
) -> Vec<u32> {
    (0..size).map(|lane| if lane & half == 0 { first(lane) } else { second(lane) } as u32).collect()
}
