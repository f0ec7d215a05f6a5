//! Numbers at the edges of f32: an answer is right, or it is no number. It is never a number and wrong.

use crate::attention::{Heads, Sizes, attention_of, has_kernel, shape};
use crate::launch::{Operand, all_targets, assert_close, rounding, run, targets};
use crate::near::step;
use ocellus_dialects::ElementType::{self, BF16, F16, F32, I32};
use ocellus_dialects::kernel::{GemmTile, KernelOp, Mask, Prologue};
use ocellus_dialects::venc::{Activate, Activation};
use ocellus_kernels::Target;

/// A NaN with every bit of its payload set, as some libraries write it.
fn full_nan() -> f64 {
    f64::from(f32::from_bits(0xffff_ffff))
}

/// Whole numbers of -8 to 8 that look random, an image a power of two: products and short sums of them are exact.
fn whole(seed: u64, element: ElementType, sizes: Sizes, exponents: &[i32]) -> Operand {
    let shape = shape(sizes.images, sizes.keys, sizes);
    let drawn = Operand::random(seed, F32, &shape, 8.0).values;
    let images = drawn.chunks(drawn.len() / exponents.len()).zip(exponents);
    let values: Vec<f64> = images
        .flat_map(|(image, exponent)| image.iter().map(|x| x.round() * 2f64.powi(*exponent)))
        .collect();
    Operand::of(element, &shape, &values, 0)
}

/// Runs attention of tokens to themselves, to those of their segment alone where there are segments.
fn attend(
    [q, k, v]: [&Operand; 3],
    (sizes, scale): (Sizes, f64),
    segments: Option<&[i32]>,
    target: Target,
) -> Vec<f64> {
    let mut operands = vec![q.clone(), k.clone(), v.clone()];
    if let Some(segments) = segments {
        let values: Vec<f64> = segments.iter().copied().map(f64::from).collect();
        operands.push(Operand::of(I32, &[segments.len() as i64], &values, 0));
    }
    let mask = if segments.is_some() { Mask::Segments } else { Mask::Full };
    let op = KernelOp::Attention {
        heads: sizes.heads as i64,
        scale,
        rotary: false,
        mask,
        warp_queries: None,
    };
    let empty = vec![f64::NAN; sizes.images * sizes.queries * sizes.width()];
    let element = q.layout.ty.element;
    let result = Operand::of(element, &shape(sizes.images, sizes.queries, sizes), &empty, 0);
    run(&op, &operands, &result, target)
}

fn heads(x: &Operand) -> Heads {
    Heads { values: x.values.clone(), magnitudes: vec![0.0; x.values.len()], error: 0.0 }
}

#[test]
fn scores_of_any_size_weigh_as_they_should() {
    // Scores are exact here, and far apart or equal: what is left to get wrong is the softmax.
    let tokens = 45;
    let segments: Vec<i32> = (0..tokens as i32).map(|token| token / 15).collect();
    let cases = [
        (F32, 16, vec![0, 5, 10, 14, 20, 30, 40, 50, 58], -0.3),
        (F32, 72, vec![14, 50], 0.125),
        (F32, 1, vec![14, 50], 0.125),
        (BF16, 64, vec![0, 14, 50], 0.125),
        (BF16, 7, vec![14, 50], -0.3),
        (F16, 64, vec![0, 12], 0.125),
    ];
    for target in all_targets() {
        for (element, head_size, exponents, scale) in &cases {
            let (images, head_size) = (exponents.len(), *head_size);
            if !has_kernel(target, head_size) {
                continue;
            }
            let sizes = Sizes { images, heads: 2, head_size, queries: tokens, keys: tokens };
            let [q, k] = [1, 2].map(|seed| whole(seed, *element, sizes, exponents));
            let v = Operand::random(3, *element, &shape(images, tokens, sizes), 1.0);
            for segments in [None, Some(&segments[..])] {
                let shares = |_: usize, query: usize, key: usize| {
                    segments.is_none_or(|segments| segments[query] == segments[key])
                };
                let wanted =
                    attention_of(&heads(&q), &heads(&k), &v, (sizes, *scale), &shares, target);
                // What a weight may be off by: scores below 2^11 are scaled by a rounded number.
                let loose = |(value, bound)| (value, bound + 2e-4 + 2.0 * rounding(*element));
                let wanted: Vec<(f64, f64)> = wanted.into_iter().map(loose).collect();
                let found = attend([&q, &k, &v], (sizes, *scale), segments, target);
                let (name, masked) = (target.name(), segments.is_some());
                let what = format!("{name} {element} {head_size} x {scale} masked {masked}");
                assert_close(&found, &wanted, &what);
            }
        }
    }
}

