//! `epilogue(between(prologue(x) first^T) second^T)`.

use crate::gemm::{Epilogue, product};
use crate::launch::{Operand, assert_close, run, targets};
use crate::near::{self, Near, step};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{Between, Broadcast, Combine, EpilogueOp, KernelOp, Prologue};
use ocellus_dialects::venc::{Activate, Activation};
use ocellus_kernels::{CpuTarget, Layout, Reason, launch};

const BIAS: EpilogueOp = EpilogueOp::Combine(Combine::Add, Broadcast::Columns);
const RESIDUAL: EpilogueOp = EpilogueOp::Combine(Combine::Add, Broadcast::Full);

/// An MLP of `m` rows: `k` columns, `hidden` sums of the first product, `n` of the second.
struct Mlp {
    m: i64,
    k: i64,
    hidden: i64,
    n: i64,
    element: ElementType,
    prologue: Prologue,
    between: Vec<EpilogueOp>,
    epilogue: Vec<EpilogueOp>,
    rows: i64,
}

impl Mlp {
    fn plain(m: i64, (k, hidden, n): (i64, i64, i64), element: ElementType) -> Self {
        let between = vec![BIAS, step(Activate { function: Activation::Gelu })];
        let epilogue = vec![BIAS, RESIDUAL];
        Mlp { m, k, hidden, n, element, prologue: Prologue::None, between, epilogue, rows: 96 }
    }

    fn others(&self, steps: &[EpilogueOp], width: i64, seed: u64) -> Vec<(Broadcast, Operand)> {
        let operand = |(op, seed): (&EpilogueOp, u64)| match op {
            EpilogueOp::Combine(_, broadcast) => {
                let shape = match broadcast {
                    Broadcast::Columns => vec![width],
                    Broadcast::Rows => vec![self.m, 1],
                    _ => vec![self.m, width],
                };
                Some((*broadcast, Operand::random(seed, self.element, &shape, 1.0)))
            }
            _ => None,
        };
        steps.iter().zip(seed..).filter_map(operand).collect()
    }

    fn check(&self, target: &CpuTarget) {
        let Mlp { m, k, hidden, n, element, prologue, ref between, ref epilogue, rows } = *self;
        let is_gated = between.iter().any(|op| matches!(op, EpilogueOp::Gate(_)));
        let width = if is_gated { hidden / 2 } else { hidden };
        let x = Operand::with_gap(1, element, &[m, k], 1.0, 3);
        let norm_weight = Operand::random(2, element, &[k], 1.0);
        let bias = Operand::random(3, element, &[k], 1.0);
        let first = Operand::random(4, element, &[hidden, k], 0.5);
        let second = Operand::random(5, element, &[n, width], 0.5);
        let between_others = self.others(between, hidden, 10);
        let others = self.others(epilogue, n, 20);
        let mut operands = vec![x.clone()];
        operands.extend([norm_weight.clone(), bias.clone()].into_iter().take(prologue.operands()));
        operands.push(first.clone());
        operands.extend(between_others.iter().map(|(_, other)| other.clone()));
        operands.push(second.clone());
        operands.extend(others.iter().map(|(_, other)| other.clone()));
        let empty = vec![f64::NAN; (m * n) as usize];
        let result = Operand::of(element, &[m, n], &empty, 0);
        let op = KernelOp::BackToBackGemm {
            prologue,
            between: Between { epilogue: between.clone(), element },
            epilogue: epilogue.clone(),
            rows,
        };
        let found = run(&op, &operands, &result, target);

        let mut wanted = vec![];
        for (row, x) in x.values.chunks(k as usize).enumerate() {
            let x = near::prologue(prologue, x, &norm_weight.values, &bias.values);
            let first_sum = |column: usize| product(&x, weight_row(&first, k, column), element);
            let steps = Epilogue { epilogue: between, others: &between_others };
            // Rounded where the second product reads pairs of bf16, and not where it widens what it reads.
            let middle: Vec<Near> = (0..width as usize)
                .map(|column| steps.near(row, column, width as usize, &first_sum).rounded(element))
                .collect();
            let second_sum =
                |column: usize| product(&middle, weight_row(&second, width, column), element);
            let steps = Epilogue { epilogue, others: &others };
            for column in 0..n as usize {
                let near = steps.near(row, column, n as usize, &second_sum);
                wanted.push(near.rounded(element));
            }
        }
        let what = format!("{} {element} {m}x{k}x{hidden}x{n} {prologue:?}", target.name);
        assert_close(&found, &wanted, &what);
    }
}

