//! Powers of two, of numbers that are not positive.

use crate::mlir::{Builder, Scalar, Value};

/// `2^x` for `x <= 0`, relative error below 2e-7. Below -126 the least normal number or less; NaN stays NaN.
///
/// `x = n + f` with `|f| <= 1/2`; the polynomial is the minimax one of degree 5 for the relative error of `2^f`, which
/// is 7.5e-8, and `n` is added to the exponent. Adding `3 * 2^22` leaves `n` in the lowest bits of the sum.
pub(crate) fn exp2_of_non_positive(b: &mut Builder, x: Value) -> Value {
    let ty = x.ty();
    let integers = ty.with_scalar(Scalar::I32);
    let least = b.splat(-126.0, ty);
    // `x` second: a NaN goes through.
    let x = b.max(least, x);
    let shifter = b.splat(12_582_912.0, ty);
    let shifted = b.add(x, shifter);
    let n = b.sub(shifted, shifter);
    let f = b.sub(x, n);
    let mut sum = b.splat(COEFFICIENTS[0], ty);
    for coefficient in &COEFFICIENTS[1..] {
        let coefficient = b.splat(*coefficient, ty);
        sum = b.fma(sum, f, coefficient);
    }
    let exponent = b.bitcast(shifted, integers);
    let exponent = b.shift_left(exponent, 23);
    let mantissa = b.bitcast(sum, integers);
    let bits = b.add(mantissa, exponent);
    b.bitcast(bits, ty)
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
