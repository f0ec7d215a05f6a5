//! The weights of a softmax before they are divided by their sum: powers of two of scaled differences.

use crate::mlir::{Builder, Scalar, Type, Value};

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

/// The same for weights that are rounded to bf16, on a CPU with AVX-512, of products up to 126: relative error below 8.1e-5, a
/// fiftieth of what that rounding may take, zero below 2^-126 where subnormals are taken for zero.
///
/// The product is rounded: where it is not below -126, that is an error of the exponent of at most `126 * 2^-24`, and of the
/// power of 5.3e-6. It is `n + f` with `0 <= f < 1`; both instructions that part it do so exactly, and take an infinite one for
/// `f = 0`. The polynomial is the minimax one of degree 3 for the relative error of `2^f`, which is 7.48e-5.
pub(crate) fn rough_exp2_of_scaled(b: &mut Builder, difference: Value, scale: f64) -> Value {
    /// No fractional bits are kept of what is taken off, and it is rounded down.
    const FLOOR: i64 = 0b0001;
    const NO_MASK: i64 = -1;
    const CURRENT_ROUNDING: i64 = 4;
    let ty = difference.ty();
    let scale = b.splat(scale, ty);
    let exponent = b.mul(difference, scale);
    let mask = b.integer(NO_MASK, Type::Scalar(Scalar::I16));
    let rounding = b.integer(CURRENT_ROUNDING, Type::I32);
    let floor = b.integer(FLOOR, Type::I32);
    let operands = [exponent, floor, exponent, mask, rounding];
    let f = b.intrinsic("llvm.x86.avx512.mask.reduce.ps.512", &operands, ty);
    let mut sum = b.splat(ROUGH_COEFFICIENTS[0], ty);
    for coefficient in &ROUGH_COEFFICIENTS[1..] {
        let coefficient = b.splat(*coefficient, ty);
        sum = b.fma(sum, f, coefficient);
    }
    let operands = [sum, exponent, sum, mask, rounding];
    b.intrinsic("llvm.x86.avx512.mask.scalef.ps.512", &operands, ty)
}

/// Of `f^3` first.
const ROUGH_COEFFICIENTS: [f64; 4] =
    [7.802_452_266_4e-2, 2.260_671_553_9e-1, 6.958_335_405_1e-1, 9.999_252_185_6e-1];

/// Of `f^5` first.
const COEFFICIENTS: [f64; 6] = [
    1.327_647_199_2e-3,
    9.675_541_334_4e-3,
    5.550_713_273_5e-2,
    2.402_211_972_4e-1,
    6.931_469_670_6e-1,
    1.000_000_071_7,
];
