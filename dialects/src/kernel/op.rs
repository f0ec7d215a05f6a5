//! The operations of `kernel`. Each says what it computes in terms of `venc`; none says how a CPU or a GPU does it.

use super::{Family, GemmTile};
use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};
use crate::venc::subset::subset;
use crate::venc::{
    self, Activation, Cast, Elementwise, LayerNorm, NormScale, Op, RmsNorm, Softmax, SumSlices,
};

subset! {
    /// An operation that a kernel can do to the rows that it reads.
    #[derive(Clone, Debug, PartialEq)]
    pub RowOperation { Cast, LayerNorm, RmsNorm, NormScale, SumSlices, Softmax }
}

/// What happens to a row before the kernel proper reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prologue {
    /// Nothing. No operand.
    None,
    /// `venc.cast`. No operand. What a kernel computes from wider numbers than it stores need not be rounded on the way.
    Cast {
        /// The storage that the kernel computes as if it read.
        to: ElementType,
    },
    /// `venc.layer_norm`. Operands: weight and bias, where it is affine.
    LayerNorm {
        /// Added to the variance.
        eps: f64,
        /// Whether there are weight and bias.
        affine: bool,
    },
    /// `venc.rms_norm`. Operand: weight, where it is affine.
    RmsNorm {
        /// Added to the mean square.
        eps: f64,
        /// Whether there is a weight.
        affine: bool,
    },
    /// `venc.norm_scale`: of a row, one number. No operand.
    NormScale {
        /// Whether the mean is taken off first.
        centered: bool,
        /// Added to the variance or the mean square.
        eps: f64,
    },
    /// `venc.sum_slices`: the row of each slice, summed. No operand.
    SumSlices {
        /// How many slices.
        slices: i64,
    },
    /// `venc.softmax`. No operand.
    Softmax,
}

impl Prologue {
    /// The operation as a prologue, applied to `x` and so many operands more; `None` where it is none.
    pub fn of(op: &Op, x: &TensorType, others: usize) -> Option<Self> {
        Some(match RowOperation::of(op)? {
            RowOperation::Cast(Cast { to }) => Prologue::Cast { to },
            RowOperation::LayerNorm(LayerNorm { eps }) => {
                Prologue::LayerNorm { eps, affine: others > 0 }
            }
            RowOperation::RmsNorm(RmsNorm { eps }) => Prologue::RmsNorm { eps, affine: others > 0 },
            RowOperation::NormScale(NormScale { centered, eps }) => {
                Prologue::NormScale { centered, eps }
            }
            RowOperation::SumSlices(_) => {
                Prologue::SumSlices { slices: x.shape.first().and_then(Dim::as_constant)? }
            }
            RowOperation::Softmax(Softmax) => Prologue::Softmax,
        })
    }

    /// The operation that it is, applied to `x` and its operands; `None` where it is nothing. The way back of
    /// [`Prologue::of`].
    pub fn operation(self, x: &TensorType) -> Option<Op> {
        Some(match self {
            Prologue::None => return None,
            Prologue::Cast { to } => Cast { to }.into(),
            Prologue::LayerNorm { eps, .. } => LayerNorm { eps }.into(),
            Prologue::RmsNorm { eps, .. } => RmsNorm { eps }.into(),
            Prologue::NormScale { centered, eps } => NormScale { centered, eps }.into(),
            Prologue::SumSlices { .. } => SumSlices { to: x.element }.into(),
            Prologue::Softmax => Softmax.into(),
        })
    }

    /// How many operands it has.
    pub fn operands(self) -> usize {
        match self {
            Prologue::RmsNorm { affine: true, .. } => 1,
            Prologue::LayerNorm { affine: true, .. } => 2,
            Prologue::RmsNorm { affine: false, .. } | Prologue::LayerNorm { affine: false, .. } => {
                0
            }
            Prologue::None
            | Prologue::Cast { .. }
            | Prologue::NormScale { .. }
            | Prologue::SumSlices { .. }
            | Prologue::Softmax => 0,
        }
    }

    /// Whether a gemm can prepare its rows so as it packs them: each by itself, to a row as wide.
    pub fn is_for_gemm(self) -> bool {
        match self {
            Prologue::None | Prologue::Cast { .. } => true,
            Prologue::LayerNorm { .. } | Prologue::RmsNorm { .. } => true,
            Prologue::NormScale { .. } | Prologue::SumSlices { .. } | Prologue::Softmax => false,
        }
    }

    /// How rows that are stored as `element` come out of it.
    pub fn element(self, element: ElementType) -> ElementType {
        match self {
            Prologue::Cast { to } => to,
            Prologue::None
            | Prologue::LayerNorm { .. }
            | Prologue::RmsNorm { .. }
            | Prologue::NormScale { .. }
            | Prologue::SumSlices { .. }
            | Prologue::Softmax => element,
        }
    }