#[test]
fn scores_beyond_f32_are_seen_in_the_result() {
    let (tokens, width) = (5, 16);
    let huge = 2f64.powi(70);
    // In these images each score is +inf, or -inf, or NaN: there is no answer.
    let others = [huge, -huge, f64::NAN, full_nan(), f64::INFINITY, f64::NEG_INFINITY];
    let mut keys: Vec<f64> = others.iter().flat_map(|other| vec![*other; tokens * width]).collect();
    // In the last one score is zero, and the others are -inf: all weight is on one key.
    let alone = 3 * width..4 * width;
    let mut last = vec![-huge; tokens * width];
    last[alone.clone()].fill(0.0);
    keys.extend(last);
    let images = others.len() + 1;
    let sizes = Sizes { images, heads: 1, head_size: width, queries: tokens, keys: tokens };
    let shape = shape(images, tokens, sizes);
    for target in all_targets() {
        for (element, segments) in
            [(F32, None), (BF16, None), (F32, Some(&[7; 5][..])), (BF16, Some(&[7; 5]))]
        {
            let q = Operand::of(element, &shape, &vec![huge; keys.len()], 0);
            let k = Operand::of(element, &shape, &keys, 0);
            let v = Operand::random(3, element, &shape, 1.0);
            let found = attend([&q, &k, &v], (sizes, 0.25), segments, target);
            let what = format!("{} {element} {segments:?}", target.name());
            let (no_answer, last) = found.split_at(others.len() * tokens * width);
            assert!(no_answer.iter().all(|x| x.is_nan()), "{what}: {no_answer:?}");
            let wanted = &v.values[no_answer.len()..][alone.clone()];
            let near = |value: &f64| (*value, value.abs() * target.product_error(element));
            let wanted: Vec<(f64, f64)> = wanted.iter().map(near).collect();
            for row in last.chunks(width) {
                assert_close(row, &wanted, &what);
            }
        }
    }
}

/// Rows of ordinary numbers around one of numbers up to `magnitude`.
fn rows_around_a_huge_one(element: ElementType, width: i64, magnitude: f64) -> Operand {
    let mut values = Operand::random(5, element, &[3, width], 1.0).values;
    let middle = width as usize..2 * width as usize;
    values[middle].iter_mut().for_each(|x| *x *= magnitude);
    Operand::of(element, &[3, width], &values, 0)
}

#[test]
fn a_norm_whose_squares_overflow_is_no_number() {
    let width = 96;
    let prologues = [
        Prologue::LayerNorm { eps: 1e-6, affine: true },
        Prologue::LayerNorm { eps: 1e-6, affine: false },
        Prologue::RmsNorm { eps: 1e-6, affine: true },
        Prologue::NormScale { centered: true, eps: 1e-6 },
        Prologue::NormScale { centered: false, eps: 1e-6 },
    ];
    for target in targets() {
        for (element, magnitude) in [(F32, 1e20), (BF16, 1e25), (F32, 3e38), (F32, f64::INFINITY)] {
            for prologue in prologues {
                let x = rows_around_a_huge_one(element, width, magnitude);
                let affine = [6, 7].map(|seed| Operand::random(seed, element, &[width], 1.0));
                let affine = affine.into_iter().take(prologue.operands());
                let operands: Vec<Operand> = [x].into_iter().chain(affine).collect();
                let what = format!("{} {prologue:?} {magnitude}", target.name);
                let is_scale = matches!(prologue, Prologue::NormScale { .. });
                let made = if is_scale { 1 } else { width };
                let result = |width: i64| {
                    Operand::of(F32, &[3, width], &vec![f64::NAN; 3 * width as usize], 0)
                };
                let alone = KernelOp::RowWise { prologue, epilogue: vec![], to: F32 };
                let found = run(&alone, &operands, &result(made), target);
                assert_only_the_second_is_nan(&found, &what);
                if is_scale {
                    continue;
                }
                let before_product =
                    KernelOp::Gemm { prologue, epilogue: vec![], tile: GemmTile::DEFAULT };
                let weight = Operand::random(8, element, &[5, width], 1.0);
                let operands = [operands, vec![weight]].concat();
                let empty = Operand::of(element, &[3, 5], &[f64::NAN; 15], 0);
                let found = run(&before_product, &operands, &empty, target);
                assert_only_the_second_is_nan(&found, &what);
            }
        }
    }
}

