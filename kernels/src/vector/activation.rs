//! The activations of `venc`.

use super::functions::{constant, erf, sigmoid, tanh};
use crate::mlir::{Builder, Value};
use ocellus_dialects::venc::Activation;

/// The activation of each lane.
pub fn activate(b: &mut Builder, activation: Activation, x: Value) -> Value {
    match activation {
        Activation::Gelu => gelu(b, x),
        Activation::GeluTanh => gelu_tanh(b, x),
        Activation::QuickGelu => {
            let factor = constant(b, 1.702, x);
            let scaled = b.mul(x, factor);
            let gate = sigmoid(b, scaled);
            b.mul(x, gate)
        }
        Activation::Silu => {
            let gate = sigmoid(b, x);
            b.mul(x, gate)
        }
        Activation::Relu => {
            let zero = constant(b, 0.0, x);
            b.max(zero, x)
        }
        Activation::Tanh => tanh(b, x),
    }
}

fn gelu(b: &mut Builder, x: Value) -> Value {
    let factor = constant(b, std::f64::consts::FRAC_1_SQRT_2, x);
    let scaled = b.mul(x, factor);
    let erf = erf(b, scaled);
    let half = constant(b, 0.5, x);
    let half_x = b.mul(x, half);
    b.fma(half_x, erf, half_x)
}

/// `(1 + tanh u) / 2` is `sigmoid(2u)`.
fn gelu_tanh(b: &mut Builder, x: Value) -> Value {
    let square = b.mul(x, x);
    let twice = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    let linear = constant(b, twice, x);
    let cubic = constant(b, twice * 0.044715, x);
    let factor = b.fma(square, cubic, linear);
    let argument = b.mul(x, factor);
    let gate = sigmoid(b, argument);
    b.mul(x, gate)
}
