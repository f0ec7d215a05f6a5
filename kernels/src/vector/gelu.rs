//! GELU and its tanh form: as exact as f32, or as an answer of 16 bits needs them, where they take two fifths of the time.
//!
//! Both are `x (1/2 + g(x))` with an odd g that ends at `±1/2`. Near enough, g is `x p(x^2)`, p of degree 8, kept within `±1/2`: the
//! sum of the highest power is positive, so it stays there. The coefficients are of the least greatest error (Lawson's iteration)
//! up to 4.25 and 4.1; the greatest, 1.2e-5 with f32's roundings, is where the polynomial reaches 1/2.

use super::functions::{clamp, constant, erf, polynomial, sigmoid, times};
use crate::mlir::{Builder, Value};
use ocellus_dialects::ElementType;

/// For `erf(x / sqrt 2) / 2`.
const ERF_GATE: [f64; 9] = [
    5.564_901_398e-11,
    -5.327_790_575e-9,
    2.255_438_268e-7,
    -5.626_445_238e-6,
    9.341_886_590e-5,
    -1.108_561_783e-3,
    9.815_973_349e-3,
    -6.634_449_383e-2,
    3.989_023_397e-1,
];

/// For `tanh(sqrt(2 / pi) (x + 0.044715 x^3)) / 2`.
const TANH_GATE: [f64; 9] = [
    8.388_561_212e-11,
    -7.467_970_059e-9,
    2.939_190_491e-7,
    -6.823_410_625e-6,
    1.058_635_213e-4,
    -1.185_547_749e-3,
    1.007_635_259e-2,
    -6.670_168_057e-2,
    3.989_103_059e-1,
];

/// `x (1 + erf(x / sqrt 2)) / 2`, for an answer of that type: absolute error below `3e-7 |x|`, or `1.3e-5 |x|` where it has 16
/// bits.
pub(super) fn gelu(b: &mut Builder, x: Value, answer: ElementType) -> Value {
    if answer.bytes() == 2 {
        return gated(b, x, &ERF_GATE);
    }
    let scaled = times(b, x, std::f64::consts::FRAC_1_SQRT_2);
    let erf = erf(b, scaled);
    let half_x = times(b, x, 0.5);
    b.fma(half_x, erf, half_x)
}

/// The same with the tanh of a cubic: absolute error below `4e-7 |x|`, or `1.3e-5 |x|`. `(1 + tanh u) / 2` is `sigmoid(2u)`.
pub(super) fn gelu_tanh(b: &mut Builder, x: Value, answer: ElementType) -> Value {
    if answer.bytes() == 2 {
        return gated(b, x, &TANH_GATE);
    }
    let square = b.mul(x, x);
    let twice = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    let linear = constant(b, twice, x);
    let cubic = constant(b, twice * 0.044715, x);
    let factor = b.fma(square, cubic, linear);
    let argument = b.mul(x, factor);
    let gate = sigmoid(b, argument);
    b.mul(x, gate)
}

fn gated(b: &mut Builder, x: Value, coefficients: &[f64]) -> Value {
    let square = b.mul(x, x);
    let sum = polynomial(b, square, coefficients);
    let odd = b.mul(x, sum);
    let odd = clamp(b, odd, -0.5, 0.5);
    let half = constant(b, 0.5, x);
    let gate = b.add(odd, half);
    b.mul(x, gate)
}
