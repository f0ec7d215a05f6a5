//! Some tokens of each image: rows at one distance, and another from each image to the next.

use crate::gemm::product;
use crate::launch::{Operand, assert_close, run, targets};
use crate::near::{self, Near};
use ocellus_dialects::ElementType::{BF16, F32};
use ocellus_dialects::kernel::{
    Broadcast, Combine, EpilogueOp, GemmTile, KernelOp, Mask, Prologue,
};

const IMAGES: i64 = 3;

fn empty(shape: &[i64]) -> Operand {
    let values = vec![0.0; shape.iter().product::<i64>() as usize];
    Operand::of(F32, shape, &values, 0)
}

/// A tensor of some tokens, as it lies by itself and among others.
fn both(seed: u64, shape: &[i64]) -> [Operand; 2] {
    let alone = Operand::random(seed, F32, shape, 1.0);
    [alone.clone(), alone.with_rows_between_images(2)]
}

#[test]
fn a_row_wise_kernel_reads_them() {
    let shape = [IMAGES, 5, 20];
    let [x, other] = [1, 2].map(|seed| both(seed, &shape)[1].clone());
    let epilogue = vec![EpilogueOp::Combine(Combine::Multiply, Broadcast::Full)];
    let op = KernelOp::RowWise { prologue: Prologue::None, epilogue: epilogue.clone(), to: F32 };
    let pairs = x.values.iter().zip(&other.values);
    let wanted: Vec<Near> =
        pairs.map(|(x, other)| near::epilogue(&epilogue, Near::exactly(*x), &[*other])).collect();
    for target in targets() {
        let found = run(&op, &[x.clone(), other.clone()], &empty(&shape), target);
        assert_close(&found, &wanted, target.name);
    }
}

/// Blocks of rows begin and end anywhere in an image.
#[test]
fn a_gemm_reads_them_under_every_tile() {
    let (tokens, k, n) = (37, 24, 40);
    let x = both(1, &[IMAGES, tokens, k])[1].clone();
    let residual = both(2, &[IMAGES, tokens, n])[1].clone();
    let w = Operand::random(3, F32, &[n, k], 1.0);
    let epilogue = vec![EpilogueOp::Combine(Combine::Add, Broadcast::Full)];
    let rows = x.values.chunks(k as usize).map(|x| x.iter().map(|x| Near::exactly(*x)).collect());
    let rows: Vec<Vec<Near>> = rows.collect();
    let products = rows.iter().flat_map(|x| {
        w.values.chunks(k as usize).map(move |w| product(x, w, F32)).collect::<Vec<_>>()
    });
    let wanted: Vec<Near> = products
        .zip(&residual.values)
        .map(|(product, other)| near::epilogue(&epilogue, product, &[*other]))
        .collect();
    for target in targets() {
        for tile in [GemmTile::DEFAULT, GemmTile::packed(24, 32)] {
            let op = KernelOp::Gemm { prologue: Prologue::None, epilogue: epilogue.clone(), tile };
            let operands = [x.clone(), w.clone(), residual.clone()];
            let found = run(&op, &operands, &empty(&[IMAGES, tokens, n]), target);
            assert_close(&found, &wanted, target.name);
        }
    }
}

/// Whoever reads them gets what the same tokens by themselves give, to the bit.
#[test]
fn every_other_family_reads_them_as_if_they_lay_by_themselves() {
    let shape = [IMAGES, 12, 32];
    let heads = |rank| KernelOp::Attention {
        heads: rank,
        scale: 0.25,
        rotary: false,
        mask: Mask::Full,
        warp_queries: None,
    };
    let cast = KernelOp::RowWise { prologue: Prologue::None, epilogue: vec![], to: BF16 };
    let norm = KernelOp::RowWise {
        prologue: Prologue::LayerNorm { eps: 1e-6, affine: false },
        epilogue: vec![],
        to: F32,
    };
    for (op, operands) in [(heads(2), 3), (cast, 1), (norm, 1)] {
        let all: Vec<[Operand; 2]> = (0..operands).map(|seed| both(seed + 1, &shape)).collect();
        let [alone, among] =
            [0, 1].map(|way: usize| all.iter().map(|both| both[way].clone()).collect::<Vec<_>>());
        let mut result = empty(&shape);
        if matches!(op, KernelOp::RowWise { to: BF16, .. }) {
            result = Operand::of(BF16, &shape, &result.values, 0);
        }
        for target in targets() {
            let wanted = run(&op, &alone, &result, target);
            assert_eq!(run(&op, &among, &result, target), wanted, "{} {op:?}", target.name);
        }
    }
}
