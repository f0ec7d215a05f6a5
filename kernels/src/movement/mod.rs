//! The kernels that only move elements ([`StridedCopy`]), or weigh a few of them.

mod arrangement;
mod gather_rows;
mod image_rows;
mod interpolate_positions;
mod inverse_permutation;
mod mask_segments;
mod mean_tokens;
mod rope;
mod segments;
mod strided_copy;
mod taps;

pub use gather_rows::GatherRows;
pub use interpolate_positions::InterpolatePositions;
pub use mask_segments::MaskSegments;
pub use mean_tokens::MeanTokens;
pub use rope::Rope;
pub(crate) use rope::rotary_head_size;
pub(crate) use segments::SegmentsOperand;
pub use strided_copy::{LevelArguments, OperandCopyArguments, Places, StridedCopy};

use crate::entry::Entry;
use crate::mlir::Module;
use crate::vector::at_once;
use crate::{Launch, Layout, Reason, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Moved;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{self, Op};
use ocellus_runtime::signature::Signature;

/// All that the code of a [`Op`] depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Movement {
    /// Every operation whose result is its operands in another order.
    Copy(StridedCopy),
    /// `x[images, tokens, n] -> [images, n]`
    MeanTokens(MeanTokens),
    /// `table[native_rows*native_cols, n] -> [rows*cols, n]`
    InterpolatePositions(InterpolatePositions),
    /// `x[images, tokens, heads*d], cos[tokens, d], sin[tokens, d] -> [images, tokens, heads*d]`
    Rope(Rope),
    /// `x[.., rows, n], index[k] -> [.., k, n]`
    GatherRows(GatherRows),
    /// `index[n] -> [n]`
    InversePermutation,
    /// `scores[images, heads, tokens, tokens], segments[.., tokens]`
    MaskSegments(MaskSegments),
}

impl Movement {
    /// The launch.
    pub(crate) fn launch(
        op: &Op,
        operands: &[Layout],
        result: &Layout,
        target: Target,
    ) -> Result<Launch<Movement>, Reason> {
        if operands.is_empty() {
            return Err(Reason::MissingOperand { operand: 0 });
        }
        let moved = Moved::of(op).ok_or_else(|| none_does(op, result))?;
        let operands_moved = if moves_all_operands(&moved) { operands.len() } else { 1 };
        for layout in &operands[..operands_moved] {
            if layout.ty.element != result.ty.element {
                let why = format!("{op:?} of {} cannot give {}", layout.ty, result.ty);
                return Err(Reason::Unsupported(why));
            }
        }
        match &moved {
            Moved::BroadcastImages(_)
            | Moved::Concat(_)
            | Moved::MergeHeads(_)
            | Moved::Patchify(_)
            | Moved::SliceTokens(_)
            | Moved::SplitHeads(_) => {
                let launch = arrangement::launch(&moved, operands, result, target)?;
                launch.ok_or_else(|| none_does(op, result))
            }
            Moved::MeanTokens(_) => MeanTokens::launch(&operands[0], result, target),
            Moved::Rope(venc::Rope { heads }) => Rope::launch(*heads, operands, result, target),
            Moved::GatherRows(_) => GatherRows::launch(operands, result, target),
            Moved::InversePermutation(_) => inverse_permutation::launch(operands, result, target),
            Moved::MaskSegments(_) => MaskSegments::launch(operands, result, target),
            Moved::InterpolatePositions(venc::InterpolatePositions {
                native_rows,
                native_cols,
                rows,
                cols,
                filter,
                antialias,
            }) => {
                let kernel = InterpolatePositions {
                    element: result.ty.element,
                    native_rows: *native_rows,
                    native_cols: *native_cols,
                    filter: *filter,
                    antialias: *antialias,
                    width: result.ty.width().as_constant(),
                    at_once: at_once(target, [&operands[0], result]),
                };
                kernel.launch(&operands[0], result, (rows, cols), target)
            }
        }
    }

    /// The name of its symbol: `move_copy_f32`, `move_mean_tokens_bf16`.
    pub(crate) fn name(&self) -> String {
        match self {
            Movement::Copy(copy) => format!("move_copy_{}", copy.element),
            Movement::MeanTokens(mean) => format!("move_mean_tokens_{}", mean.element),
            Movement::InterpolatePositions(interpolate) => {
                let (filter, element) = (interpolate.filter.name(), interpolate.element);
                format!("move_interpolate_positions_{filter}_{element}")
            }
            Movement::Rope(Rope { element, heads, head_size, .. }) => {
                format!("move_rope_{heads}x{head_size}_{element}")
            }
            Movement::GatherRows(gather) => format!("move_gather_rows_{}", gather.element),
            Movement::InversePermutation => "move_inverse_permutation".to_string(),
            Movement::MaskSegments(mask) => format!("move_mask_segments_{}", mask.element),
        }
    }

