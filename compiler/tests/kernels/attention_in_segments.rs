//! Attention with what is fused into it: rotary embeddings of q and k, and masks by segments.

use crate::attention::{Heads, Sizes, attention_of, has_kernel, shape};
use crate::launch::{Operand, all_targets, assert_close, divided, rounding, run};
use ocellus_dialects::ElementType::{self, BF16, F16, F32, I32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{KernelOp, Mask};
use ocellus_dialects::symbolic::Dim;
use ocellus_kernels::{CpuTarget, Layout, Target, launch};

/// Cosines and sines of angles that look random: each half of a row has its own, as the operation allows.
fn tables(tokens: usize, head_size: usize, gap: i64) -> [Operand; 2] {
    let shape = [tokens as i64, head_size as i64];
    let angles = Operand::random(9, F32, &shape, 3.0).values;
    [f64::cos, f64::sin].map(|function| {
        let values: Vec<f64> = angles.iter().map(|angle| function(*angle)).collect();
        Operand::of(F32, &shape, &values, gap)
    })
}

/// `x * cos + rotate_half(x) * sin`: two products and a sum in f32, and a rounding where 16-bit numbers are multiplied.
fn rotated(x: &Operand, tables: &[Operand; 2], sizes: Sizes, target: Target) -> Heads {
    let (depth, width) = (sizes.head_size, sizes.width());
    let (mut values, mut magnitudes) = (vec![], vec![]);
    for (position, value) in x.values.iter().enumerate() {
        let (token, column) = (position / width % sizes.queries, position % width % depth);
        let other = match column < depth / 2 {
            true => -x.values[position + depth / 2],
            false => x.values[position - depth / 2],
        };
        let [cos, sin] = [0, 1].map(|table: usize| tables[table].values[token * depth + column]);
        values.push(value * cos + other * sin);
        magnitudes.push((value * cos).abs() + (other * sin).abs());
    }
    let element = x.layout.ty.element;
    let is_rounded = match target {
        Target::Cpu(cpu) => element == BF16 && cpu.avx512_bf16,
        Target::Nvidia(_) => element != F32,
    };
    let error = 3.0 * rounding(F32) + if is_rounded { rounding(element) } else { 0.0 };
    Heads { values, magnitudes, error }
}

fn plain(x: &Operand) -> Heads {
    let magnitudes = x.values.iter().map(|value| value.abs()).collect();
    Heads { values: x.values.clone(), magnitudes, error: 0.0 }
}

/// Holds the kernel to its definition. Segments are of each image, or the same for all.
fn check(
    sizes: Sizes,
    element: ElementType,
    rotary: bool,
    segments: Option<&[i32]>,
    target: Target,
) {
    if !has_kernel(target, sizes.head_size) {
        return;
    }
    let scale = 1.0 / (sizes.head_size as f64).sqrt();
    let tokens = shape(sizes.images, sizes.queries, sizes);
    let [q, k] = [1, 2].map(|seed| Operand::with_gap(seed, element, &tokens, 2.0, 3));
    let v = Operand::with_gap(3, element, &tokens, 1.0, 1);
    let tables = tables(sizes.queries, sizes.head_size, 2);
    let heads = |x: &Operand| match rotary {
        true => rotated(x, &tables, sizes, target),
        false => plain(x),
    };
    let shares = |image: usize, query: usize, key: usize| {
        segments.is_none_or(|segments| {
            let first = if segments.len() == sizes.queries { 0 } else { image * sizes.queries };
            segments[first + query] == segments[first + key]
        })
    };
    let wanted = attention_of(&heads(&q), &heads(&k), &v, (sizes, scale), &shares, target);
    let result = Operand::of(element, &tokens, &vec![f64::NAN; wanted.len()], 2);
    let mut operands = vec![q, k, v];
    if rotary {
        operands.extend(tables);
    }
    if let Some(segments) = segments {
        let values: Vec<f64> = segments.iter().copied().map(f64::from).collect();
        let shape = match segments.len() == sizes.queries {
            true => vec![sizes.queries as i64],
            false => vec![sizes.images as i64, sizes.queries as i64],
        };
        operands.push(Operand::of(I32, &shape, &values, 0));
    }
    let mask = if segments.is_some() { Mask::Segments } else { Mask::Full };
    let op =
        KernelOp::Attention { heads: sizes.heads as i64, scale, rotary, mask, warp_queries: None };
    for op in divided(&op, &operands, &result, target) {
        let found = run(&op, &operands, &result, target);
        let what = format!("{} {sizes:?} {op:?} {segments:?}", target.name());
        assert_close(&found, &wanted, &what);
    }
}

fn sizes(images: usize, heads: usize, head_size: usize, tokens: usize) -> Sizes {
    Sizes { images, heads, head_size, queries: tokens, keys: tokens }
}

/// A number that looks random, below `end`.
fn drawn(position: usize, end: u64) -> i32 {
    let mixed = (position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 33) % end) as i32
}

