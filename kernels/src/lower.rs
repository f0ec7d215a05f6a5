//! From a `kernel` operation on layouts to a launch.

use crate::attention::Attention;
use crate::back_to_back_gemm::BackToBackGemm;
use crate::batched_gemm::BatchedGemm;
use crate::gemm::{Gemm, WeightPacking};
use crate::movement::Movement;
use crate::rowwise::RowWise;
use crate::{Argument, CpuTarget, Kernel, Layout, Tiles};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::KernelOp;
use ocellus_dialects::symbolic::Dim;

/// How a kernel is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The code.
    pub kernel: Kernel,
    /// The argument block, one 64-bit word each.
    pub arguments: Vec<Argument>,
    /// How many tiles there are.
    pub tiles: Tiles,
    /// Bytes of scratch memory that each worker needs.
    pub scratch_bytes: Dim,
    /// The operands that must be packed at compile time, by position. All others are read as they are.
    pub packed: Vec<(usize, WeightPacking)>,
}

/// Why an operation has no kernel.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LowerError {
    /// Fewer operands than the operation reads.
    #[error("operand {operand} is missing")]
    MissingOperand {
        /// Its position.
        operand: usize,
    },
    /// The last dimension is not what the operation needs.
    #[error("operand {operand} is {ty}, but its last dimension must be {wanted}")]
    Width {
        /// Its position.
        operand: usize,
        /// Its type.
        ty: TensorType,
        /// The dimension.
        wanted: Dim,
    },
    /// A size that code is written for is known only at run time.
    #[error("operand {operand} is {ty}: {what} must be known at compile time")]
    Dynamic {
        /// Its position.
        operand: usize,
        /// Its type.
        ty: TensorType,
        /// Which size.
        what: &'static str,
    },
    /// No family has this kernel.
    #[error("`{family}` has no CPU kernel for this: {why}")]
    Unsupported {
        /// The family.
        family: &'static str,
        /// What is asked for that it cannot do.
        why: String,
    },
}

/// The launch that does `op`. `operands` are in the order that [`KernelOp`] says.
pub fn lower(
    op: &KernelOp,
    operands: &[Layout],
    result: &Layout,
    target: &CpuTarget,
) -> Result<Launch, LowerError> {
    refuse_patches(op, operands)?;
    match op {
        KernelOp::Gemm { prologue, epilogue, tile } => {
            Gemm::lower((*prologue, epilogue), *tile, operands, result, target)
        }
        KernelOp::PartialGemm { slices, tile } => {
            Gemm::lower_partial(*slices, *tile, operands, result, target)
        }
        KernelOp::BackToBackGemm { prologue, between, epilogue, rows } => {
            let chain = (*prologue, between, epilogue.as_slice());
            BackToBackGemm::lower(chain, *rows, operands, result, target)
        }
        KernelOp::RowWise { prologue, epilogue, to } => {
            RowWise::lower(*prologue, epilogue, *to, operands, result, target)
        }
        KernelOp::Attention { heads, scale, rotary, mask } => {
            Attention::lower((*heads, *scale), (*rotary, *mask), operands, result, target)
        }
        KernelOp::Move(op) => Movement::lower(op, operands, result),
        KernelOp::BatchedGemm { transpose_rhs } => {
            BatchedGemm::lower(*transpose_rhs, operands, result, target)
        }
    }
}

/// Refuses patches of an image where rows must each lie in one run: everywhere but as what a gemm multiplies.
fn refuse_patches(op: &KernelOp, operands: &[Layout]) -> Result<(), LowerError> {
    let gathers = |position| position == 0 && matches!(op, KernelOp::Gemm { .. });
    let refused = |(position, layout): (usize, &Layout)| {
        (layout.patches.is_some() && !gathers(position)).then(|| LowerError::Unsupported {
            family: op.family(),
            why: format!("operand {position}, {}, is patches of an image", layout.ty),
        })
    };
    operands.iter().enumerate().find_map(refused).map_or(Ok(()), Err)
}

/// The operand of that position.
pub(crate) fn operand(operands: &[Layout], position: usize) -> Result<&Layout, LowerError> {
    operands.get(position).ok_or(LowerError::MissingOperand { operand: position })
}
