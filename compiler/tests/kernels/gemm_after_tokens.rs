//! A gemm whose rows stand, in each image, behind the rows of another operand.

use crate::gemm::product_on;
use crate::launch::{Operand, all_targets, assert_close, run};
use crate::near::{self, Near, step};
use ocellus_dialects::ElementType::{self, BF16, F16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Prologue};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Activation, Scale};
use ocellus_kernels::{CpuTarget, Layout, Target, launch};

const K: i64 = 24;

struct Case {
    images: i64,
    tokens: i64,
    rows: i64,
    width: i64,
    /// Whether each image begins with the same tokens.
    is_shared: bool,
    /// Elements between rows of the result.
    gap: i64,
    tile: GemmTile,
}

impl Case {
    fn tokens(&self, element: ElementType) -> Operand {
        let Case { images, tokens, width, is_shared, .. } = *self;
        if !is_shared {
            return Operand::random(3, element, &[images, tokens, width], 1.0);
        }
        let mut shared = Operand::random(3, element, &[1, tokens, width], 1.0);
        shared.layout.ty = TensorType::new(element, [images, tokens, width]);
        shared.layout.image_stride = Dim::from(0);
        shared
    }

    fn check(&self, element: ElementType, is_gated: bool, target: Target) {
        let Case { images, tokens, rows, width, is_shared, gap, tile } = *self;
        let n = if is_gated { 2 * width } else { width };
        let x = Operand::random(1, element, &[images, rows, K], 1.0);
        let w = Operand::random(2, element, &[n, K], 1.0);
        let before = self.tokens(element);
        let table = Operand::random(4, element, &[rows, width], 1.0);
        let gate = is_gated.then_some(EpilogueOp::Gate(Activation::Silu));
        let steps = [EpilogueOp::Combine(Combine::Add, Broadcast::Table), EpilogueOp::AfterTokens];
        let epilogue = gate.into_iter().chain(steps).collect();
        let op = KernelOp::Gemm { prologue: Prologue::None, epilogue, tile };
        let empty = vec![f64::NAN; (images * (tokens + rows) * width) as usize];
        let result = Operand::of(element, &[images, tokens + rows, width], &empty, gap);
        let operands = [x.clone(), w.clone(), table.clone(), before.clone()];
        let found = run(&op, &operands, &result, target);

        let wide = width as usize;
        let mut wanted = vec![];
        for image in 0..images as usize {
            let of_image = if is_shared { 0 } else { image };
            let in_image = tokens as usize * wide;
            let before = &before.values[of_image * in_image..][..in_image];
            wanted.extend(before.iter().map(|token| Near::exactly(*token)));
            for row in 0..rows as usize {
                let x = &x.values[(image * rows as usize + row) * K as usize..][..K as usize];
                let x: Vec<Near> = x.iter().map(|x| Near::exactly(*x)).collect();
                let sum = |column: usize| {
                    let w = &w.values[column * K as usize..][..K as usize];
                    product_on(&target, &x, w, element)
                };
                for column in 0..wide {
                    let near = match is_gated {
                        true => near::gate(Activation::Silu, sum(column), sum(column + wide)),
                        false => sum(column),
                    };
                    let added = table.values[row * wide + column];
                    let near = near::epilogue(&steps[..1], near, &[added]);
                    wanted.push(near.rounded(element));
                }
            }
        }
        let what = format!("{} {element} {images} x ({tokens} + {rows}) x {width}", target.name());
        assert_close(&found, &wanted, &what);
    }
}

#[test]
fn rows_behind_tokens_are_right_wherever_images_begin() {
    // Images that are a part of a block, that span blocks, and that begin where blocks do.
    let cases = [(1, 1, 7, 33), (3, 1, 5, 16), (3, 5, 50, 45), (2, 4, 48, 70), (40, 2, 1, 20)];
    for target in all_targets() {
        for (index, (images, tokens, rows, width)) in cases.into_iter().enumerate() {
            let (is_shared, gap) = (index % 2 == 0, index as i64 % 3);
            let tile = GemmTile::packed(24, 32);
            let case = Case { images, tokens, rows, width, is_shared, gap, tile };
            for element in [F32, BF16, F16] {
                // What has as many bytes goes the same way on a GPU.
                if element == F16 && matches!(target, Target::Nvidia(_)) {
                    continue;
                }
                for is_gated in [false, true] {
                    case.check(element, is_gated, target);
                }
            }
        }
    }
}

#[test]
fn what_no_kernel_does_is_refused() {
    let layout = |shape: &[i64]| Layout::contiguous(&TensorType::new(F32, shape.iter().copied()));
    let target = CpuTarget::X86_64_V3;
    let refused = |op: &KernelOp, operands: &[Layout], result: &[i64]| {
        launch(op, operands, &layout(result), target).unwrap_err().to_string()
    };
    let after = vec![EpilogueOp::AfterTokens];
    let prologue = Prologue::None;
    let gemm = |epilogue| KernelOp::Gemm { prologue, epilogue, tile: GemmTile::DEFAULT };
    let flat = [layout(&[10, 8]), layout(&[6, 8]), layout(&[1, 6])];
    let error = refused(&gemm(after.clone()), &flat, &[11, 6]);
    assert!(error.contains("images of three dimensions, not [11, 6]"), "{error}");
    let narrow = [layout(&[2, 5, 8]), layout(&[6, 8]), layout(&[2, 1, 5])];
    let error = refused(&gemm(after.clone()), &narrow, &[2, 6, 6]);
    assert!(error.ends_with("operand 2 is [2, 1, 5] x f32, but its last dimension must be 6"));
    let early = gemm([after.clone(), vec![step(Scale { factor: 2.0 })]].concat());
    let error = refused(&early, &narrow, &[2, 6, 6]);
    assert!(error.contains("only a gemm puts its rows after tokens, as the last"), "{error}");
    let row_wise = KernelOp::RowWise { prologue, epilogue: after, to: F32 };
    let error = refused(&row_wise, &[layout(&[2, 5, 6]), layout(&[2, 1, 6])], &[2, 6, 6]);
    assert!(error.contains("only a gemm"), "{error}");
}
