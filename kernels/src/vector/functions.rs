//! Functions of vectors of f32, as polynomials and quotients of polynomials. The errors stated are against f64, and the
//! tests of the code generator hold them.

use crate::mlir::{Builder, Scalar, Type, Value};

/// `coefficients[0] x^n + .. + coefficients[n]`, by Horner's rule.
fn polynomial(b: &mut Builder, x: Value, coefficients: &[f64]) -> Value {
    let mut coefficients = coefficients.iter();
    let mut sum = b.splat(coefficients.next().copied().unwrap_or(0.0), x.ty());
    for coefficient in coefficients {
        let coefficient = b.splat(*coefficient, x.ty());
        sum = b.fma(sum, x, coefficient);
    }
    sum
}

fn clamp(b: &mut Builder, x: Value, min: f64, max: f64) -> Value {
    let max = b.splat(max, x.ty());
    let min = b.splat(min, x.ty());
    // `x` second: a NaN goes through.
    let x = b.min(max, x);
    b.max(min, x)
}

/// `e^x`, relative error below 2e-7. Zero below -87.7, infinite above 88.4; NaN stays NaN.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, the constant in two parts (Cody & Waite), and the polynomial of Cephes'
/// `expf` (S. Moshier). Adding `3 * 2^22 + 127` leaves `n + 127` in the lowest bits of the sum, and those, shifted, are
/// the exponent of `2^n`: of zero at the lower end, of infinity at the upper one.
pub fn exp(b: &mut Builder, x: Value) -> Value {
    let x = clamp(b, x, -88.0, 89.0);
    let log2_e = b.splat(std::f64::consts::LOG2_E, x.ty());
    let shifter = b.splat(12_582_912.0 + 127.0, x.ty());
    let shifted = b.fma(x, log2_e, shifter);
    let n = b.sub(shifted, shifter);
    let minus_high = b.splat(-0.693_359_375, x.ty());
    let minus_low = b.splat(2.121_944_400_546_905_8e-4, x.ty());
    let r = b.fma(n, minus_high, x);
    let r = b.fma(n, minus_low, r);
    let tail = polynomial(
        b,
        r,
        &[
            1.987_569_150_0e-4,
            1.398_199_950_7e-3,
            8.333_451_907_3e-3,
            4.166_579_589_4e-2,
            1.666_666_545_9e-1,
            5.000_000_120_1e-1,
        ],
    );
    let one = b.splat(1.0, x.ty());
    let head = b.add(r, one);
    let square = b.mul(r, r);
    let mantissa = b.fma(tail, square, head);
    let bits = b.bitcast(shifted, x.ty().with_scalar(Scalar::I32));
    let bits = b.shift_left(bits, 23);
    let power = b.bitcast(bits, x.ty());
    // Not added to the exponent of the mantissa: that would turn some NaNs into numbers.
    b.mul(mantissa, power)
}

/// `1 / (1 + e^-x)`, relative error below 4e-7 where `x > -87`; zero below -88.4, so that a gate is shut whatever it is
/// multiplied by.
pub fn sigmoid(b: &mut Builder, x: Value) -> Value {
    let zero = b.splat(0.0, x.ty());
    let one = b.splat(1.0, x.ty());
    let negative = b.sub(zero, x);
    let power = exp(b, negative);
    let denominator = b.add(one, power);
    b.div(one, denominator)
}

/// `log(1 + x)` where `0 <= x <= 1`, relative error below 3e-7: `2 atanh(s)` of `s = x / (2 + x)`, which is at most a
/// third, by its power series.
pub fn log_1p(b: &mut Builder, x: Value) -> Value {
    let two = b.splat(2.0, x.ty());
    let denominator = b.add(two, x);
    let s = b.div(x, denominator);
    let square = b.mul(s, s);
    let series: Vec<f64> = (0..8).rev().map(|n| 2.0 / f64::from(2 * n + 1)).collect();
    let sum = polynomial(b, square, &series);
    b.mul(s, sum)
}

/// The error function, absolute error below 3e-7: the quotient of XLA's `ErfImpl32` (from Eigen), odd of degree 9 over
/// even of degree 12, exact to f32 beyond 3.83.
pub fn erf(b: &mut Builder, x: Value) -> Value {
    let x = clamp(b, x, -3.832_506_856_900_711, 3.832_506_856_900_711);
    let square = b.mul(x, x);
    let numerator = polynomial(
        b,
        square,
        &[
            2.290_506_586_135_064_6e-4,
            3.408_291_010_710_950_6e-3,
            5.095_569_506_238_086e-2,
            1.852_083_223_997_614_5e-1,
            1.128_379_143_519_084,
        ],
    );
    let denominator = polynomial(
        b,
        square,
        &[
            -1.179_160_295_436_169_7e-7,
            2.354_796_647_131_318_5e-5,
            1.017_962_527_891_488_5e-3,
            1.407_047_017_116_766_7e-2,
            1.109_850_517_828_536_2e-1,
            4.974_692_511_067_504e-1,
            1.0,
        ],
    );
    let numerator = b.mul(x, numerator);
    b.div(numerator, denominator)
}

/// The hyperbolic tangent, absolute error below 3e-7: Eigen's `generic_fast_tanh_float`, odd of degree 13 over even of
/// degree 6, clamped where f32 has reached 1.
pub fn tanh(b: &mut Builder, x: Value) -> Value {
    let x = clamp(b, x, -7.905_311_107_635_498, 7.905_311_107_635_498);
    let square = b.mul(x, x);
    let numerator = polynomial(
        b,
        square,
        &[
            -2.760_768_477_423_55e-16,
            2.000_187_904_824_77e-13,
            -8.604_671_522_137_35e-11,
            5.122_297_090_371_14e-8,
            1.485_722_357_179_79e-5,
            6.372_619_288_754_36e-4,
            4.893_524_558_917_86e-3,
        ],
    );
    let denominator = polynomial(
        b,
        square,
        &[
            1.198_258_394_667_02e-6,
            1.185_347_056_866_54e-4,
            2.268_434_632_439_00e-3,
            4.893_525_185_543_85e-3,
        ],
    );
    let numerator = b.mul(x, numerator);
    b.div(numerator, denominator)
}

/// A number in as many lanes as `like` has.
pub(super) fn constant(b: &mut Builder, value: f64, like: Value) -> Value {
    b.splat(value, Type::f32s(like.lanes()))
}