    /// What the code does with its argument block.
    pub(crate) fn signature(&self, target: Target) -> Signature {
        match self {
            Movement::Copy(copy) => copy.signature(),
            Movement::MeanTokens(mean) => mean.signature(target),
            Movement::InterpolatePositions(interpolate) => interpolate.signature(target),
            Movement::Rope(rope) => rope.signature(target),
            Movement::GatherRows(gather) => gather.signature(target),
            Movement::InversePermutation => inverse_permutation::signature(target),
            Movement::MaskSegments(mask) => mask.signature(target),
        }
    }

    /// Writes the kernel into a module.
    pub(crate) fn define(&self, module: &mut Module, entry: Entry<'_>) {
        match self {
            Movement::Copy(copy) => copy.define(module, entry),
            Movement::MeanTokens(mean) => mean.define(module, entry),
            Movement::InterpolatePositions(interpolate) => interpolate.define(module, entry),
            Movement::Rope(rope) => rope.define(module, entry),
            Movement::GatherRows(gather) => gather.define(module, entry),
            Movement::InversePermutation => inverse_permutation::define(module, entry),
            Movement::MaskSegments(mask) => mask.define(module, entry),
        }
    }
}

/// Arithmetic on elements that moving them takes, where so many are read and written.
pub(crate) fn flops(op: &Op, [read, written]: [Dim; 2]) -> Dim {
    match Moved::of(op) {
        Some(Moved::MeanTokens(_) | Moved::MaskSegments(_)) => read,
        Some(Moved::Rope(_)) => written * Dim::from(ROTATION_FLOPS),
        Some(Moved::InterpolatePositions(_)) => written * Dim::from(INTERPOLATION_FLOPS),
        Some(
            Moved::BroadcastImages(_)
            | Moved::Concat(_)
            | Moved::GatherRows(_)
            | Moved::InversePermutation(_)
            | Moved::MergeHeads(_)
            | Moved::Patchify(_)
            | Moved::SliceTokens(_)
            | Moved::SplitHeads(_),
        )
        | None => Dim::from(0),
    }
}

/// Whether the elements of all operands come to lie in the result. Tables and indices are stored in their own way.
fn moves_all_operands(op: &Moved) -> bool {
    match op {
        Moved::BroadcastImages(_)
        | Moved::Concat(_)
        | Moved::InterpolatePositions(_)
        | Moved::InversePermutation(_)
        | Moved::MeanTokens(_)
        | Moved::MergeHeads(_)
        | Moved::Patchify(_)
        | Moved::SliceTokens(_)
        | Moved::SplitHeads(_) => true,
        Moved::GatherRows(_) | Moved::MaskSegments(_) | Moved::Rope(_) => false,
    }
}

/// Two products and a sum, for each element that `venc.rope` rotates.
pub(crate) const ROTATION_FLOPS: i64 = 3;

/// Some 16 products and sums, for each element that is interpolated.
const INTERPOLATION_FLOPS: i64 = 32;

fn none_does(op: &Op, result: &Layout) -> Reason {
    Reason::Unsupported(format!("no kernel does {} by itself to {}", op.name(), result.ty))
}

/// Refuses what is no list of indices; the one after the operands is the result.
fn expect_index(op: &str, position: usize, layout: &Layout) -> Result<(), Reason> {
    match layout.ty.rank() == 1 && layout.ty.element == ElementType::I32 {
        true => Ok(()),
        false => Err(Reason::Unsupported(format!(
            "{op} wants indices, [n] x i32, as tensor {position}, not {}",
            layout.ty
        ))),
    }
}

/// Refuses a tensor that has too few or too many dimensions; the one after the operands is the result.
fn expect_rank(op: &str, position: usize, layout: &Layout, rank: usize) -> Result<(), Reason> {
    match layout.ty.rank() == rank {
        true => Ok(()),
        false => Err(Reason::Unsupported(format!(
            "{op} wants {rank} dimensions of tensor {position}, and it is {}",
            layout.ty
        ))),
    }
}
