//! `epilogue(prologue(x))`.

use crate::launch::{Operand, all_targets, assert_close, run, targets};
use crate::near::{self, Near, activate, activation_error, step};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp, KernelOp, Prologue};
use ocellus_dialects::symbolic::{Dim, Symbol};
use ocellus_dialects::venc::{Activate, Activation, Scale};
use ocellus_kernels::{CpuTarget, Layout, Reason, Target, launch};

fn result(element: ElementType, shape: &[i64], gap: i64) -> Operand {
    let count = shape.iter().product::<i64>();
    Operand::of(element, shape, &vec![f64::NAN; count as usize], gap)
}

fn check_prologue(
    prologue: Prologue,
    (rows, width): (i64, i64),
    (from, to): (ElementType, ElementType),
    target: Target,
) {
    let x = Operand::with_gap(7, from, &[rows, width], 3.0, 4);
    let norm_weight = Operand::random(8, from, &[width], 2.0);
    let bias = Operand::random(9, from, &[width], 2.0);
    let op = KernelOp::RowWise { prologue, epilogue: vec![], to };
    let mut operands = vec![x.clone()];
    operands.extend([norm_weight.clone(), bias.clone()].into_iter().take(prologue.operands()));
    let made = if matches!(prologue, Prologue::NormScale { .. }) { 1 } else { width };
    let found = run(&op, &operands, &result(to, &[rows, made], 3), target);
    let wanted: Vec<Near> = x
        .values
        .chunks(width as usize)
        .flat_map(|row| near::prologue(prologue, row, &norm_weight.values, &bias.values))
        .map(|near| near.rounded(to))
        .collect();
    assert_close(
        &found,
        &wanted,
        &format!("{} {prologue:?} {rows}x{width} {from} to {to}", target.name()),
    );
}

#[test]
fn prologues_and_casts_are_right_in_every_storage_on_every_target() {
    let prologues = [
        Prologue::None,
        Prologue::LayerNorm { eps: 1e-6, affine: true },
        Prologue::LayerNorm { eps: 1e-6, affine: false },
        Prologue::RmsNorm { eps: 1e-5, affine: true },
        Prologue::RmsNorm { eps: 1e-5, affine: false },
        Prologue::NormScale { centered: true, eps: 1e-2 },
        Prologue::NormScale { centered: false, eps: 1e-2 },
        Prologue::Softmax,
    ];
    for target in all_targets() {
        for prologue in prologues {
            for (shape, storage) in [
                ((3, 197), (F32, F32)),
                ((2, 1), (F32, F32)),
                ((21, 768), (BF16, BF16)),
                ((5, 39), (F16, BF16)),
                ((5, 39), (F32, F16)),
            ] {
                check_prologue(prologue, shape, storage, target);
            }
        }
    }
}

#[test]
fn a_row_of_a_width_known_at_run_time_is_right() {
    // The code must serve any width, so it is lowered for a symbol and run for a number.
    let tokens = Symbol::new("tokens");
    for target in targets() {
        for (prologue, width) in
            [(Prologue::Softmax, 197), (Prologue::Softmax, 3), (Prologue::None, 70)]
        {
            let x = Operand::random(3, F32, &[4, width], 5.0);
            let op = KernelOp::RowWise {
                prologue,
                epilogue: vec![step(Scale { factor: 0.5 })],
                to: F32,
            };
            let at = [(tokens.clone(), width)].into();
            let found = crate::launch::run_symbolic(
                &op,
                std::slice::from_ref(&x),
                &result(F32, &[4, width], 0),
                &target,
                (&[Dim::from(4), Dim::symbol(&tokens)], &at),
            );
            let ops = [step(Scale { factor: 0.5 })];
            let wanted: Vec<Near> = x
                .values
                .chunks(width as usize)
                .flat_map(|row| near::prologue(prologue, row, &[], &[]))
                .map(|near| near::epilogue(&ops, near, &[]))
                .collect();
            assert_close(&found, &wanted, &format!("{} {prologue:?} {width}", target.name));
        }
    }
}

/// About the greatest number of a storage.
fn greatest(element: ElementType) -> f64 {
    match element {
        F16 => 65_500.0,
        _ => 3.38e38,
    }
}

#[test]
fn activations_are_as_near_as_stated() {
    let mut values: Vec<f64> = (-20_000..20_000).map(|step| f64::from(step) / 1000.0).collect();
    values.extend([0.0, -0.0, 1e-30, -1e-30, 80.0, -80.0, -87.0, -87.3, -87.4, -88.0, 1e4, -1e4]);
    values.extend([1e10, -1e10, 1e18, -1e18, -1e30, -3e38]);
    let width = values.len() as i64;
    for target in all_targets() {
        for element in [F32, BF16, F16] {
            let x = Operand::of(element, &[1, width], &values, 0);
            for activation in Activation::ALL {
                let epilogue = vec![step(Activate { function: *activation })];
                let op = KernelOp::RowWise { prologue: Prologue::None, epilogue, to: element };
                let place = result(element, &[1, width], 0);
                let found = run(&op, std::slice::from_ref(&x), &place, target);
                let near = |x: &f64| Near {
                    value: activate(*activation, *x),
                    bound: activation_error(*activation, *x),
                };
                let held = |x: f64| x.is_finite() && near(&x).value.abs() < greatest(element);
                let (found, wanted): (Vec<f64>, Vec<Near>) = found
                    .iter()
                    .zip(&x.values)
                    .filter(|(_, x)| held(**x))
                    .map(|(found, x)| (*found, near(x).rounded(element)))
                    .unzip();
                assert_close(
                    &found,
                    &wanted,
                    &format!("{} {activation:?} {element}", target.name()),
                );
            }
        }
    }
}

