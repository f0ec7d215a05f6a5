//! The operations of `venc` and what each one means.

use super::Activation;
use crate::symbolic::Dim;
use crate::tensor::ElementType;

/// How `interpolate_positions` weighs the table's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InterpolationFilter {
    /// Two taps a side.
    Bilinear,
    /// Keys' cubic convolution, four taps a side, `a = -0.75` (`-0.5` with antialiasing), as in PyTorch.
    Bicubic,
}

impl InterpolationFilter {
    /// The name in attributes.
    pub fn name(self) -> &'static str {
        match self {
            InterpolationFilter::Bilinear => "bilinear",
            InterpolationFilter::Bicubic => "bicubic",
        }
    }

    /// The filter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [InterpolationFilter::Bilinear, InterpolationFilter::Bicubic]
            .into_iter()
            .find(|filter| filter.name() == name)
    }
}

/// An operation of `venc`. Shapes are written slowest dimension first; `..` is any number of dimensions.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A tensor of the checkpoint. No operand; the type is the node's own.
    Weight {
        /// The tensor's name in the checkpoint.
        name: String,
    },
    /// `image[images, channels, H, W] -> [images, (H floordiv height) * (W floordiv width), channels*height*width]`.
    /// Patches row by row; inside one, channel, row, column. Pixels past the last whole patch are dropped.
    /// The result's token dimension is `rows * cols`, given as dimensions because they are quotients.
    Patchify {
        /// Pixels in a patch, downwards.
        height: i64,
        /// Pixels in a patch, across.
        width: i64,
        /// Patches downwards: `H floordiv height`.
        rows: Dim,
        /// Patches across: `W floordiv width`.
        cols: Dim,
    },
    /// `x[.., k], weight[n, k] -> [.., n]`: `x weight^T`.
    Linear,
    /// `x[.., k], weight[n, k] -> [slices, .., n]`, in f32: the products of each slice of `k / slices` columns of both.
    /// [`Op::SumSlices`] makes [`Op::Linear`] of them.
    LinearSlices {
        /// How many: a divisor of k.
        slices: i64,
    },
    /// `x[slices, ..] -> [..]`: the sum of the slices.
    SumSlices {
        /// How the sum is stored.
        to: ElementType,
    },
    /// `a[.., m, k], b[.., k, n] -> [.., m, n]`; `b[.., n, k]` where transposed. Leading dimensions are equal.
    Matmul {
        /// Whether the right operand's last two dimensions are exchanged.
        transpose_rhs: bool,
    },
    /// `a[..] + b`, where `b`'s dimensions are the last ones of `a`, or 1.
    Add,
    /// `a[..] * b`, where `b`'s dimensions are the last ones of `a`, or 1.
    Multiply,
    /// `x * factor`.
    Scale {
        /// The factor.
        factor: f64,
    },
    /// A function of each element.
    Activate(Activation),
    /// `x[.., n], gain[n], bias[n] -> (x - mean) / sqrt(variance + eps) * gain + bias` over the last dimension
    /// (Ba et al., arXiv:1607.06450). With x alone neither gain nor bias (PyTorch's `elementwise_affine=False`).
    LayerNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// `x[.., n], gain[n] -> x / sqrt(mean(x^2) + eps) * gain` over the last dimension (Zhang & Sennrich,
    /// arXiv:1910.07467). With x alone no gain (PyTorch's `elementwise_affine=False`).
    RmsNorm {
        /// Added to the mean square.
        eps: f64,
    },
    /// `x[.., n] -> [.., 1]`: what a norm multiplies a row by. `1 / sqrt(variance + eps)` where it is centred, as a layer
    /// norm is, `1 / sqrt(mean(x^2) + eps)` where it is not.
    NormScale {
        /// Whether the mean is taken off first.
        centred: bool,
        /// Added to the variance or the mean square.
        eps: f64,
    },
    /// `x[.., n] -> x - mean` over the last dimension.
    Centre,
    /// `exp(x - max) / sum(exp(x - max))` over the last dimension.
    Softmax,
    /// Rotary position embeddings (Su et al., arXiv:2104.09864) in the convention of Hugging Face, which rotates halves:
    /// `x[images, tokens, heads*d], cos[tokens, d], sin[tokens, d]`, each head `h` of each token becomes
    /// `h * cos + concat(-h[d/2..], h[..d/2]) * sin`. The tables are f32, and so is the arithmetic.
    Rope {
        /// How many heads.
        heads: i64,
    },
    /// `x[rows, n], index[k] -> [k, n]`, or so of each image of `x[images, rows, n]`: row `i` of the result is row
    /// `index[i]` of `x`, which must be there.
    GatherRows,
    /// `index[n] -> [n]`, the `inverse` of a permutation: `inverse[index[i]] = i`. It has no meaning where `index` does
    /// not name each of `0..n` once; what reads the inputs of a call refuses such an index.
    InversePermutation,
    /// `scores[images, heads, tokens, tokens], segments[tokens]` or `segments[images, tokens]`: a score of a query and a
    /// key of different segments becomes minus infinity. A token shares a segment with itself, so no row is masked
    /// whole. Windows, images packed in one sequence, and padding (a segment of its own) are all said by segments.
    MaskSegments,
    /// `[images, tokens, heads*d] -> [images, heads, tokens, d]`.
    SplitHeads {
        /// How many heads.
        heads: i64,
    },
    /// `[images, heads, tokens, d] -> [images, tokens, heads*d]`.
    MergeHeads,
    /// Two operands or more, one after the other along `axis`; their other dimensions are equal. Those from the third
    /// on are of one type: IRDL cannot say otherwise.
    Concat {
        /// The dimension along which they follow each other.
        axis: usize,
    },
    /// `x[.., n] -> x[.., start : start+length]`.
    Columns {
        /// The first column.
        start: i64,
        /// How many columns.
        length: i64,
    },
    /// `x[images, tokens, n] -> x[:, start : start+length, :]`.
    Tokens {
        /// The first token.
        start: i64,
        /// How many tokens.
        length: Dim,
    },
    /// `x[images, tokens, n] -> x[:, index, :]`, of rank 2.
    SelectToken {
        /// Which token.
        index: i64,
    },
    /// `x[images, tokens, n] -> [images, n]`: the mean over the tokens.
    MeanTokens,
    /// `x[1, ..] -> [images, ..]`: the same for each image.
    Expand {
        /// The new first dimension.
        images: Dim,
    },
    /// The same elements in the same order under other dimensions.
    Reshape {
        /// The new dimensions.
        shape: Vec<Dim>,
    },
    /// `table[native_rows*native_cols, n] -> [rows*cols, n]`: a table of positions resampled to another grid, as
    /// `torch.nn.functional.interpolate(align_corners=False)` does.
    InterpolatePositions {
        /// The rows of the table's own grid.
        native_rows: i64,
        /// The columns of the table's own grid.
        native_cols: i64,
        /// The rows wanted.
        rows: Dim,
        /// The columns wanted.
        cols: Dim,
        /// The weights.
        filter: InterpolationFilter,
        /// Whether a table that shrinks is low-passed first.
        antialias: bool,
    },
    /// The same numbers, rounded to another storage.
    Cast {
        /// The storage.
        to: ElementType,
    },
    /// The result of a function of the module.
    Call {
        /// Its name.
        callee: String,
    },
}

