//! [`is_implemented`]: which of the kernels that terms describe some kernel family can do.

use super::ways::Operand;
use ocellus_dialects::kernel::{EpilogueOp, KernelOp, Prologue, View};
use ocellus_dialects::venc::{Concat, Op};

/// Whether a kernel family takes these operands: an operand that is the same for each image is read so by few, and
/// patches of an image by one.
pub fn is_implemented(op: &KernelOp, operands: &[Operand]) -> bool {
    // How many operands, counted from the last, may be the same for each image.
    let takes_expanded = match op {
        KernelOp::Attention { .. } | KernelOp::Move(Op::Expand(_)) => operands.len(),
        KernelOp::Move(Op::Concat(Concat { axis: 1 })) => operands.len(),
        KernelOp::Gemm { epilogue, .. } if epilogue.last() == Some(&EpilogueOp::AfterTokens) => 1,
        _ => 0,
    };
    // A gemm alone puts its rows among others.
    let places = |epilogue: &[EpilogueOp]| epilogue.contains(&EpilogueOp::AfterTokens);
    let places_rows = match op {
        KernelOp::RowWise { epilogue, .. } => places(epilogue),
        KernelOp::BackToBackGemm { between, epilogue, .. } => {
            places(&between.epilogue) || places(epilogue)
        }
        _ => false,
    };
    // A gemm packs rows as a norm makes them, and no others.
    let prepares_otherwise = matches!(op,
        KernelOp::Gemm { prologue, .. } | KernelOp::BackToBackGemm { prologue, .. }
        if !prologue.is_for_gemm());
    // A cast by itself rounds, and is a row-wise kernel of another storage.
    let casts_rows = matches!(op, KernelOp::RowWise { prologue: Prologue::Cast { .. }, .. });
    // The halves of a row meet where a gemm's sums are: its weight is packed for that.
    let gates_rows = matches!(op, KernelOp::RowWise { epilogue, .. }
            | KernelOp::BackToBackGemm { epilogue, .. }
        if epilogue.iter().any(|op| matches!(op, EpilogueOp::Gate(_))));
    let expands = |operand: &Operand| matches!(operand.view, Some(View::Expand { .. }));
    // A gemm copies the rows of x in any case. Whoever else reads patches reads them written out.
    let gathers = usize::from(matches!(op, KernelOp::Gemm { .. }));
    let is_patches = |operand: &Operand| matches!(operand.view, Some(View::Patches { .. }));
    let reads_patches = operands.iter().skip(gathers).any(is_patches);
    !prepares_otherwise
        && !casts_rows
        && !gates_rows
        && !reads_patches
        && !places_rows
        && !operands.iter().rev().skip(takes_expanded).any(expands)
}
