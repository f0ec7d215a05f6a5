//! [`Moved`]: which operations move elements, or weigh a few of them.

use ocellus_dialects::venc::{
    Concat, InterpolatePositions, Op, Patchify, Rope, SliceTokens, SplitHeads,
};

/// An operation that this family does.
pub(super) enum Moved<'a> {
    /// Elements as they are in another order.
    Arranged(Arranged<'a>),
    MeanTokens,
    InterpolatePositions(&'a InterpolatePositions),
    Rope(&'a Rope),
    GatherRows,
    InversePermutation,
    MaskSegments,
}

/// An operation whose result is its operands in another order.
pub(super) enum Arranged<'a> {
    Patchify(&'a Patchify),
    SplitHeads(&'a SplitHeads),
    MergeHeads,
    Concat(&'a Concat),
    SliceTokens(&'a SliceTokens),
    BroadcastImages,
}

impl<'a> Moved<'a> {
    /// The operation as one; `None` where it is none.
    pub(super) fn of(op: &'a Op) -> Option<Self> {
        Some(match op {
            Op::Patchify(op) => Moved::Arranged(Arranged::Patchify(op)),
            Op::SplitHeads(op) => Moved::Arranged(Arranged::SplitHeads(op)),
            Op::MergeHeads(_) => Moved::Arranged(Arranged::MergeHeads),
            Op::Concat(op) => Moved::Arranged(Arranged::Concat(op)),
            Op::SliceTokens(op) => Moved::Arranged(Arranged::SliceTokens(op)),
            Op::BroadcastImages(_) => Moved::Arranged(Arranged::BroadcastImages),
            Op::MeanTokens(_) => Moved::MeanTokens,
            Op::InterpolatePositions(op) => Moved::InterpolatePositions(op),
            Op::Rope(op) => Moved::Rope(op),
            Op::GatherRows(_) => Moved::GatherRows,
            Op::InversePermutation(_) => Moved::InversePermutation,
            Op::MaskSegments(_) => Moved::MaskSegments,
            // Products.
            Op::Linear(_) | Op::LinearSlices(_) | Op::Matmul(_) => return None,
            // Arithmetic on rows and on elements.
            Op::SumSlices(_)
            | Op::Add(_)
            | Op::Multiply(_)
            | Op::Scale(_)
            | Op::Activate(_)
            | Op::Clamp(_)
            | Op::LayerNorm(_)
            | Op::RmsNorm(_)
            | Op::NormScale(_)
            | Op::Center(_)
            | Op::Softmax(_)
            | Op::Cast(_) => return None,
            // Read where they lie.
            Op::SliceColumns(_) | Op::SelectToken(_) | Op::Reshape(_) => return None,
            // No work of a kernel.
            Op::Weight(_) | Op::Call(_) => return None,
        })
    }

    /// Whether the elements of all operands come to lie in the result. Tables and indices are stored in their own way.
    pub(super) fn moves_all_operands(&self) -> bool {
        match self {
            Moved::Arranged(_)
            | Moved::MeanTokens
            | Moved::InterpolatePositions(_)
            | Moved::InversePermutation => true,
            Moved::Rope(_) | Moved::GatherRows | Moved::MaskSegments => false,
        }
    }
}
