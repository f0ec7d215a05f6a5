//! What a kernel costs in closed form, whoever runs it.

use crate::movement::{self, ROTATION_FLOPS};
use crate::vector::{ACTIVATION_FLOPS, elementwise_flops};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{EpilogueOp, KernelOp, Prologue};
use ocellus_dialects::symbolic::Dim;

/// Arithmetic and memory traffic of a launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Additions and multiplications of matrix products.
    pub matrix_flops: Dim,
    /// Arithmetic on rows before the kernel proper, in f32. What an element's function costs is counted roughly.
    pub prologue_flops: Dim,
    /// Arithmetic on elements, in f32.
    pub elementwise_flops: Dim,
    /// Bytes of the matrix of weights that the kernel reads.
    pub weight_bytes: Dim,
    /// Bytes of all other operands, read once, and of the result, written once.
    pub activation_bytes: Dim,
}

impl Work {
    /// All arithmetic.
    pub fn flops(&self) -> Dim {
        self.matrix_flops.clone() + self.prologue_flops.clone() + self.elementwise_flops.clone()
    }

    /// All bytes.
    pub fn bytes(&self) -> Dim {
        self.weight_bytes.clone() + self.activation_bytes.clone()
    }
}

/// The work of `op` on operands of those types.
pub fn work(op: &KernelOp, operands: &[TensorType], result: &TensorType) -> Work {
    let bytes = |ty: &TensorType| times(ty.elements(), ty.element.bytes());
    let all: Dim = operands.iter().chain([result]).map(bytes).sum();
    let weights = op.weights().into_iter().filter_map(|position| operands.get(position));
    let weight_bytes: Dim = weights.map(bytes).sum();
    let activation_bytes = all - weight_bytes.clone();
    let [matrix_flops, prologue_flops, elementwise_flops] = flops(op, operands, result);
    Work { matrix_flops, prologue_flops, elementwise_flops, weight_bytes, activation_bytes }
}

/// What it takes to gather the rows of `x` from an image, in FLOPs: as whoever packs rows gathers them first, they count
/// as what happens to rows. Bytes are those of rows in memory, for each pixel is in one patch.
pub fn gather_flops(x: &TensorType) -> Dim {
    times(x.elements(), GATHER_FLOPS)
}

/// FLOPs of products, of what happens to rows first, and of what happens to elements.
fn flops(op: &KernelOp, operands: &[TensorType], result: &TensorType) -> [Dim; 3] {
    let elements = result.elements();
    let read = operands.first().map(TensorType::elements).unwrap_or_default();
    let depth = operands.first().map(TensorType::width).unwrap_or_default();
    let none = Dim::from(0);
    match op {
        KernelOp::Gemm { prologue, epilogue, .. } => {
            // Those that it computes: where its rows stand after tokens, the result has more.
            let rows = operands.first().map(TensorType::rows).unwrap_or_default();
            let elements = rows * result.width();
            [
                times(elements.clone() * depth, 2 * sums_per_element(epilogue)),
                times(read, prologue_flops(*prologue)),
                times(elements, epilogue_flops(epilogue)),
            ]
        }
        KernelOp::PartialGemm { .. } => {
            let rows = operands.first().map(TensorType::rows).unwrap_or_default();
            [times(rows * result.width() * depth, 2), none.clone(), none]
        }
        KernelOp::BackToBackGemm { prologue, between, epilogue, .. } => {
            let width = |position: &usize| operands.get(*position).map(TensorType::width);
            let between_width = op.weights().last().and_then(width).unwrap_or_default();
            let rows = operands.first().map(TensorType::rows).unwrap_or_default();
            let between_elements = rows * between_width.clone();
            let first = between_elements.clone() * depth;
            [
                times(first, 2 * sums_per_element(&between.epilogue))
                    + times(elements.clone() * between_width, 2),
                times(read, prologue_flops(*prologue)),
                times(between_elements, epilogue_flops(&between.epilogue))
                    + times(elements, epilogue_flops(epilogue)),
            ]
        }
        KernelOp::BatchedGemm { .. } => [times(elements * depth, 2), none.clone(), none],
        KernelOp::RowWise { prologue, epilogue, .. } => [
            none,
            times(read, prologue_flops(*prologue)),
            times(elements, epilogue_flops(epilogue)),
        ],
        KernelOp::Attention { heads, rotary, .. } => {
            // Per head: scores and their mix of the values, 2d each; and a softmax of the scores. How many segments a
            // mask has is known only in a call, and may be one: work is counted as without a mask.
            let queries = result.shape.get(1).cloned().unwrap_or_default();
            let keys =
                operands.get(1).and_then(|keys| keys.shape.get(1)).cloned().unwrap_or_default();
            let images = result.shape.first().cloned().unwrap_or_default();
            let scores = images * queries * keys;
            [
                times(scores.clone() * result.width(), 4),
                if *rotary { times(elements, 2 * ROTATION_FLOPS) } else { none },
                times(scores, heads * prologue_flops(Prologue::Softmax)),
            ]
        }
        KernelOp::Move(op) => [none.clone(), none, movement::flops(op, [read, elements])],
    }
}