#[test]
fn what_is_no_number_stays_none_and_infinities_have_limits() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3e38, -3e38];
    for target in all_targets() {
        for to in [F32, BF16, F16] {
            let x = Operand::of(F32, &[1, 5], &values, 0);
            let cast = KernelOp::RowWise { prologue: Prologue::None, epilogue: vec![], to };
            let found = run(&cast, &[x], &result(to, &[1, 5], 0), target);
            assert!(found[0].is_nan(), "{} {to}: {found:?}", target.name());
            assert_eq!(found[1..3], [f64::INFINITY, f64::NEG_INFINITY], "{} {to}", target.name());
        }
        for activation in Activation::ALL {
            let x = Operand::of(F32, &[1, 5], &values, 0);
            let epilogue = vec![step(Activate { function: *activation })];
            let op = KernelOp::RowWise { prologue: Prologue::None, epilogue, to: F32 };
            let found = run(&op, &[x], &result(F32, &[1, 5], 0), target);
            // The limits, which the formula has in f64; of what it does not have, NaN.
            for (found, x) in found.iter().zip(&values).take(3) {
                let wanted = activate(*activation, *x);
                let is_close = (found - wanted).abs() <= 1e-6 || *found == wanted;
                assert!(
                    is_close || found.is_nan() && wanted.is_nan(),
                    "{} {activation:?} of {x}: {found} and not {wanted}",
                    target.name()
                );
            }
        }
        let masked = Operand::of(F32, &[1, 4], &[1.0, f64::NEG_INFINITY, 1.0, -1e30], 0);
        let softmax = KernelOp::RowWise { prologue: Prologue::Softmax, epilogue: vec![], to: F32 };
        let found = run(&softmax, &[masked], &result(F32, &[1, 4], 0), target);
        assert!((found[0] - 0.5).abs() < 1e-6 && found[1] < 1e-30 && found[3] < 1e-30, "{found:?}");
    }
}

#[test]
fn rows_and_tables_that_repeat_are_read_again() {
    let (images, tokens, width) = (3, 5, 20);
    let x = Operand::random(1, F32, &[images, tokens, width], 1.0);
    let table = Operand::random(2, BF16, &[tokens, width], 1.0);
    let mut expanded = Operand::random(3, F32, &[1, tokens, width], 1.0);
    let op = KernelOp::RowWise {
        prologue: Prologue::None,
        epilogue: vec![
            EpilogueOp::Combine(Combine::Add, Broadcast::Table),
            EpilogueOp::Combine(Combine::Multiply, Broadcast::Full),
        ],
        to: F32,
    };
    expanded.layout.ty = TensorType::new(F32, [images, tokens, width]);
    expanded.layout.image_stride = Dim::from(0);
    let at = |position: i64| (position % (tokens * width)) as usize;
    let wanted: Vec<Near> = x
        .values
        .iter()
        .zip(0..)
        .map(|(x, position)| {
            let others = [table.values[at(position)], expanded.values[at(position)]];
            let KernelOp::RowWise { epilogue, .. } = &op else { panic!() };
            near::epilogue(epilogue, Near::exactly(*x), &others)
        })
        .collect();
    for target in all_targets() {
        let operands = [x.clone(), table.clone(), expanded.clone()];
        let found = run(&op, &operands, &result(F32, &[images, tokens, width], 0), target);
        assert_close(&found, &wanted, &target.name());
    }
}

#[test]
fn what_no_kernel_does_is_refused() {
    let target = CpuTarget::X86_64_V3;
    let ty = TensorType::new(F32, [Dim::from(4), Dim::symbol(&Symbol::new("tokens"))]);
    let dynamic = Layout::contiguous(&ty);
    let norm = KernelOp::RowWise {
        prologue: Prologue::RmsNorm { eps: 1e-6, affine: true },
        epilogue: vec![],
        to: F32,
    };
    let error = launch(&norm, std::slice::from_ref(&dynamic), &dynamic, target).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`rowwise` has no kernel for this: operand 0 is [4, tokens] x f32: the width of a row that is normalized must be known at compile time"
    );

    let flat = Layout::contiguous(&TensorType::new(F32, [3, 4]));
    let error = launch(&norm, std::slice::from_ref(&flat), &flat, target).unwrap_err();
    assert_eq!(error.reason, Reason::MissingOperand { operand: 1 });
}

#[test]
fn slices_are_summed_row_by_row() {
    use ocellus_dialects::kernel::{Broadcast, Combine};
    for target in all_targets() {
        for (slices, rows, width) in [(1, 3, 7), (4, 5, 39), (16, 2, 768)] {
            let x = Operand::random(1, F32, &[slices, rows, width], 1.0);
            let bias = Operand::random(2, F32, &[width], 1.0);
            let op = KernelOp::RowWise {
                prologue: Prologue::SumSlices { slices },
                epilogue: vec![EpilogueOp::Combine(Combine::Add, Broadcast::Columns)],
                to: BF16,
            };
            let operands = [x.clone(), bias.clone()];
            let found = run(&op, &operands, &result(BF16, &[rows, width], 3), target);
            let elements = (rows * width) as usize;
            let near = |at: usize| {
                let slices: Vec<f64> = x.values[at..].iter().step_by(elements).copied().collect();
                let magnitude: f64 = slices.iter().map(|x| x.abs()).sum();
                let bias = bias.values[at % width as usize];
                let bound = (slices.len() + 1) as f64 * (magnitude + bias.abs()) * 2f64.powi(-24);
                Near { value: slices.iter().sum::<f64>() + bias, bound }.rounded(BF16)
            };
            let wanted: Vec<Near> = (0..elements).map(near).collect();
            assert_close(
                &found,
                &wanted,
                &format!("{} {slices} x {rows} x {width}", target.name()),
            );
        }
    }
}
