//! The sum that one level of the target is, in integers.

use super::weights::FRACTION_BITS;

/// Where a sum begins, so that cutting its fraction off rounds it.
pub const HALF: i32 = 1 << (FRACTION_BITS - 1);

/// The weighted sum of levels.
#[inline(always)]
pub fn of(levels: impl Iterator<Item = i32>, weights: &[i32]) -> i32 {
    let products = levels.zip(weights).map(|(level, weight)| level.wrapping_mul(*weight));
    products.fold(HALF, i32::wrapping_add)
}

/// The level that a sum stands for.
#[inline(always)]
pub fn level(sum: i32) -> u8 {
    (sum >> FRACTION_BITS).clamp(0, 255) as u8
}
