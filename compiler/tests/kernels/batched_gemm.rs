//! `a b` and `a b^T` for each of the leading dimensions.

use crate::gemm::product_on;
use crate::launch::{Operand, all_targets, assert_close, run};
use crate::near::Near;
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::KernelOp;
use ocellus_kernels::{CpuTarget, Layout, NvidiaTarget, Target, launch};

/// `[outer.., m, k]` times `[outer.., k, n]`, or `[outer.., n, k]` where transposed.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    outer: &'static [i64],
    m: i64,
    n: i64,
    k: i64,
}

/// Each element is a sum of k products in f32, or of parts of them.
fn check(
    sizes: Sizes,
    transpose_rhs: bool,
    (element, to): (ElementType, ElementType),
    gap: i64,
    target: Target,
) {
    let Sizes { outer, m, n, k } = sizes;
    let shape = |rows, columns| [outer, &[rows, columns]].concat();
    let right = if transpose_rhs { shape(n, k) } else { shape(k, n) };
    let a = Operand::with_gap(1, element, &shape(m, k), 1.0, gap);
    let b = Operand::with_gap(2, element, &right, 1.0, gap);
    let [m, n, k] = [m, n, k].map(|size| size as usize);
    let mut wanted = vec![];
    for product in 0..outer.iter().product::<i64>() as usize {
        for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
            let of_row = &a.values[(product * m + row) * k..][..k];
            let of_row: Vec<Near> = of_row.iter().map(|x| Near::exactly(*x)).collect();
            let place = |step| if transpose_rhs { column * k + step } else { step * n + column };
            let of_column: Vec<f64> =
                (0..k).map(|step| b.values[product * k * n + place(step)]).collect();
            wanted.push(product_on(&target, &of_row, &of_column, element).rounded(to));
        }
    }
    let empty = vec![f64::NAN; wanted.len()];
    let result = Operand::of(to, &shape(m as i64, n as i64), &empty, gap);
    let found = run(&KernelOp::BatchedGemm { transpose_rhs }, &[a, b], &result, target);
    let what = format!("{} {element} {to} {sizes:?} {transpose_rhs}", target.isa());
    assert_close(&found, &wanted, &what);
}

#[test]
fn products_of_any_size_are_right_in_every_storage_on_every_target() {
    let sizes = [
        Sizes { outer: &[], m: 1, n: 1, k: 1 },
        Sizes { outer: &[3], m: 5, n: 47, k: 9 },
        Sizes { outer: &[2, 3], m: 19, n: 50, k: 33 },
        Sizes { outer: &[1, 2], m: 97, n: 97, k: 64 },
        Sizes { outer: &[2], m: 70, n: 136, k: 200 },
    ];
    for target in all_targets() {
        for transpose_rhs in [false, true] {
            for sizes in sizes {
                check(sizes, transpose_rhs, (F32, F32), 3, target);
            }
            check(sizes[2], transpose_rhs, (BF16, BF16), 5, target);
            check(sizes[2], transpose_rhs, (F16, F16), 0, target);
            // Rows that begin at multiples of one, two, four and eight elements.
            let stored = if transpose_rhs { (BF16, BF16) } else { (F16, F32) };
            for (gap, sizes) in [(0, sizes[0]), (2, sizes[4]), (4, sizes[4]), (8, sizes[4])] {
                check(sizes, transpose_rhs, stored, gap, target);
            }
        }
    }
}

#[test]
fn products_of_f32_are_right_where_they_are_those_of_tf32() {
    let target = NvidiaTarget::SM_80.with_tf32();
    let whole_chunks = Sizes { outer: &[2], m: 67, n: 136, k: 72 };
    let single_elements = Sizes { outer: &[3], m: 5, n: 47, k: 9 };
    for transpose_rhs in [false, true] {
        check(whole_chunks, transpose_rhs, (F32, F32), 4, target.into());
        check(single_elements, transpose_rhs, (F32, BF16), 0, target.into());
    }
}

#[test]
fn matrices_that_do_not_meet_are_refused() {
    let layout = |shape: &[i64]| Layout::contiguous(&TensorType::new(F32, shape.iter().copied()));
    let refuse = |b: &[i64], result: &[i64]| {
        let op = KernelOp::BatchedGemm { transpose_rhs: false };
        let operands = [layout(&[2, 4, 8]), layout(b)];
        launch(&op, &operands, &layout(result), CpuTarget::X86_64_V3).unwrap_err().to_string()
    };
    assert!(refuse(&[2, 9, 3], &[2, 4, 3]).contains("does not meet"));
    assert!(refuse(&[3, 8, 3], &[2, 4, 3]).contains("does not meet"));
    assert!(refuse(&[8, 3], &[2, 4, 3]).contains("no product of matrices"));
}