    /// How many columns it makes of a row of that many.
    pub fn columns(self, width: Dim) -> Dim {
        match self {
            Prologue::NormScale { .. } => Dim::from(1),
            Prologue::None
            | Prologue::Cast { .. }
            | Prologue::LayerNorm { .. }
            | Prologue::RmsNorm { .. }
            | Prologue::SumSlices { .. }
            | Prologue::Softmax => width,
        }
    }

    /// Whether it takes a mean over the columns.
    pub fn normalizes(self) -> bool {
        match self {
            Prologue::LayerNorm { .. } | Prologue::RmsNorm { .. } | Prologue::NormScale { .. } => {
                true
            }
            Prologue::None
            | Prologue::Cast { .. }
            | Prologue::SumSlices { .. }
            | Prologue::Softmax => false,
        }
    }

    /// Its name in attributes and symbols.
    pub fn name(self) -> &'static str {
        match self {
            Prologue::None => "none",
            Prologue::Cast { .. } => "cast",
            Prologue::LayerNorm { .. } => "layer_norm",
            Prologue::RmsNorm { .. } => "rms_norm",
            Prologue::NormScale { .. } => "norm_scale",
            Prologue::SumSlices { .. } => "sum_slices",
            Prologue::Softmax => "softmax",
        }
    }
}

/// How two numbers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Combine {
    /// Their sum.
    Add,
    /// Their product.
    Multiply,
}

impl Combine {
    /// Its name in attributes and symbols.
    pub fn name(self) -> &'static str {
        match self {
            Combine::Add => "add",
            Combine::Multiply => "multiply",
        }
    }
}

/// Which element of the other operand meets element `(row, column)` of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Broadcast {
    /// `(row, column)`: a residual, a gate.
    Full,
    /// `(column)`: a bias, a layer scale.
    Columns,
    /// `(row)`: the scale of a norm.
    Rows,
    /// `(row modulo the operand's rows, column)`: a table of positions.
    Table,
}

impl Broadcast {
    /// Each of them.
    pub const ALL: [Broadcast; 4] =
        [Broadcast::Full, Broadcast::Columns, Broadcast::Rows, Broadcast::Table];

    /// Its name in attributes and symbols.
    pub fn name(self) -> &'static str {
        match self {
            Broadcast::Full => "full",
            Broadcast::Columns => "columns",
            Broadcast::Rows => "rows",
            Broadcast::Table => "table",
        }
    }

    /// Whether an epilogue over elements of `of` can read `operand` that way.
    pub fn meets(self, of: &TensorType, operand: &TensorType) -> bool {
        let one = Dim::from(1);
        match self {
            Broadcast::Full => of.shape == operand.shape,
            Broadcast::Columns => operand.shape == [of.width()],
            Broadcast::Rows => {
                // A tensor of the same shape is `full`.
                let outer = |ty: &TensorType| ty.shape.len().saturating_sub(1);
                operand.width() == one
                    && of.width() != one
                    && operand.rank() == of.rank()
                    && operand.shape[..outer(operand)] == of.shape[..outer(of)]
            }
            Broadcast::Table => {
                let leading = operand.shape.iter().take_while(|dim| **dim == one).count();
                let inner = &operand.shape[leading.min(operand.rank().saturating_sub(1))..];
                // A tensor of the same shape is `full`.
                let is_smaller = operand.rank() <= of.rank() && operand.shape != of.shape;
                operand.rank() > 1 && is_smaller && of.shape.ends_with(inner)
            }
        }
    }
}

/// One step of what happens to an element before the kernel stores it, in f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpilogueOp {
    /// The element combined with another operand's. One operand.
    Combine(Combine, Broadcast),
    /// A function of the element. No operand.
    Elementwise(Elementwise),
    /// The gate of a gated MLP: a function of the element of column c of the left half times the element of column c of
    /// the right half. From here on the result is half as wide. No operand; in a gemm alone, and once.
    Gate(Activation),
    /// The rows of each image stand behind those of another operand, `[images, tokens, n]`, which begin the image:
    /// `venc.concat` along the tokens. One operand; in a gemm alone, and last.
    AfterTokens,
}

impl EpilogueOp {
    /// How many operands it has.
    pub fn operands(self) -> usize {
        matches!(self, EpilogueOp::Combine(..) | EpilogueOp::AfterTokens) as usize
    }
}

/// What happens to an element between two products.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// Its steps.
    pub epilogue: Vec<EpilogueOp>,
    /// How the element is stored.
    pub element: ElementType,
}

impl Between {
    /// How many operands it has.
    pub fn operands(&self) -> usize {
        self.epilogue.iter().map(|op| op.operands()).sum()
    }
}

/// Which keys a query attends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mask {
    /// All of its image.
    Full,
    /// Those of its segment: `venc.mask_segments`. Queries and keys are the same tokens.
    Segments,
}

