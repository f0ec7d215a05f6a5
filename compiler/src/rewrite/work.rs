//! FLOPs and bytes of a kernel, in closed form over the symbols.

use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{Broadcast, EpilogueOp, KernelOp, Move, Prologue};
use ocellus_dialects::symbolic::Dim;

/// What a launch does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Multiplications and additions of matrix products.
    pub matrix_flops: Dim,
    /// All other arithmetic, a transcendental function counted as [`TRANSCENDENTAL`].
    pub elementwise_flops: Dim,
    /// Bytes read and written, each operand once.
    pub bytes: Dim,
}

/// The arithmetic of one exp, erf or tanh, as a polynomial on vectors.
const TRANSCENDENTAL: i64 = 16;
/// The arithmetic of a norm, for each element: two passes of statistics, one of application.
const NORM: i64 = 8;

/// The work of `op` on operands of those types, in the order that [`KernelOp`] says.
pub fn work(op: &KernelOp, operands: &[&TensorType], result: &TensorType) -> Work {
    let bytes = operands.iter().map(|ty| bytes_of(ty)).sum::<Dim>() + bytes_of(result);
    let (matrix_flops, elementwise_flops) = match op {
        KernelOp::Gemm { prologue, epilogue } => {
            let inner = operands.first().map(|x| x.width()).unwrap_or_default();
            let products = result.elements() * inner * Dim::from(2);
            let rows = operands.first().map(|x| x.elements()).unwrap_or_default();
            (products, prologue_flops(*prologue, rows) + epilogue_flops(epilogue, result))
        }
        KernelOp::BatchedGemm { .. } => {
            let inner = operands.first().map(|a| a.width()).unwrap_or_default();
            (result.elements() * inner * Dim::from(2), Dim::default())
        }
        KernelOp::RowWise { prologue, epilogue, .. } => {
            let flops =
                prologue_flops(*prologue, result.elements()) + epilogue_flops(epilogue, result);
            (Dim::default(), flops)
        }
        KernelOp::Attention { heads, .. } => {
            let keys = operands.get(1).and_then(|k| k.shape.get(1)).cloned().unwrap_or_default();
            let scores = result.rows() * keys.clone() * Dim::from(*heads);
            (result.elements() * keys * Dim::from(4), scores * Dim::from(TRANSCENDENTAL + 4))
        }
        KernelOp::Move(Move::InterpolatePositions { .. }) => {
            (Dim::default(), result.elements() * Dim::from(32))
        }
        KernelOp::Move(Move::MeanTokens) => {
            (Dim::default(), operands.iter().map(|x| x.elements()).sum())
        }
        KernelOp::Move(_) => (Dim::default(), Dim::default()),
    };
    Work { matrix_flops, elementwise_flops, bytes }
}

fn bytes_of(ty: &TensorType) -> Dim {
    ty.elements() * Dim::from(ty.element.bytes())
}

fn prologue_flops(prologue: Prologue, elements: Dim) -> Dim {
    let each = match prologue {
        Prologue::None => 0,
        Prologue::LayerNorm { .. } | Prologue::RmsNorm { .. } => NORM,
        Prologue::Softmax => TRANSCENDENTAL + 4,
    };
    elements * Dim::from(each)
}

fn epilogue_flops(epilogue: &[EpilogueOp], result: &TensorType) -> Dim {
    let each: i64 = epilogue
        .iter()
        .map(|op| match op {
            EpilogueOp::Activate(_) => TRANSCENDENTAL,
            EpilogueOp::Combine(_, Broadcast::Table) => 2,
            EpilogueOp::Combine(..) | EpilogueOp::Scale(_) => 1,
        })
        .sum();
    result.elements() * Dim::from(each)
}
