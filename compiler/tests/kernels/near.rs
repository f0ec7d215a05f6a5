//! Numbers in f64 with a bound of how far an f32 computation may be from them.

use crate::launch::rounding;
use ocellus_dialects::ElementType::{self, F32};
use ocellus_dialects::kernel::{Combine, EpilogueOp, Prologue};
use ocellus_dialects::venc::{Activate, Activation, Clamp, Elementwise, Scale};

/// A number and its bound.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    pub value: f64,
    pub bound: f64,
}

impl From<(f64, f64)> for Near {
    fn from((value, bound): (f64, f64)) -> Self {
        Near { value, bound }
    }
}

impl Near {
    pub fn exactly(value: f64) -> Self {
        Near { value, bound: 0.0 }
    }

    /// Rounded to a storage. Below the least normal number of the storage, rounding is absolute.
    pub fn rounded(self, element: ElementType) -> Self {
        let min = if element == ElementType::F16 { 2f64.powi(-24) } else { 2f64.powi(-126) };
        let error = (self.value.abs() + self.bound) * rounding(element) + min;
        Near { value: self.value, bound: self.bound + error }
    }

    fn combine(self, how: Combine, other: f64) -> Self {
        let exact = match how {
            Combine::Add => Near { value: self.value + other, bound: self.bound },
            Combine::Multiply => {
                Near { value: self.value * other, bound: self.bound * other.abs() }
            }
        };
        exact.rounded(F32)
    }

    fn activate(self, activation: Activation) -> Self {
        let steepness = steepness(activation, self.value, self.bound);
        let bound = steepness * self.bound + activation_error(activation, self.value);
        Near { value: activate(activation, self.value), bound }
    }
}

/// A function of one element as a step.
pub fn step(function: impl Into<Elementwise>) -> EpilogueOp {
    EpilogueOp::Elementwise(function.into())
}

/// An epilogue, `others` being the other operands' elements in order.
pub fn epilogue(ops: &[EpilogueOp], start: Near, others: &[f64]) -> Near {
    let mut others = others.iter();
    ops.iter().fold(start, |near, op| match op {
        EpilogueOp::Combine(how, _) => near.combine(*how, *others.next().unwrap()),
        EpilogueOp::Elementwise(Elementwise::Activate(Activate { function })) => {
            near.activate(*function)
        }
        EpilogueOp::Elementwise(Elementwise::Scale(Scale { factor })) => {
            near.combine(Combine::Multiply, *factor)
        }
        EpilogueOp::Elementwise(Elementwise::Clamp(Clamp { min, max })) => {
            // It brings no two numbers further apart.
            Near { value: near.value.clamp(*min, *max), bound: near.bound }
        }
        EpilogueOp::Gate(_) => panic!("what two elements make is not what one becomes"),
        EpilogueOp::AfterTokens => panic!("where a row stands is not what an element becomes"),
    })
}

/// The activated element of the left half times that of the right half.
pub fn gate(activation: Activation, left: Near, right: Near) -> Near {
    let left = left.activate(activation);
    let bound =
        left.bound * right.value.abs() + right.bound * left.value.abs() + left.bound * right.bound;
    Near { value: left.value * right.value, bound }.rounded(F32)
}

/// A prologue of a row; `norm_weight` and `bias` are read where it has them.
pub fn prologue(prologue: Prologue, row: &[f64], norm_weight: &[f64], bias: &[f64]) -> Vec<Near> {
    let n = row.len() as f64;
    // A sum of n numbers in f32, however it is ordered, and the few operations after it.
    let relative = (n + 16.0) * rounding(F32);
    match prologue {
        Prologue::Cast { to } => row.iter().map(|x| Near::exactly(*x).rounded(to)).collect(),
        Prologue::None => row.iter().map(|x| Near::exactly(*x)).collect(),
        Prologue::LayerNorm { eps, affine } => {
            let mean = row.iter().sum::<f64>() / n;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let scale = 1.0 / (variance + eps).sqrt();
            let largest = row.iter().fold(0f64, |max, x| max.max(x.abs()));
            let near = |(column, x): (usize, &f64)| {
                let normal = (x - mean) * scale;
                let error = relative * (normal.abs() + largest * scale);
                let (norm_weight, bias) =
                    if affine { (norm_weight[column], bias[column]) } else { (1.0, 0.0) };
                Near { value: normal * norm_weight + bias, bound: error * norm_weight.abs() }
                    .rounded(F32)
            };
            row.iter().enumerate().map(near).collect()
        }
        Prologue::RmsNorm { eps, affine } => {
            let scale = 1.0 / (row.iter().map(|x| x * x).sum::<f64>() / n + eps).sqrt();
            let near = |(x, norm_weight): (&f64, &f64)| {
                let value = x * scale * if affine { *norm_weight } else { 1.0 };
                Near { value, bound: relative * value.abs() }.rounded(F32)
            };
            row.iter().zip(norm_weight).map(near).collect()
        }
        Prologue::SumSlices { .. } => panic!("a sum of slices is of many rows"),
        Prologue::NormScale { centered, eps } => {
            let mean = if centered { row.iter().sum::<f64>() / n } else { 0.0 };
            let square = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let scale = 1.0 / (square + eps).sqrt();
            // The mean is wrong by a rounding of the largest, which the square of the deviation sees.
            let largest = row.iter().fold(0f64, |max, x| max.max(x.abs()));
            vec![Near { value: scale, bound: relative * scale * (1.0 + largest * scale) }]
        }
        Prologue::Softmax => {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
            let near = |x: &f64| {
                let difference = x - largest;
                let value = difference.exp() / sum;
                // The argument of the exponential is rounded too; below 2^-126 it stops.
                let error = relative + difference.abs() * rounding(F32) + 3e-7;
                Near { value, bound: value * error + 2f64.powi(-125) }
            };
            row.iter().map(near).collect()
        }
    }
}