#[test]
fn queries_and_keys_are_rotated_as_they_are_read() {
    for target in all_targets() {
        let cases =
            [(F32, vec![2, 6, 16, 40, 64, 80, 88]), (BF16, vec![6, 64, 80, 88]), (F16, vec![72])];
        for (element, head_sizes) in cases {
            for head_size in head_sizes {
                check(sizes(2, 2, head_size, 37), element, true, None, target);
            }
        }
        for tokens in [1, 97, 131] {
            check(sizes(1, 3, 16, tokens), F32, true, None, target);
        }
    }
}

#[test]
fn segments_of_every_kind_are_attended_to_alone() {
    let tokens = 261;
    let alone: Vec<i32> = (0..tokens as i32).collect();
    let one = vec![7; tokens];
    let runs: Vec<i32> = (0..tokens as i32).map(|token| token / 64).collect();
    let ragged: Vec<i32> = (0..tokens).map(|token| [0, 3, 3, 5, 200][token / 53]).collect();
    let backwards: Vec<i32> = runs.iter().map(|run| -run).collect();
    let scattered: Vec<i32> = (0..tokens).map(|token| drawn(token, 5) - 2).collect();
    let far_apart: Vec<i32> = (0..tokens).map(|token| i32::from(token % 200 != 3)).collect();
    for target in all_targets() {
        for element in [F32, BF16] {
            for segments in [&alone, &one, &runs, &ragged, &backwards, &scattered, &far_apart] {
                check(sizes(1, 2, 16, tokens), element, false, Some(segments), target);
            }
        }
        check(sizes(1, 2, 24, tokens), F16, false, Some(&scattered), target);
    }
}

#[test]
fn each_image_may_have_segments_of_its_own() {
    for target in all_targets() {
        for (element, tokens) in [(F32, 1), (F32, 50), (BF16, 131), (F32, 200)] {
            let own: Vec<i32> = (0..3 * tokens).map(|position| drawn(position, 4)).collect();
            check(sizes(3, 2, 16, tokens), element, false, Some(&own), target);
            check(sizes(3, 2, 16, tokens), element, false, Some(&own[..tokens]), target);
        }
    }
}

#[test]
fn rotation_and_windows_go_together() {
    for target in all_targets() {
        for (element, head_size) in [(F32, 80), (BF16, 80), (BF16, 18), (F16, 72)] {
            let windows: Vec<i32> = (0..200).map(|token| token / 48).collect();
            check(sizes(1, 2, head_size, 200), element, true, Some(&windows), target);
        }
    }
}

#[test]
fn what_no_kernel_does_is_refused() {
    let layout = |element, shape: &[i64]| {
        Layout::contiguous(&TensorType::new(element, shape.iter().copied()))
    };
    let x = layout(F32, &[1, 4, 48]);
    let table = layout(F32, &[4, 12]);
    let refuse = |rotary, mask, rest: &[Layout]| {
        let op = KernelOp::Attention { heads: 4, scale: 1.0, rotary, mask, warp_queries: None };
        let operands = [&[x.clone(), x.clone(), x.clone()], rest].concat();
        launch(&op, &operands, &x, CpuTarget::X86_64_V3).unwrap_err().to_string()
    };
    let mut other_keys = x.clone();
    other_keys.ty.shape[1] = Dim::from(5);
    let op = KernelOp::Attention {
        heads: 4,
        scale: 1.0,
        rotary: true,
        mask: Mask::Full,
        warp_queries: None,
    };
    let operands = [x.clone(), other_keys.clone(), other_keys, table.clone(), table.clone()];
    let message = launch(&op, &operands, &x, CpuTarget::X86_64_V3).unwrap_err().to_string();
    let cases = [
        (message, "other tokens than queries"),
        (refuse(true, Mask::Full, &[]), "operand 3 is missing"),
        (
            refuse(true, Mask::Full, &[table.clone(), layout(BF16, &[4, 12])]),
            "[4, 12] x bf16 is not",
        ),
        (refuse(true, Mask::Full, &[table.clone(), layout(F32, &[4, 10])]), "is not [tokens, 12]"),
        (refuse(false, Mask::Segments, &[layout(F32, &[4])]), "segments are [tokens]"),
        (refuse(true, Mask::Segments, &[table.clone(), table]), "operand 5 is missing"),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message}");
    }
}
