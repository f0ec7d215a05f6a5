//! Images that are one in memory (`venc.broadcast_images`, read in place): their stride is zero.

use crate::launch::{Operand, all_targets, run};
use ocellus_dialects::ElementType::{self, BF16, F32};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{
    Between, Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Mask, Prologue,
};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{self, Activation};
use ocellus_kernels::Target;

const IMAGES: i64 = 3;

/// One tensor for all images: copied for each, and shared by them.
fn both(seed: u64, shape: &[i64]) -> [Operand; 2] {
    let all = [&[IMAGES], shape].concat();
    let one = Operand::random(seed, F32, &[&[1], shape].concat(), 1.0);
    let copied = Operand::of(F32, &all, &one.values.repeat(IMAGES as usize), 0);
    let mut shared = one;
    shared.layout.ty = TensorType::new(F32, all);
    shared.layout.image_stride = Dim::from(0);
    [copied, shared]
}

/// A tensor that every image has one of.
fn own(seed: u64, shape: &[i64]) -> [Operand; 2] {
    let operand = Operand::random(seed, F32, shape, 1.0);
    [operand.clone(), operand]
}

/// Whether a target has a kernel for it: on a GPU a norm before a gemm is one of its own, and so is each of two gemms.
fn has_kernel(op: &KernelOp, target: &Target) -> bool {
    match (target, op) {
        (Target::Cpu(_), _) => true,
        (Target::Nvidia(_), KernelOp::Gemm { prologue, .. }) => *prologue == Prologue::None,
        (Target::Nvidia(_), KernelOp::BackToBackGemm { .. }) => false,
        (
            Target::Nvidia(_),
            KernelOp::Attention { .. }
            | KernelOp::BatchedGemm { .. }
            | KernelOp::Move(_)
            | KernelOp::PartialGemm { .. }
            | KernelOp::RowWise { .. },
        ) => true,
    }
}

/// Runs the operation on both, and asks for the same answer to the bit.
fn reads_both_alike(op: KernelOp, operands: &[[Operand; 2]], result: (ElementType, &[i64])) {
    let (element, shape) = result;
    let empty = vec![0.0; shape.iter().product::<i64>() as usize];
    let result = Operand::of(element, shape, &empty, 0);
    let [copied, shared] = [0, 1].map(|way: usize| -> Vec<Operand> {
        operands.iter().map(|both| both[way].clone()).collect()
    });
    for target in all_targets().filter(|target| has_kernel(&op, target)) {
        let wanted = run(&op, &copied, &result, target);
        assert_eq!(run(&op, &shared, &result, target), wanted, "{} {op:?}", target.name());
    }
}

#[test]
fn products_read_them() {
    let x = || both(1, &[5, 24]);
    let prologue = Prologue::LayerNorm { eps: 1e-6, affine: false };
    for prologue in [prologue, Prologue::None] {
        let gemm = KernelOp::Gemm { prologue, epilogue: vec![], tile: GemmTile::DEFAULT };
        reads_both_alike(gemm, &[x(), own(2, &[10, 24])], (F32, &[IMAGES, 5, 10]));
    }
    let add = vec![EpilogueOp::Combine(Combine::Add, Broadcast::Full)];
    let residual =
        KernelOp::Gemm { prologue: Prologue::None, epilogue: add, tile: GemmTile::DEFAULT };
    let operands = [own(1, &[IMAGES, 5, 24]), own(2, &[10, 24]), both(3, &[5, 10])];
    reads_both_alike(residual, &operands, (F32, &[IMAGES, 5, 10]));
    let mlp = KernelOp::BackToBackGemm {
        prologue,
        between: Between {
            epilogue: vec![EpilogueOp::Elementwise(
                venc::Activate { function: Activation::Gelu }.into(),
            )],
            element: F32,
        },
        epilogue: vec![],
        rows: 96,
    };
    let operands = [x(), own(2, &[40, 24]), own(3, &[10, 40])];
    reads_both_alike(mlp, &operands, (F32, &[IMAGES, 5, 10]));
    let sliced = KernelOp::PartialGemm { slices: 2, tile: GemmTile::DEFAULT };
    let operands = [both(1, &[5, 64]), own(2, &[10, 64])];
    reads_both_alike(sliced, &operands, (F32, &[2, IMAGES, 5, 10]));
    let batched = KernelOp::BatchedGemm { transpose_rhs: true };
    let operands = [both(1, &[2, 5, 16]), both(2, &[2, 7, 16])];
    reads_both_alike(batched, &operands, (F32, &[IMAGES, 2, 5, 7]));
}

#[test]
fn rows_of_them_are_prepared_and_combined() {
    let cast = KernelOp::RowWise { prologue: Prologue::None, epilogue: vec![], to: BF16 };
    reads_both_alike(cast, &[both(1, &[5, 20])], (BF16, &[IMAGES, 5, 20]));
    let softmax = KernelOp::RowWise { prologue: Prologue::Softmax, epilogue: vec![], to: F32 };
    reads_both_alike(softmax, &[both(1, &[2, 5, 20])], (F32, &[IMAGES, 2, 5, 20]));
    let add = vec![EpilogueOp::Combine(Combine::Add, Broadcast::Full)];
    let add = KernelOp::RowWise { prologue: Prologue::None, epilogue: add, to: F32 };
    let operands = [own(1, &[IMAGES, 5, 20]), both(2, &[5, 20])];
    reads_both_alike(add, &operands, (F32, &[IMAGES, 5, 20]));
}

#[test]
fn attention_reads_them() {
    let attention = KernelOp::Attention { heads: 2, scale: 0.25, rotary: false, mask: Mask::Full };
    let operands = [both(1, &[1, 32]), own(2, &[IMAGES, 7, 32]), both(3, &[7, 32])];
    reads_both_alike(attention, &operands, (F32, &[IMAGES, 1, 32]));
}

#[test]
fn moves_read_them() {
    let moved = |op: venc::Op, operands: &[[Operand; 2]], shape: &[i64]| {
        reads_both_alike(KernelOp::Move(op), operands, (F32, shape));
    };
    let x = || both(1, &[6, 8]);
    moved(venc::SplitHeads { heads: 2 }.into(), &[x()], &[IMAGES, 2, 6, 4]);
    moved(venc::MergeHeads {}.into(), &[both(1, &[2, 6, 4])], &[IMAGES, 6, 8]);
    let tokens = venc::SliceTokens { start: 1, length: Dim::from(4) };
    moved(tokens.into(), &[x()], &[IMAGES, 4, 8]);
    moved(venc::MeanTokens {}.into(), &[x()], &[IMAGES, 8]);
    moved(venc::Concat { axis: 1 }.into(), &[x(), own(2, &[IMAGES, 2, 8])], &[IMAGES, 8, 8]);
    moved(venc::Concat { axis: 2 }.into(), &[own(2, &[IMAGES, 6, 3]), x()], &[IMAGES, 6, 11]);
    let tables = [own(2, &[6, 4]), own(3, &[6, 4])];
    let [cos, sin] = tables;
    moved(venc::Rope { heads: 2 }.into(), &[x(), cos, sin], &[IMAGES, 6, 8]);
    let index = Operand::of(ElementType::I32, &[3], &[5.0, 0.0, 2.0], 0);
    moved(venc::GatherRows {}.into(), &[x(), [index.clone(), index]], &[IMAGES, 3, 8]);
    let (rows, cols) = (Dim::from(2), Dim::from(3));
    let patchify = venc::Patchify { height: 2, width: 2, rows, cols };
    moved(patchify.into(), &[both(1, &[3, 5, 6])], &[IMAGES, 6, 12]);
}
