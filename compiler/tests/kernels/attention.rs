//! `merge_heads(softmax(split_heads(q) split_heads(k)^T * scale) split_heads(v))`.

use crate::launch::{Operand, all_targets, assert_close, divided, rounding, run};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::kernel::{KernelOp, Mask};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::{TensorType, kernel};
use ocellus_kernels::{CpuTarget, Layout, Target, launch};

/// The sizes of one attention.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub images: usize,
    pub heads: usize,
    pub head_size: usize,
    pub queries: usize,
    pub keys: usize,
}

impl Sizes {
    pub fn width(self) -> usize {
        self.heads * self.head_size
    }
}

/// What attention is, with a bound for what a kernel may differ by: for each element the value and the bound.
///
/// A score is a sum of d products in f32, so that it is off by at most `(d + 2) 2^-24` times the sum of the magnitudes;
/// the exponential of it is off by as much, relatively, and by 4e-7 of its own. The weights are divided by their sum, so
/// such an error counts at most twice. Weights are rounded to a storage of 16 bits where products of such numbers are used.
/// Below the least normal number of f16 they are off by up to 2^-25 of the greatest.
fn attention(
    [q, k, v]: [&Operand; 3],
    (sizes, scale): (Sizes, f64),
    target: Target,
) -> Vec<(f64, f64)> {
    let (q, k) = (Heads::of(q), Heads::of(k));
    attention_of(&q, &k, v, (sizes, scale), &|_, _, _| true, target)
}

/// Rows of heads, with what each element may be off by: so much of its magnitude.
pub struct Heads {
    pub values: Vec<f64>,
    pub magnitudes: Vec<f64>,
    pub error: f64,
}

impl Heads {
    fn of(operand: &Operand) -> Self {
        let values = operand.values.clone();
        let magnitudes = values.iter().map(|value| value.abs()).collect();
        Heads { values, magnitudes, error: 0.0 }
    }
}

