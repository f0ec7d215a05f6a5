//! The terms that the e-graph holds: `venc` operations (logical) and what kernels are made of (physical).
//!
//! A physical term names how a kernel does it:
//!
//! ```text
//! (store (gemm (layer_norm_rows (read %0) %1 %2 1e-6) %3) (then_activate (then_add_columns result %4) gelu))
//! ```
//!
//! is one launch: it reads the rows of `%0`, normalises them, multiplies by the weight `%3`, adds the bias `%4`,
//! applies gelu, and stores. Each fusion is one small rule on such a term.
//!
//! Every *value* (the result of a `store`, an `attention`, a move, or an argument) lies contiguous in memory. A view
//! exists only where a kernel reads it: `(read_columns x start length)` is an operand, not a value.

use super::attribute::Attribute;
use egg::{Id, define_language};
use std::fmt;
use std::str::FromStr;

/// A value that a function is given: an argument, or a tensor of the checkpoint. Written `%3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Given(pub u32);

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl FromStr for Given {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        word.strip_prefix('%').and_then(|number| number.parse().ok()).map(Given).ok_or(())
    }
}

define_language! {
    /// A node of the e-graph. See [`super::meaning`] for what each one means.
    pub enum Term {
        // Logical: the operations of `venc`.
        "patchify" = Patchify([Id; 5]),
        "linear" = Linear([Id; 2]),
        // A product in slices of k, and their sum: `(sum_slices (linear_slices x w slices) element)`.
        "linear_slices" = LinearSlices([Id; 3]),
        "sum_slices" = SumSlices([Id; 2]),
        "matmul" = Matmul([Id; 2]),
        "matmul_transposed" = MatmulTransposed([Id; 2]),
        "add" = Add([Id; 2]),
        "multiply" = Multiply([Id; 2]),
        "scale" = Scale([Id; 2]),
        "activate" = Activate([Id; 2]),
        "layer_norm" = LayerNorm([Id; 4]),
        "rms_norm" = RmsNorm([Id; 3]),
        // The norms of x alone: `layer_norm` and `rms_norm` with neither gain nor bias.
        "standardize" = Standardize([Id; 2]),
        "rms_standardize" = RmsStandardize([Id; 2]),
        // What a norm multiplies a row by: `(norm_scale x centred eps)`.
        "norm_scale" = NormScale([Id; 3]),
        "centre" = Centre(Id),
        "softmax" = Softmax(Id),
        "rope" = Rope([Id; 4]),
        "gather_rows" = GatherRows([Id; 2]),
        "inverse_permutation" = InversePermutation(Id),
        "mask_segments" = MaskSegments([Id; 2]),
        "split_heads" = SplitHeads([Id; 2]),
        "merge_heads" = MergeHeads(Id),
        "concat" = Concat([Id; 2]),
        "columns" = Columns([Id; 3]),
        "tokens" = Tokens([Id; 3]),
        "select_token" = SelectToken([Id; 2]),
        "mean_tokens" = MeanTokens(Id),
        "expand" = Expand([Id; 2]),
        "reshape" = Reshape([Id; 2]),
        "interpolate_positions" = InterpolatePositions([Id; 7]),
        "cast" = Cast([Id; 2]),

        // How a kernel reads an operand.
        "read" = Read(Id),
        "read_columns" = ReadColumns([Id; 3]),
        "read_token" = ReadToken([Id; 2]),
        "read_tokens" = ReadTokens([Id; 3]),
        "read_expanded" = ReadExpanded([Id; 2]),
        "read_patches" = ReadPatches([Id; 5]),
        // An operand whose heads attention rotates as it reads: `(rotated operand cos sin heads)`.
        "rotated" = Rotated([Id; 4]),
        // Several operands: `(list a (list b end))`.
        "list" = List([Id; 2]),
        "end" = End,

        // What happens to a row first.
        "as_is" = AsIs(Id),
        "layer_norm_rows" = LayerNormRows([Id; 4]),
        "rms_norm_rows" = RmsNormRows([Id; 3]),
        "standardize_rows" = StandardizeRows([Id; 2]),
        "rms_standardize_rows" = RmsStandardizeRows([Id; 2]),
        "norm_scale_rows" = NormScaleRows([Id; 3]),
        "cast_rows" = CastRows([Id; 2]),
        "sum_slices_rows" = SumSlicesRows([Id; 2]),
        "softmax_rows" = SoftmaxRows(Id),
        // What the kernel proper makes of the rows.
        "rows" = Rows(Id),
        "gemm" = Gemm([Id; 2]),
        // Two products in one launch: `(back_to_back_gemm rows first between second)`.
        "back_to_back_gemm" = BackToBackGemm([Id; 4]),
        // What happens to each element last, read from the inside: `(then_scale (then_add_columns result b) 2.0)`.
        "result" = ThisResult,
        "then_add_columns" = ThenAddColumns([Id; 2]),
        "then_add_full" = ThenAddFull([Id; 2]),
        "then_add_table" = ThenAddTable([Id; 2]),
        "then_multiply_columns" = ThenMultiplyColumns([Id; 2]),
        "then_multiply_full" = ThenMultiplyFull([Id; 2]),
        "then_multiply_rows" = ThenMultiplyRows([Id; 2]),
        "then_multiply_table" = ThenMultiplyTable([Id; 2]),
        "then_activate" = ThenActivate([Id; 2]),
        "then_scale" = ThenScale([Id; 2]),
        // A function of the left half of the columns times the right half.
        "then_gate" = ThenGate([Id; 2]),
        "then_cast" = ThenCast([Id; 2]),
        // The rows of each image behind those of an operand: `(then_after_tokens result operand)`.
        "then_after_tokens" = ThenAfterTokens([Id; 2]),

        // Kernels: one launch each.
        "store" = Store([Id; 2]),
        // The last child is the mask: `end` for none, `(list (read segments) end)` for segments.
        "attention" = Attention([Id; 6]),
        "partial_gemm" = PartialGemm([Id; 3]),
        "batched_gemm" = BatchedGemm([Id; 2]),
        "batched_gemm_transposed" = BatchedGemmTransposed([Id; 2]),
        "move_patchify" = MovePatchify([Id; 5]),
        "move_concat_tokens" = MoveConcatTokens(Id),
        "move_concat_columns" = MoveConcatColumns(Id),
        "move_tokens" = MoveTokens([Id; 3]),
        "move_mean_tokens" = MoveMeanTokens(Id),
        "move_rope" = MoveRope([Id; 4]),
        "move_gather_rows" = MoveGatherRows([Id; 2]),
        "move_inverse_permutation" = MoveInversePermutation(Id),
        "move_mask_segments" = MoveMaskSegments([Id; 2]),
        "move_split_heads" = MoveSplitHeads([Id; 2]),
        "move_merge_heads" = MoveMergeHeads(Id),
        "move_expand" = MoveExpand([Id; 2]),
        "move_interpolate_positions" = MoveInterpolatePositions([Id; 7]),
        // No launch: the same memory under other dimensions.
        "reshape_in_place" = ReshapeInPlace([Id; 2]),
        // A function of the module: opaque.
        "call" = Call([Id; 2]),

        // Arithmetic on attributes; the analysis replaces each by its value.
        "times" = Times([Id; 2]),
        "plus" = Plus([Id; 2]),
        "first_dim" = FirstDim(Id),
        "last_dim" = LastDim(Id),
        "element_of" = ElementOf(Id),
        "rows_and_columns" = RowsAndColumns(Id),
        "with_last_dim" = WithLastDim([Id; 2]),

        Given(Given),
        Attribute(Attribute),
    }
}
