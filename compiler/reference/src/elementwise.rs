//! Operations on one element at a time: sums, products, activations, rounding.

use half::{bf16, f16};
use ocellus_dialects::venc::Activation;
use ocellus_dialects::{ElementType, HostTensor};
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// `function(a, b)`, where `b`'s dimensions are the last ones of `a`, or 1.
pub(super) fn combine(
    a: &HostTensor,
    b: &HostTensor,
    function: impl Fn(f64, f64) -> f64,
    out: &mut HostTensor,
) {
    for (position, (out, x)) in out.data.iter_mut().zip(&a.data).enumerate() {
        let y = b.data[broadcast_position(position, &a.shape, &b.shape)];
        *out = function(f64::from(*x), f64::from(y)) as f32;
    }
}

/// The element of `b` that meets the element of `a` at `position`.
fn broadcast_position(mut position: usize, a: &[usize], b: &[usize]) -> usize {
    let (mut sum, mut stride) = (0, 1);
    for (a, b) in a.iter().rev().zip(b.iter().rev()) {
        // A dimension of 1 stays at its only index.
        sum += (position % a).min(b - 1) * stride;
        position /= a;
        stride *= b;
    }
    sum
}

/// `function(x)` of each element.
pub(super) fn map(x: &HostTensor, function: impl Fn(f64) -> f64, out: &mut HostTensor) {
    for (out, x) in out.data.iter_mut().zip(&x.data) {
        *out = function(f64::from(*x)) as f32;
    }
}

/// The definitions of [`Activation`], letter by letter. NaN stays NaN, which `f64::max` would not leave it.
pub(super) fn activate(function: Activation, x: f64) -> f64 {
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

/// `h * cos + concat(-h[d/2..], h[..d/2]) * sin` of each head `h` of each token.
pub(super) fn rope(x: &HostTensor, cos: &HostTensor, sin: &HostTensor, out: &mut HostTensor) {
    let ([_, tokens, width], [_, depth]) = (&x.shape[..], &cos.shape[..]) else { return };
    let half = depth / 2;
    for (position, out) in out.data.iter_mut().enumerate() {
        let (token, column) = (position / width % tokens, position % width % depth);
        let angle = token * depth + column;
        let other = match column < half {
            true => -f64::from(x.data[position + half]),
            false => f64::from(x.data[position - half]),
        };
        let kept = f64::from(x.data[position]) * f64::from(cos.data[angle]);
        *out = (kept + other * f64::from(sin.data[angle])) as f32;
    }
}

/// Each element as the storage holds it: to the nearest, ties to even.
pub fn round_in_place(storage: ElementType, data: &mut [f32]) {
    match storage {
        // Whole numbers are whole already.
        ElementType::F32 | ElementType::I32 => {}
        ElementType::BF16 => data.iter_mut().for_each(|x| *x = bf16::from_f32(*x).to_f32()),
        ElementType::F16 => data.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate_op;
    use ocellus_dialects::venc::Op;

    fn tensor(shape: &[usize], data: &[f32]) -> HostTensor {
        HostTensor::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    fn run(op: Op, operands: &[&HostTensor]) -> Vec<f32> {
        evaluate_op(&op, operands, &Default::default()).unwrap().data
    }

    #[test]
    fn the_right_operand_is_repeated_over_missing_dims_and_dims_of_one() {
        let a = tensor(&[2, 2, 2], &[0., 1., 2., 3., 4., 5., 6., 7.]);
        let row = tensor(&[2], &[10., 20.]);
        assert_eq!(run(Op::Add, &[&a, &row]), [10., 21., 12., 23., 14., 25., 16., 27.]);
        let column = tensor(&[2, 1], &[10., 20.]);
        assert_eq!(run(Op::Add, &[&a, &column]), [10., 11., 22., 23., 14., 15., 26., 27.]);
        let image = tensor(&[2, 1, 1], &[1., -1.]);
        assert_eq!(run(Op::Multiply, &[&a, &image]), [0., 1., 2., 3., -4., -5., -6., -7.]);
    }

    #[test]
    fn rotary_embeddings_turn_halves_of_heads() {
        // Two tokens of two heads of two elements: the first is turned by a quarter, the second not at all.
        let x = tensor(&[1, 2, 4], &[1., 2., 3., 4., 5., 6., 7., 8.]);
        let cos = tensor(&[2, 2], &[0., 0., 1., 1.]);
        let sin = tensor(&[2, 2], &[1., 1., 0., 0.]);
        let turned = run(Op::Rope { heads: 2 }, &[&x, &cos, &sin]);
        assert_eq!(turned, [-2., 1., -4., 3., 5., 6., 7., 8.]);
    }

    #[test]
    fn scale_multiplies() {
        assert_eq!(run(Op::Scale { factor: -0.5 }, &[&tensor(&[2], &[1., 6.])]), [-0.5, -3.]);
    }

    #[test]
    fn a_cast_rounds_to_the_nearest_even() {
        // 1 + 2^-8 lies halfway between the bf16 numbers 1 and 1 + 2^-7; so does 1 + 2^-11 in f16.
        let halfway = tensor(&[2], &[1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0]);
        assert_eq!(run(Op::Cast { to: ElementType::BF16 }, &[&halfway]), [1.0, 1.0 + 4.0 / 256.0]);
        let halfway = tensor(&[1], &[1.0 + 1.0 / 2048.0]);
        assert_eq!(run(Op::Cast { to: ElementType::F16 }, &[&halfway]), [1.0]);
        assert_eq!(run(Op::Cast { to: ElementType::F32 }, &[&halfway]), halfway.data[..]);
    }
}
