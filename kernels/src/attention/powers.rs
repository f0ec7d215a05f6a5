//! The weights of a softmax before they are divided by their sum: powers of two of scaled differences.

use crate::mlir::{Builder, Scalar, Value};

/// The magnitudes of a scale for which no constant of [`exp2_of_scaled`] leaves f32.
pub(crate) const SCALES: std::ops::RangeInclusive<f64> = 1e-30..=1e30;

/// `2^(difference * scale)`, where that product is not positive; relative error below 2e-7 of what f32 makes of the
/// product, zero below 2^-126.5. NaN stays NaN, and an infinite difference weighs nothing.
///
/// The product is never rounded: it is `n + f` with `|f| <= 1/2`, and both come out of a fused multiplication. Adding
/// `3 * 2^22 + 127` leaves `n + 127` in the lowest bits of the sum, and those, shifted, are the exponent of `2^n`. The
/// polynomial is the minimax one of degree 5 for the relative error of `2^f`, which is 7.5e-8. It is multiplied by
/// `2^n`: to add `n` to its exponent would turn some NaNs into numbers.
pub(crate) fn exp2_of_scaled(b: &mut Builder, difference: Value, scale: f64) -> Value {
    let ty = difference.ty();
    // Where the exponent of 2^n is zero, so is 2^n. The difference is second: a NaN goes through.
    let end = b.splat(-127.0 / scale, ty);
    let difference = match scale < 0.0 {
        true => b.min(end, difference),
        false => b.max(end, difference),
    };
    let scale = b.splat(scale, ty);
    let shifter = b.splat(12_582_912.0 + 127.0, ty);
    let shifted = b.fma(difference, scale, shifter);
    let minus_n = b.sub(shifter, shifted);
    let f = b.fma(difference, scale, minus_n);
    let mut sum = b.splat(COEFFICIENTS[0], ty);
    for coefficient in &COEFFICIENTS[1..] {
        let coefficient = b.splat(*coefficient, ty);
        sum = b.fma(sum, f, coefficient);
    }
    let bits = b.bitcast(shifted, ty.with_scalar(Scalar::I32));
    let bits = b.shift_left(bits, 23);
    let power = b.bitcast(bits, ty);
    b.mul(sum, power)
}

/// Of `f^5` first.
const COEFFICIENTS: [f64; 6] = [
    1.327_647_199_2e-3,
    9.675_541_334_4e-3,
    5.550_713_273_5e-2,
    2.402_211_972_4e-1,
    6.931_469_670_6e-1,
    1.000_000_071_7,
];