fn assert_only_the_second_is_nan(found: &[f64], what: &str) {
    for (row, found) in found.chunks(found.len() / 3).enumerate() {
        let as_wanted = found.iter().all(|x| if row == 1 { x.is_nan() } else { x.is_finite() });
        assert!(as_wanted, "{what}: row {row} is {found:?}");
    }
}

#[test]
fn a_norm_of_large_rows_is_right_while_it_can_be() {
    for target in targets() {
        for magnitude in [1e-15, 1e10, 1e15, 1e18] {
            let x = rows_around_a_huge_one(F32, 96, magnitude);
            for prologue in [
                Prologue::LayerNorm { eps: 1e-5, affine: false },
                Prologue::RmsNorm { eps: 1e-5, affine: false },
            ] {
                let wanted: Vec<_> = x
                    .values
                    .chunks(96)
                    .flat_map(|row| crate::near::prologue(prologue, row, &[1.0; 96], &[0.0; 96]))
                    .collect();
                let op = KernelOp::RowWise { prologue, epilogue: vec![], to: F32 };
                let empty = Operand::of(F32, &[3, 96], &[f64::NAN; 3 * 96], 0);
                let found = run(&op, std::slice::from_ref(&x), &empty, target);
                assert_close(&found, &wanted, &format!("{} {prologue:?} {magnitude}", target.name));
            }
        }
    }
}

/// The activations that are x far above zero and nothing far below it, and tanh.
const GATES: [Activation; 6] = [
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::QuickGelu,
    Activation::Silu,
    Activation::Relu,
    Activation::Tanh,
];

/// What PyTorch makes of the infinities, of numbers beside which 1 is nothing, and of NaNs.
#[test]
fn activations_have_their_limits() {
    let great = [89.0, 100.0, 1e10, 1e20, 1e38, 3e38];
    let mut values = vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, full_nan()];
    values.extend(great.iter().flat_map(|x| [*x, -x]));
    let width = values.len() as i64;
    for target in targets() {
        for activation in GATES {
            let x = Operand::of(F32, &[1, width], &values, 0);
            let epilogue = vec![step(Activate { function: activation })];
            let op = KernelOp::RowWise { prologue: Prologue::None, epilogue, to: F32 };
            let empty = Operand::of(F32, &[1, width], &vec![f64::NAN; width as usize], 0);
            let found = run(&op, std::slice::from_ref(&x), &empty, target);
            let what = format!("{} {activation:?}: {found:?}", target.name);
            assert!(found[2].is_nan() && found[3].is_nan(), "{what}");
            if activation == Activation::Tanh {
                let limit = |x: &f64, found: &f64| (found - x.signum()).abs() < 3e-7;
                assert!(
                    values.iter().zip(&found).all(|(x, y)| x.is_nan() || limit(x, y)),
                    "{what}"
                );
                continue;
            }
            assert_eq!(found[0], f64::INFINITY, "{what}");
            // x times a gate that is shut: for -inf that is 0 * inf.
            let wanted = activation == Activation::Relu;
            assert_eq!(found[1] == 0.0, wanted, "{what}");
            assert_eq!(found[1].is_nan(), !wanted, "{what}");
            for (x, y) in x.values.iter().zip(&found).skip(4) {
                let wanted = x.max(0.0);
                assert!((y - wanted).abs() <= 1e-30 + 1e-6 * wanted, "{x} gives {y}; {what}");
            }
        }
    }
}

#[test]
fn a_softmax_of_infinities_and_nans_is_no_number() {
    let rows = [
        [1.0, f64::NAN, 2.0, 3.0],
        [full_nan(), 0.0, 0.0, 0.0],
        [0.0, f64::INFINITY, 0.0, 0.0],
        [f64::NEG_INFINITY; 4],
    ];
    for target in targets() {
        let x = Operand::of(F32, &[4, 4], &rows.concat(), 0);
        let op = KernelOp::RowWise { prologue: Prologue::Softmax, epilogue: vec![], to: F32 };
        let found = run(&op, &[x], &Operand::of(F32, &[4, 4], &[0.0; 16], 0), target);
        assert!(found.iter().all(|x| x.is_nan()), "{}: {found:?}", target.name);
    }
}
