//! The functions of one number.

use crate::venc::Activation;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// The definitions of [`Activation`], letter by letter. NaN stays NaN, which `f64::max` would not leave it.
pub fn activate(function: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let gelu = |x: f64| x * (1.0 + libm::erf(x * FRAC_1_SQRT_2)) / 2.0;
    // Of a large number `e^x` is infinite.
    let softplus = |x: f64| x.clamp(0.0, f64::INFINITY) + (-x.abs()).exp().ln_1p();
    match function {
        Activation::Gelu => gelu(x),
        Activation::GeluTanh => {
            x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh()) / 2.0
        }
        Activation::QuickGelu => x * sigmoid(1.702 * x),
        Activation::ClippedGelu => gelu(x).clamp(-10.0, 10.0),
        Activation::Silu => x * sigmoid(x),
        Activation::Mish => x * softplus(x).tanh(),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Relu => x.clamp(0.0, f64::INFINITY),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::LeakyRelu => x * if x < 0.0 { 0.01 } else { 1.0 },
        Activation::ReluSquared => x.clamp(0.0, f64::INFINITY).powi(2),
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Laplace => {
            let (mean, deviation) = Activation::LAPLACE;
            (1.0 + libm::erf((x - mean) / (deviation * SQRT_2))) / 2.0
        }
        Activation::SqrtSoftplus => softplus(x).sqrt(),
    }
}