/// What an activation is.
pub fn activate(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let gelu = |x: f64| 0.5 * x * erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    let softplus = |x: f64| x.clamp(0.0, f64::INFINITY) + (-x.abs()).exp().ln_1p();
    match activation {
        Activation::Gelu => gelu(x),
        Activation::GeluTanh => x * sigmoid(gelu_tanh_argument(x)),
        Activation::QuickGelu => x * sigmoid(1.702 * x),
        Activation::ClippedGelu => gelu(x).clamp(-10.0, 10.0),
        Activation::Silu => x * sigmoid(x),
        // With u = e^x, as a quotient without cancellation.
        Activation::Mish if x < 0.0 => {
            let u = x.exp();
            x * u * (u + 2.0) / (u * (u + 2.0) + 2.0)
        }
        Activation::Mish => x * softplus(x).tanh(),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Relu => x.clamp(0.0, f64::INFINITY),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::LeakyRelu => x.max(0.01 * x),
        Activation::ReluSquared => x.clamp(0.0, f64::INFINITY).powi(2),
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Laplace => 0.5 * erfc(-laplace_argument(x)),
        Activation::SqrtSoftplus => softplus(x).sqrt(),
    }
}

fn gelu_tanh_argument(x: f64) -> f64 {
    2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))
}

fn laplace_argument(x: f64) -> f64 {
    let (mean, deviation) = Activation::LAPLACE;
    (x - mean) / (deviation * std::f64::consts::SQRT_2)
}

/// How far our f32 activation may be from the true one: what `ocellus_kernels::vector` states.
pub fn activation_error(activation: Activation, x: f64) -> f64 {
    // Times a gate that is 0 where its argument is below the exponent of the least normal number.
    let gated = |argument: f64| match argument < -87.4 {
        true => 0.0,
        false => 4e-7 * x.abs(),
    };
    let (unit, min) = (rounding(F32), 1.1e-36);
    match activation {
        // Half of the error of the error function, which is -1 below -4.
        Activation::Gelu | Activation::ClippedGelu if x > -5.5 => 3e-7 * x.abs() + 1e-37,
        Activation::Gelu | Activation::ClippedGelu => 1e-6,
        Activation::GeluTanh => gated(gelu_tanh_argument(x)) + min,
        Activation::QuickGelu => gated(1.702 * x) + min,
        Activation::Silu => gated(x) + min,
        // As many roundings again as the exponential's error.
        Activation::Mish => 1.5 * gated(x) + min,
        Activation::HardSwish => 4.0 * unit * activate(activation, x).abs() + 1e-45,
        Activation::Relu | Activation::Relu6 => 0.0,
        Activation::LeakyRelu => 2.0 * unit * activate(activation, x).abs() + 1e-45,
        Activation::ReluSquared => unit * activate(activation, x) + 1e-45,
        Activation::Sigmoid => 4e-7 * activate(activation, x) + 2e-38,
        Activation::Tanh => 3e-7,
        // Half of the error of the error function, and of its argument's roundings where it is not flat.
        Activation::Laplace => 2e-7 + 4.0 * unit,
        Activation::SqrtSoftplus => 4e-7 * activate(activation, x) + 1.1e-19,
    }
}

/// The greatest slope of an activation within `bound` of x.
fn steepness(activation: Activation, x: f64, bound: f64) -> f64 {
    match activation {
        Activation::ReluSquared => 2.0 * (x.abs() + bound),
        // At 3, and at the mean: 1 / (0.282095 sqrt(2 pi)).
        Activation::HardSwish => 1.5,
        Activation::Laplace => 1.42,
        _ => 1.13,
    }
}

/// `1 - erf(x)` to 1e-15: the power series in the middle, the continued fraction outside (Abramowitz & Stegun 7.1.5,
/// 7.1.14).
fn erfc(x: f64) -> f64 {
    if x.abs() < 3.0 {
        let mut term = x;
        let mut sum = x;
        for n in 1..100 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - sum * 2.0 / std::f64::consts::PI.sqrt();
    }
    let magnitude = x.abs();
    let fraction = (1..80).rev().fold(0.0, |f, n| f64::from(n) / 2.0 / (magnitude + f));
    let tail =
        (-magnitude * magnitude).exp() / (magnitude + fraction) / std::f64::consts::PI.sqrt();
    if x > 0.0 { tail } else { 2.0 - tail }
}

#[test]
fn the_error_function_is_right() {
    for (x, wanted) in [
        (0.5, 0.479_500_122_186_953_5),
        (2.9, 4.109_787_809_7e-5),
        (3.5, 7.430_983_723_414_128e-7),
        (-3.5, 1.999_999_256_901_627_6),
    ] {
        assert!((erfc(x) / wanted - 1.0).abs() < 1e-9, "{x}: {}", erfc(x));
    }
}
