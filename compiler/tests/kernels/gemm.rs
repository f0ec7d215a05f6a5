//! `epilogue(prologue(x) weight^T)`.

use crate::launch::{Operand, assert_close, rounding, run, targets};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::kernel::{EpilogueOp, KernelOp, Prologue};
use ocellus_kernels::CpuTarget;

/// A product with its bound: k products and sums in f32, each with an error of at most the sum of the products'
/// magnitudes times 2^-24; where rows are rounded to bf16 first (`vdpbf16ps`), that error as well.
fn product(x: &[f64], w: &[f64], row_rounding: f64) -> (f64, f64) {
    let exact: f64 = x.iter().zip(w).map(|(x, w)| x * w).sum();
    let magnitude: f64 = x.iter().zip(w).map(|(x, w)| (x * w).abs()).sum();
    let steps = x.len() as f64 + 8.0;
    (exact, magnitude * (steps * rounding(F32) + row_rounding) + 1e-30)
}

fn gemm(prologue: Prologue, epilogue: Vec<EpilogueOp>) -> KernelOp {
    KernelOp::Gemm { prologue, epilogue }
}

fn check_plain(m: i64, n: i64, k: i64, element: ElementType, gap: i64, target: &CpuTarget) {
    let x = Operand::with_gap(1, element, &[m, k], 1.0, gap);
    let w = Operand::random(2, element, &[n, k], 1.0);
    let empty = vec![f64::NAN; (m * n) as usize];
    let result = Operand::of(element, &[m, n], &empty, gap);
    let found = run(&gemm(Prologue::None, vec![]), &[x.clone(), w.clone()], &result, target);
    let wanted: Vec<(f64, f64)> = x
        .values
        .chunks(k as usize)
        .flat_map(|x| w.values.chunks(k as usize).map(move |w| product(x, w, 0.0)))
        .map(|(exact, bound)| (exact, bound + (exact.abs() + bound) * rounding(element)))
        .collect();
    assert_close(&found, &wanted, &format!("{} {element} {m}x{n}x{k}", target.name));
}

#[test]
fn products_of_odd_sizes_are_right_in_every_storage_on_every_target() {
    for target in targets() {
        for element in [F32, BF16, F16] {
            for (m, n, k, gap) in [(1, 1, 1, 0), (13, 37, 19, 5), (31, 96, 40, 0), (5, 7, 129, 3)] {
                check_plain(m, n, k, element, gap, &target);
            }
        }
    }
}

#[test]
fn many_blocks_and_tiles_are_right() {
    for target in targets() {
        check_plain(215, 300, 70, F32, 0, &target);
        check_plain(110, 161, 70, BF16, 2, &target);
    }
}
