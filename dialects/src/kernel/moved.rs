//! [`Moved`]: what is a launch of its own without being arithmetic.

use crate::venc::subset::subset;

subset! {
    /// An operation that moves elements, or weighs a few of them, by a launch of its own.
    #[derive(Clone, Debug, PartialEq)]
    pub Moved {
        BroadcastImages,
        Concat,
        GatherRows,
        InterpolatePositions,
        InversePermutation,
        MaskSegments,
        MeanTokens,
        MergeHeads,
        Patchify,
        Rope,
        SliceTokens,
        SplitHeads,
    }
}