/// What it takes to gather an element, in the arithmetic on rows that could be done meanwhile: as long as a layer norm,
/// as measured (`patch_embedding_throughput`, each tile on its own).
const GATHER_FLOPS: i64 = 8;

fn times(dim: Dim, factor: i64) -> Dim {
    dim * Dim::from(factor)
}

fn prologue_flops(prologue: Prologue) -> i64 {
    match prologue {
        Prologue::None | Prologue::Cast { .. } => 0,
        Prologue::RmsNorm { affine, .. } => 3 + i64::from(affine),
        Prologue::LayerNorm { affine, .. } => 6 + 2 * i64::from(affine),
        Prologue::NormScale { centered: true, .. } => 4,
        Prologue::NormScale { centered: false, .. } => 2,
        Prologue::SumSlices { .. } => 1,
        Prologue::Softmax => 36,
    }
}

/// Arithmetic for one element of the result: what stands before a gate happens to both that it multiplies.
fn epilogue_flops(epilogue: &[EpilogueOp]) -> i64 {
    let cost = |flops: i64, op: &EpilogueOp| match op {
        EpilogueOp::Combine(..) => flops + 1,
        EpilogueOp::Elementwise(function) => flops + elementwise_flops(*function),
        EpilogueOp::Gate(_) => 2 * flops + ACTIVATION_FLOPS + 1,
        EpilogueOp::AfterTokens => flops,
    };
    epilogue.iter().fold(0, cost)
}

/// How many sums of products an element of the result is made of.
fn sums_per_element(epilogue: &[EpilogueOp]) -> i64 {
    let is_gate = |op: &EpilogueOp| matches!(op, EpilogueOp::Gate(_));
    if epilogue.iter().any(is_gate) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::F32;
    use ocellus_dialects::kernel::{Broadcast, Combine, GemmTile, Mask};
    use ocellus_dialects::symbolic::Symbol;
    use ocellus_dialects::venc::Activation;

    #[test]
    fn work_is_a_polynomial_over_the_symbols() {
        let images = Dim::symbol(&Symbol::new("images"));
        let rows = |width: i64| TensorType::new(F32, [images.clone(), Dim::from(10), width.into()]);
        let gemm =
            KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile: GemmTile::DEFAULT };
        let found = work(&gemm, &[rows(8), TensorType::new(F32, [6, 8])], &rows(6));
        assert_eq!(found.flops(), times(images.clone(), 2 * 10 * 6 * 8));
        assert_eq!(found.weight_bytes, Dim::from(4 * 6 * 8));
        assert_eq!(found.activation_bytes, times(images.clone(), 4 * 10 * (8 + 6)));

        let bias = EpilogueOp::Combine(Combine::Add, Broadcast::Columns);
        let epilogue = vec![bias, EpilogueOp::Gate(Activation::Silu)];
        let gated = KernelOp::Gemm { prologue: Prologue::None, epilogue, tile: GemmTile::DEFAULT };
        let weights = [TensorType::new(F32, [6, 8]), TensorType::new(F32, [6])];
        let operands = [rows(8), weights[0].clone(), weights[1].clone()];
        let found = work(&gated, &operands, &rows(3));
        assert_eq!(found.matrix_flops, times(images.clone(), 2 * 10 * 6 * 8));
        let biases = 10 * 6;
        assert_eq!(
            found.elementwise_flops,
            times(images.clone(), biases + 10 * 3 * (ACTIVATION_FLOPS + 1))
        );

        let attention = KernelOp::Attention {
            heads: 2,
            scale: 1.0,
            rotary: false,
            mask: Mask::Full,
            warp_queries: None,
        };
        let found = work(&attention, &[rows(8), rows(8), rows(8)], &rows(8));
        let softmax = 2 * 10 * 10 * prologue_flops(Prologue::Softmax);
        assert_eq!(found.flops(), times(images, 4 * 10 * 10 * 8 + softmax));
    }
}