impl Mask {
    /// Each of them.
    pub const ALL: [Mask; 2] = [Mask::Full, Mask::Segments];

    /// Its name in attributes and symbols.
    pub fn name(self) -> &'static str {
        match self {
            Mask::Full => "full",
            Mask::Segments => "segments",
        }
    }
}

/// One kernel launch. The rows of an operand are all its dimensions but the last, flattened.
#[derive(Clone, Debug, PartialEq)]
pub enum KernelOp {
    /// `epilogue(prologue(x) weight^T)`. Operands: x, the prologue's, weight `[n, k]`, the epilogue's in order.
    /// The weight is always work of compile time, and reaches the kernel packed where the target has it so.
    Gemm {
        /// What happens to a row of x. Neither softmax nor the scale of a norm.
        prologue: Prologue,
        /// What happens to an element of the result.
        epilogue: Vec<EpilogueOp>,
        /// How the result is cut into tiles.
        tile: GemmTile,
    },
    /// `venc.linear_slices`: split-K, for so few rows and columns that their tiles keep no target busy. Operands: x, weight
    /// `[n, k]` as in [`KernelOp::Gemm`].
    PartialGemm {
        /// Into how many slices k is cut.
        slices: i64,
        /// How the result of each slice is cut into tiles.
        tile: GemmTile,
    },
    /// `epilogue(between(prologue(x) first^T) second^T)`, the rows between the two products never in memory: an MLP in
    /// one launch. Operands: x, the prologue's, the first weight `[m, k]`, those of `between`, the second weight
    /// `[n, m]`, the epilogue's. Weights as in [`KernelOp::Gemm`].
    BackToBackGemm {
        /// What happens to a row of x. Not softmax.
        prologue: Prologue,
        /// What happens between the products.
        between: Between,
        /// What happens to an element of the result.
        epilogue: Vec<EpilogueOp>,
        /// Rows of the result that are one tile, with all their columns. A kernel family may round it, or lessen it to
        /// what its fast memory holds.
        rows: i64,
    },
    /// `a b` or `a b^T` for each of the leading dimensions, of two activations (`venc.matmul`). Operands: a, b.
    BatchedGemm {
        /// Whether b's last two dimensions are exchanged.
        transpose_rhs: bool,
    },
    /// `epilogue(prologue(x))`. Operands: x, the prologue's, the epilogue's in order.
    RowWise {
        /// What happens to a row.
        prologue: Prologue,
        /// What happens then to each element.
        epilogue: Vec<EpilogueOp>,
        /// The storage of the result (a cast is a row-wise kernel that does nothing else).
        to: ElementType,
    },
    /// `merge_heads(softmax(mask(split_heads(q) split_heads(k)^T * scale)) split_heads(v))`.
    /// Operands: `q[images, queries, heads*d]`, `k` and `v[images, keys, heads*d]`; where it is rotary, the tables `cos`
    /// and `sin[queries, d]` by which `venc.rope` makes of q and k what is multiplied; those of the mask.
    Attention {
        /// How many heads.
        heads: i64,
        /// What scores are multiplied by.
        scale: f64,
        /// Whether q and k are rotated as they are read.
        rotary: bool,
        /// Which keys a query attends to.
        mask: Mask,
        /// Queries of a warp, where warps compute it and have others than their family gives them.
        warp_queries: Option<i64>,
    },
    /// An operation of `venc` that moves elements, or weighs a few, as it is: no [`KernelOp`] takes it along. Operands: its
    /// own; one whose images are a [`View::BroadcastImages`](super::View::BroadcastImages) is the same for each image.
    Move(venc::Op),
}

impl KernelOp {
    /// Which of its operands are weights, which are packed at compile time, by position.
    pub fn weights(&self) -> Vec<usize> {
        match self {
            KernelOp::Gemm { prologue, .. } => vec![1 + prologue.operands()],
            KernelOp::PartialGemm { .. } => vec![1],
            KernelOp::BackToBackGemm { prologue, between, .. } => {
                let first = 1 + prologue.operands();
                vec![first, first + 1 + between.operands()]
            }
            KernelOp::BatchedGemm { .. }
            | KernelOp::RowWise { .. }
            | KernelOp::Attention { .. }
            | KernelOp::Move(_) => vec![],
        }
    }

    /// The family it belongs to.
    pub fn family(&self) -> Family {
        match self {
            KernelOp::Gemm { .. } => Family::Gemm,
            KernelOp::PartialGemm { .. } => Family::PartialGemm,
            KernelOp::BackToBackGemm { .. } => Family::BackToBackGemm,
            KernelOp::BatchedGemm { .. } => Family::BatchedGemm,
            KernelOp::RowWise { .. } => Family::RowWise,
            KernelOp::Attention { .. } => Family::Attention,
            KernelOp::Move(_) => Family::Move,
        }
    }
}