/// The same of heads that are not exact, where `shares(image, query, key)`: an error of a factor of a product makes an
/// error of the score, of as much of the product's magnitude; the second order is below a tenth of the first.
pub fn attention_of(
    q: &Heads,
    k: &Heads,
    v: &Operand,
    (sizes, scale): (Sizes, f64),
    shares: &dyn Fn(usize, usize, usize) -> bool,
    target: Target,
) -> Vec<(f64, f64)> {
    let Sizes { images, heads, head_size, queries, keys } = sizes;
    let element = v.layout.ty.element;
    let row = |values: &[f64], image: usize, token: usize, tokens: usize, head: usize| {
        let first = (image * tokens + token) * sizes.width() + head * head_size;
        values[first..first + head_size].to_vec()
    };
    // A q that is the same for each image is given once.
    let image_of = |tensor: &Heads, image: usize, tokens: usize| match tensor.values.len() {
        one if one == tokens * sizes.width() => 0,
        _ => image,
    };
    let product_error = target.product_error(element);
    let inherited = 1.1 * (q.error + k.error) + product_error;
    let mut result = vec![(0.0, 0.0); images * queries * sizes.width()];
    for (image, head) in (0..images).flat_map(|i| (0..heads).map(move |h| (i, h))) {
        for query in 0..queries {
            let q_image = image_of(q, image, queries);
            let q_row = row(&q.values, q_image, query, queries, head);
            let q_magnitudes = row(&q.magnitudes, q_image, query, queries, head);
            let (mut scores, mut score_error) = (vec![], 0.0f64);
            for key in 0..keys {
                if !shares(image, query, key) {
                    scores.push(f64::NEG_INFINITY);
                    continue;
                }
                let k_row = row(&k.values, image, key, keys, head);
                let k_magnitudes = row(&k.magnitudes, image, key, keys, head);
                let products = q_row.iter().zip(&k_row).map(|(q, k)| q * k);
                let magnitude: f64 =
                    q_magnitudes.iter().zip(&k_magnitudes).map(|(q, k)| q * k).sum();
                scores.push(products.sum::<f64>() * scale);
                let relative = (head_size as f64 + 2.0) * rounding(F32) + inherited;
                score_error = score_error.max(magnitude * scale.abs() * relative);
            }
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = scores.iter().map(|score| (score - max).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let weight_error = 2.0 * score_error + 1e-6 + keys as f64 * rounding(F32);
            let stored = if element == F32 { product_error } else { rounding(element) };
            let tiny = if element == F16 { keys as f64 * 2f64.powi(-25) } else { 0.0 };
            for column in 0..head_size {
                let (mut value, mut magnitude, mut greatest) = (0.0, 0.0, 0.0f64);
                for (key, power) in powers.iter().enumerate() {
                    let v = row(&v.values, image, key, keys, head)[column];
                    value += power / sum * v;
                    magnitude += power / sum * v.abs();
                    greatest = greatest.max(v.abs());
                }
                let bound = magnitude * (2.0 * weight_error + stored) + greatest * tiny + 1e-30;
                let place = (image * queries + query) * sizes.width() + head * head_size + column;
                result[place] = (value, bound + (value.abs() + bound) * rounding(element));
            }
        }
    }
    result
}

pub fn shape(images: usize, tokens: usize, sizes: Sizes) -> [i64; 3] {
    [images as i64, tokens as i64, sizes.width() as i64]
}

/// Whether a target has a kernel for it: a GPU's is of heads of up to sixteen times eight.
pub fn has_kernel(target: Target, head_size: usize) -> bool {
    match target {
        Target::Cpu(_) => true,
        Target::Nvidia(_) => head_size.is_multiple_of(8) && head_size <= 128,
    }
}

/// Attention of heads of those sizes, without rotation or mask.
fn without_more(sizes: Sizes, scale: f64) -> KernelOp {
    KernelOp::Attention {
        heads: sizes.heads as i64,
        scale,
        rotary: false,
        mask: Mask::Full,
        warp_queries: None,
    }
}

fn check(sizes: Sizes, element: ElementType, spread: f64, gap: i64, target: Target) {
    if !has_kernel(target, sizes.head_size) {
        return;
    }
    let scale = 1.0 / (sizes.head_size as f64).sqrt();
    let q = Operand::with_gap(1, element, &shape(sizes.images, sizes.queries, sizes), spread, gap);
    let k = Operand::with_gap(2, element, &shape(sizes.images, sizes.keys, sizes), spread, gap);
    let v = Operand::with_gap(3, element, &shape(sizes.images, sizes.keys, sizes), 1.0, 2 * gap);
    let wanted = attention([&q, &k, &v], (sizes, scale), target);
    let empty = vec![f64::NAN; wanted.len()];
    let result = Operand::of(element, &shape(sizes.images, sizes.queries, sizes), &empty, gap);
    let operands = [q, k, v];
    for op in divided(&without_more(sizes, scale), &operands, &result, target) {
        let found = run(&op, &operands, &result, target);
        assert_close(&found, &wanted, &format!("{} {element} {sizes:?} {op:?}", target.name()));
    }
}

#[test]
fn every_head_size_is_right_in_every_storage_on_every_target() {
    for target in all_targets() {
        let cases = [
            (F32, vec![1, 7, 16, 40, 64, 72, 88]),
            (BF16, vec![6, 7, 64, 72, 96, 128]),
            (F16, vec![8, 80, 88]),
        ];
        for (element, head_sizes) in cases {
            for head_size in head_sizes {
                let sizes = Sizes { images: 1, heads: 2, head_size, queries: 21, keys: 37 };
                check(sizes, element, 2.0, 0, target);
            }
        }
    }
}

#[test]
fn any_number_of_queries_and_keys_is_right() {
    for target in all_targets() {
        for element in [F32, BF16] {
            // Rows that begin at multiples of one, two, four and eight elements.
            for (queries, keys, gap) in [
                (1, 1, 3),
                (1, 197, 3),
                (197, 1, 2),
                (8, 127, 4),
                (48, 128, 0),
                (97, 129, 3),
                (197, 257, 8),
            ] {
                let sizes = Sizes { images: 2, heads: 2, head_size: 16, queries, keys };
                check(sizes, element, 2.0, gap, target);
            }
        }
    }
}

#[test]
fn great_scores_do_not_overflow_and_late_ones_win() {
    for target in all_targets() {
        let sizes = Sizes { images: 1, heads: 1, head_size: 16, queries: 20, keys: 700 };
        for element in [F32, BF16] {
            check(sizes, element, 40.0, 0, target);
        }
    }
}

/// Attention without more, in every division that a target has for it.
fn assert_every_division(
    operands: &[Operand],
    result: &Operand,
    (sizes, scale): (Sizes, f64),
    (wanted, target): (&[(f64, f64)], Target),
) {
    for op in divided(&without_more(sizes, scale), operands, result, target) {
        assert_close(&run(&op, operands, result, target), wanted, &target.name());
    }
}

#[test]
fn one_query_may_serve_every_image() {
    for target in all_targets() {
        for element in [F32, BF16] {
            let sizes = Sizes { images: 3, heads: 4, head_size: 24, queries: 1, keys: 50 };
            let mut q = Operand::random(1, element, &shape(1, 1, sizes), 2.0);
            let k = Operand::random(2, element, &shape(3, 50, sizes), 2.0);
            let v = Operand::random(3, element, &shape(3, 50, sizes), 1.0);
            q.layout.ty.shape[0] = Dim::from(3);
            q.layout.image_stride = Dim::from(0);
            let wanted = attention([&q, &k, &v], (sizes, 0.3), target);
            let empty = vec![f64::NAN; wanted.len()];
            let result = Operand::of(element, &shape(3, 1, sizes), &empty, 0);
            assert_every_division(&[q, k, v], &result, (sizes, 0.3), (&wanted, target));
        }
    }
}

#[test]
fn q_k_and_v_may_be_columns_of_one_tensor_and_the_scale_negative() {
    for target in all_targets() {
        for element in [F32, BF16] {
            let sizes = Sizes { images: 2, heads: 3, head_size: 16, queries: 30, keys: 30 };
            let merged = Operand::random(1, element, &[2, 30, 3 * 48], 1.0);
            let part = |index: usize| {
                let rows = merged.values.chunks(144);
                let values: Vec<f64> =
                    rows.flat_map(|row| row[index * 48..(index + 1) * 48].to_vec()).collect();
                let mut part = Operand::of(element, &[2, 30, 48], &values, 0);
                part.bytes = merged.bytes[index * 48 * element.bytes() as usize..].to_vec();
                part.layout.row_stride = Dim::from(144);
                part.layout.image_stride = Dim::from(30 * 144);
                part
            };
            let [q, k, v] = [part(0), part(1), part(2)];
            let wanted = attention([&q, &k, &v], (sizes, -0.7), target);
            let result = Operand::of(element, &[2, 30, 48], &vec![f64::NAN; wanted.len()], 0);
            assert_every_division(&[q, k, v], &result, (sizes, -0.7), (&wanted, target));
        }
    }
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let q = layout(F32, &[1, 4, 48]);
    let refuse = |heads, operands: &[Layout]| {
        let op = kernel::KernelOp::Attention {
            heads,
            scale: 1.0,
            rotary: false,
            mask: Mask::Full,
            warp_queries: None,
        };
        launch(&op, operands, &q, CpuTarget::X86_64_V3).unwrap_err().to_string()
    };
    let cases = [
        (refuse(5, &[q.clone(), q.clone(), q.clone()]), "48 columns do not make 5 heads"),
        (refuse(4, &[q.clone(), q.clone()]), "operand 2 is missing"),
        (refuse(4, &[q.clone(), layout(F32, &[1, 4, 40]), q.clone()]), "must be 48"),
        (refuse(4, &[q.clone(), layout(BF16, &[1, 4, 48]), q.clone()]), "beside a q of"),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message}");
    }
}
