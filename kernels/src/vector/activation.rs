//! The activations of `venc`. What has a limit has it, and NaN stays NaN; minus infinity times a gate of 0 is NaN, as it
//! is to PyTorch.

use super::functions::{constant, erf, exp, log_1p, sigmoid, tanh};
use crate::mlir::{Builder, Value};
use ocellus_dialects::venc::Activation;

/// The activation of each lane.
pub fn activate(b: &mut Builder, activation: Activation, x: Value) -> Value {
    match activation {
        Activation::Gelu => gelu(b, x),
        Activation::GeluTanh => gelu_tanh(b, x),
        Activation::QuickGelu => {
            let scaled = times(b, x, 1.702);
            let gate = sigmoid(b, scaled);
            b.mul(x, gate)
        }
        Activation::ClippedGelu => {
            let y = gelu(b, x);
            between(b, y, -10.0, 10.0)
        }
        Activation::Silu => {
            let gate = sigmoid(b, x);
            b.mul(x, gate)
        }
        Activation::Mish => mish(b, x),
        Activation::HardSwish => hard_swish(b, x),
        Activation::Relu => at_least(b, x, 0.0),
        Activation::Relu6 => between(b, x, 0.0, 6.0),
        Activation::LeakyRelu => {
            let scaled = times(b, x, 0.01);
            b.max(scaled, x)
        }
        Activation::ReluSquared => {
            let y = at_least(b, x, 0.0);
            b.mul(y, y)
        }
        Activation::Sigmoid => sigmoid(b, x),
        Activation::Tanh => tanh(b, x),
        Activation::Laplace => laplace(b, x),
        Activation::SqrtSoftplus => sqrt_softplus(b, x),
    }
}

fn gelu(b: &mut Builder, x: Value) -> Value {
    let scaled = times(b, x, std::f64::consts::FRAC_1_SQRT_2);
    let erf = erf(b, scaled);
    let half_x = times(b, x, 0.5);
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

/// With `u = e^x`, `tanh(log(1 + u))` is `n / (n + 2)` where `n = u (u + 2)`. From 20 on that is 1.
fn mish(b: &mut Builder, x: Value) -> Value {
    let max = constant(b, 20.0, x);
    let bounded = b.min(max, x);
    let u = exp(b, bounded);
    let two = constant(b, 2.0, x);
    let sum = b.add(u, two);
    let n = b.mul(u, sum);
    let denominator = b.add(n, two);
    let gate = b.div(n, denominator);
    b.mul(x, gate)
}

fn hard_swish(b: &mut Builder, x: Value) -> Value {
    let three = constant(b, 3.0, x);
    let sum = b.add(x, three);
    let gate = between(b, sum, 0.0, 6.0);
    let six = constant(b, 6.0, x);
    let gate = b.div(gate, six);
    b.mul(x, gate)
}

fn laplace(b: &mut Builder, x: Value) -> Value {
    let (mean, deviation) = Activation::LAPLACE;
    let mean = constant(b, mean, x);
    let centered = b.sub(x, mean);
    let scaled = times(b, centered, 1.0 / (deviation * std::f64::consts::SQRT_2));
    let erf = erf(b, scaled);
    let half = constant(b, 0.5, x);
    b.fma(erf, half, half)
}

/// `log(1 + e^x)` is `max(x, 0) + log(1 + e^-|x|)`.
fn sqrt_softplus(b: &mut Builder, x: Value) -> Value {
    let zero = constant(b, 0.0, x);
    let negative = b.sub(zero, x);
    let minus_magnitude = b.min(negative, x);
    let power = exp(b, minus_magnitude);
    let tail = log_1p(b, power);
    let head = b.max(zero, x);
    let sum = b.add(head, tail);
    b.sqrt(sum)
}

fn times(b: &mut Builder, x: Value, factor: f64) -> Value {
    let factor = constant(b, factor, x);
    b.mul(x, factor)
}

/// `x` is the second operand, so that NaN goes through.
fn at_least(b: &mut Builder, x: Value, min: f64) -> Value {
    let min = constant(b, min, x);
    b.max(min, x)
}

pub(super) fn between(b: &mut Builder, x: Value, min: f64, max: f64) -> Value {
    let x = at_least(b, x, min);
    let max = constant(b, max, x);
    b.min(max, x)
}