fn weight_row(weight: &Operand, width: i64, row: usize) -> &[f64] {
    &weight.values[row * width as usize..][..width as usize]
}

#[test]
fn mlps_of_odd_sizes_are_right_in_every_storage_on_every_target() {
    for target in targets() {
        for element in [F32, BF16, F16] {
            for (m, sizes) in [(1, (1, 1, 1)), (13, (19, 37, 5)), (30, (40, 96, 33))] {
                Mlp::plain(m, sizes, element).check(&target);
            }
        }
    }
}

#[test]
fn every_number_of_rows_a_tile_is_right() {
    for target in targets() {
        for rows in [1, 12, 24, 48, 96, 1000] {
            Mlp { rows, ..Mlp::plain(103, (24, 50, 24), F32) }.check(&target);
        }
        // The rows between are wider than the scratch has room for: one panel a tile.
        Mlp::plain(29, (16, 20000, 16), F32).check(&target);
    }
}

#[test]
fn norms_and_gates_are_right() {
    for target in targets() {
        for element in [F32, BF16] {
            let plain = || Mlp::plain(17, (40, 72, 40), element);
            let norm = Prologue::LayerNorm { eps: 1e-5, affine: true };
            Mlp { prologue: norm, ..plain() }.check(&target);
            let gate = EpilogueOp::Gate(Activation::Silu);
            let rms = Prologue::RmsNorm { eps: 1e-5, affine: false };
            for between in [vec![gate], vec![BIAS, gate]] {
                Mlp { prologue: rms, between, ..plain() }.check(&target);
            }
        }
    }
}

#[test]
fn what_has_no_kernel_is_an_error() {
    let layouts = |shapes: &[&[i64]]| -> Vec<Layout> {
        let layout =
            |shape: &&[i64]| Layout::contiguous(&TensorType::new(F32, shape.iter().copied()));
        shapes.iter().map(layout).collect()
    };
    let op = |between: Vec<EpilogueOp>, epilogue, rows| KernelOp::BackToBackGemm {
        prologue: Prologue::None,
        between: Between { epilogue: between, element: F32 },
        epilogue,
        rows,
    };
    let refused = |op: &KernelOp, shapes: &[&[i64]]| {
        let result = &layouts(&[&[4, 8]])[0];
        launch(op, &layouts(shapes), result, CpuTarget::X86_64_V3).unwrap_err()
    };
    let fits: &[&[i64]] = &[&[4, 8], &[6, 8], &[8, 6]];
    let gate = EpilogueOp::Gate(Activation::Silu);
    assert!(refused(&op(vec![], vec![], 0), fits).to_string().contains("0 rows"));
    assert!(refused(&op(vec![], vec![gate], 24), fits).to_string().contains("between"));
    let narrow: &[&[i64]] = &[&[4, 8], &[6, 8], &[8, 5]];
    let error = refused(&op(vec![], vec![], 24), narrow);
    assert!(matches!(error.reason, Reason::Width { operand: 2, .. }), "{error}");
    let error = refused(&op(vec![gate], vec![], 24), fits);
    assert!(matches!(error.reason, Reason::Width { operand: 2, .. }), "{error}");
    let error = refused(&op(vec![], vec![], 24), &fits[..2]);
    assert_eq!(error.reason, Reason::MissingOperand { operand: 2 });
}