impl Op {
    /// The operation's name, without its dialect.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Weight { .. } => "weight",
            Op::Patchify { .. } => "patchify",
            Op::Linear => "linear",
            Op::LinearSlices { .. } => "linear_slices",
            Op::SumSlices { .. } => "sum_slices",
            Op::Matmul { .. } => "matmul",
            Op::Add => "add",
            Op::Multiply => "multiply",
            Op::Scale { .. } => "scale",
            Op::Activate(activation) => activation.name(),
            Op::LayerNorm { .. } => "layer_norm",
            Op::RmsNorm { .. } => "rms_norm",
            Op::NormScale { .. } => "norm_scale",
            Op::Centre => "centre",
            Op::Softmax => "softmax",
            Op::Rope { .. } => "rope",
            Op::GatherRows => "gather_rows",
            Op::InversePermutation => "inverse_permutation",
            Op::MaskSegments => "mask_segments",
            Op::SplitHeads { .. } => "split_heads",
            Op::MergeHeads => "merge_heads",
            Op::Concat { .. } => "concat",
            Op::Columns { .. } => "columns",
            Op::Tokens { .. } => "tokens",
            Op::SelectToken { .. } => "select_token",
            Op::MeanTokens => "mean_tokens",
            Op::Expand { .. } => "expand",
            Op::Reshape { .. } => "reshape",
            Op::InterpolatePositions { .. } => "interpolate_positions",
            Op::Cast { .. } => "cast",
            Op::Call { .. } => "call",
        }
    }

    /// The operand that holds indices, where one does: it is stored as `i32`, and no other operand is.
    pub fn index_operand(&self) -> Option<usize> {
        match self {
            Op::GatherRows | Op::MaskSegments => Some(1),
            Op::InversePermutation => Some(0),
            _ => None,
        }
    }

    /// The dimensions among its attributes.
    pub fn dims_mut(&mut self) -> Vec<&mut Dim> {
        match self {
            Op::Patchify { rows, cols, .. } | Op::InterpolatePositions { rows, cols, .. } => {
                vec![rows, cols]
            }
            Op::Tokens { length: dim, .. } | Op::Expand { images: dim } => vec![dim],
            Op::Reshape { shape } => shape.iter_mut().collect(),
            Op::Weight { .. }
            | Op::Linear
            | Op::LinearSlices { .. }
            | Op::SumSlices { .. }
            | Op::Matmul { .. }
            | Op::Add
            | Op::Multiply
            | Op::Scale { .. }
            | Op::Activate(_)
            | Op::LayerNorm { .. }
            | Op::RmsNorm { .. }
            | Op::NormScale { .. }
            | Op::Centre
            | Op::Softmax
            | Op::Rope { .. }
            | Op::GatherRows
            | Op::InversePermutation
            | Op::MaskSegments
            | Op::SplitHeads { .. }
            | Op::MergeHeads
            | Op::Concat { .. }
            | Op::Columns { .. }
            | Op::SelectToken { .. }
            | Op::MeanTokens
            | Op::Cast { .. }
            | Op::Call { .. } => vec![],
        }
    }

    /// The operation with `map` applied to each dimension among its attributes.
    pub fn map_dims(&self, map: impl Fn(&Dim) -> Dim) -> Op {
        let mut op = self.clone();
        op.dims_mut().into_iter().for_each(|dim| *dim = map(dim));
        op
    }
}
