//! What happens to a row before the kernel proper reads it: [`RowPrologue`], with its operands. Its shape is what code
//! depends on.

mod bound;

pub use bound::BoundPrologue;

use super::{ColumnOperand, Real};
use crate::arguments::{Distance, Given, Placed, Words, argument_block};
use crate::launch::operand;
use crate::{Layout, Reason};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Prologue;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::Amount;

argument_block! {
    /// A [`Prologue`] with its operands.
    pub enum RowPrologue<S> {
        /// Nothing.
        None,
        /// Mean and variance.
        LayerNorm {
            /// Added to the variance.
            eps: Real,
            /// Weight and bias, where it has them.
            affine: Option<Affine<S>>,
        },
        /// Mean square.
        RmsNorm {
            /// Added to the mean square.
            eps: Real,
            /// The weight, where it has one.
            weight: Option<ColumnOperand<S>>,
        },
        /// One number: what a norm multiplies the row by.
        NormScale {
            /// Whether the mean is taken off first.
            centered: bool,
            /// Added to the variance or the mean square.
            eps: Real,
        },
        /// Read as if it were stored so.
        Cast {
            /// The storage.
            to: ElementType,
        },
        /// The rows of slices, summed.
        SumSlices {
            /// How many slices.
            slices: i64,
            /// From each slice to the next.
            stride: Distance<S>,
        },
        /// Exponentials over their sum.
        Softmax,
    }
}

argument_block! {
    /// What a normalized row is multiplied by, and what is added then.
    pub struct Affine<S> {
        /// The factors.
        pub weight: ColumnOperand<S>,
        /// What is added.
        pub bias: ColumnOperand<S>,
    }
}

impl RowPrologue<Given> {
    /// The prologue of rows of that width. Its operands are those from position 1 on.
    pub(crate) fn of(prologue: Prologue, operands: &[Layout], width: &Dim) -> Result<Self, Reason> {
        let columns = |position| ColumnOperand::of((operands, position), width);
        Ok(match prologue {
            Prologue::None => RowPrologue::None,
            Prologue::Softmax => RowPrologue::Softmax,
            Prologue::Cast { to } => RowPrologue::Cast { to },
            Prologue::SumSlices { slices } => {
                let stride = operand(operands, 0)?.image_stride.clone();
                RowPrologue::SumSlices { slices, stride: Distance(stride) }
            }
            Prologue::NormScale { centered, eps } => {
                RowPrologue::NormScale { centered, eps: Real::new(eps) }
            }
            Prologue::LayerNorm { eps, affine } => RowPrologue::LayerNorm {
                eps: Real::new(eps),
                affine: match affine {
                    true => Some(Affine { weight: columns(1)?, bias: columns(2)? }),
                    false => None,
                },
            },
            Prologue::RmsNorm { eps, affine } => RowPrologue::RmsNorm {
                eps: Real::new(eps),
                weight: if affine { Some(columns(1)?) } else { None },
            },
        })
    }
}

impl RowPrologue<Placed> {
    /// How many columns it makes of a row of that many.
    pub(crate) fn columns(&self, width: Amount) -> Amount {
        match self {
            RowPrologue::NormScale { .. } => Amount::Constant(1),
            RowPrologue::None
            | RowPrologue::LayerNorm { .. }
            | RowPrologue::RmsNorm { .. }
            | RowPrologue::Cast { .. }
            | RowPrologue::SumSlices { .. }
            | RowPrologue::Softmax => width,
        }
    }

    /// The kernel reads its operands, which have a number for each of that many columns.
    pub(crate) fn read(&self, words: &mut Words, width: &Amount) {
        match self {
            RowPrologue::LayerNorm { affine: Some(Affine { weight, bias }), .. } => {
                weight.read(words, width);
                bias.read(words, width);
            }
            RowPrologue::RmsNorm { weight: Some(weight), .. } => weight.read(words, width),
            RowPrologue::LayerNorm { affine: None, .. }
            | RowPrologue::RmsNorm { weight: None, .. }
            | RowPrologue::None
            | RowPrologue::NormScale { .. }
            | RowPrologue::Cast { .. }
            | RowPrologue::SumSlices { .. }
            | RowPrologue::Softmax => {}
        }
    }
}

impl RowPrologue {
    /// How rows that are stored as `element` come out of it.
    pub fn element(&self, element: ElementType) -> ElementType {
        match self {
            RowPrologue::Cast { to } => *to,
            RowPrologue::None
            | RowPrologue::LayerNorm { .. }
            | RowPrologue::RmsNorm { .. }
            | RowPrologue::NormScale { .. }
            | RowPrologue::SumSlices { .. }
            | RowPrologue::Softmax => element,
        }
    }

    /// Whether all of a row must be read before any element comes out.
    pub(crate) fn needs_statistics(&self) -> bool {
        match self {
            RowPrologue::None | RowPrologue::Cast { .. } | RowPrologue::SumSlices { .. } => false,
            RowPrologue::LayerNorm { .. }
            | RowPrologue::RmsNorm { .. }
            | RowPrologue::NormScale { .. }
            | RowPrologue::Softmax => true,
        }
    }

    /// The name in symbols; empty for none.
    pub fn name(&self) -> &'static str {
        match self {
            RowPrologue::None => "",
            RowPrologue::LayerNorm { affine: Some(_), .. } => "_layer_norm",
            RowPrologue::LayerNorm { affine: None, .. } => "_plain_layer_norm",
            RowPrologue::RmsNorm { weight: Some(_), .. } => "_rms_norm",
            RowPrologue::RmsNorm { weight: None, .. } => "_plain_rms_norm",
            RowPrologue::NormScale { centered: true, .. } => "_layer_norm_scale",
            RowPrologue::NormScale { centered: false, .. } => "_rms_norm_scale",
            RowPrologue::Cast { to: ElementType::BF16 } => "_as_bf16",
            RowPrologue::Cast { to: ElementType::F16 } => "_as_f16",
            RowPrologue::Cast { .. } => "_as_f32",
            RowPrologue::SumSlices { .. } => "_sum_slices",
            RowPrologue::Softmax => "_softmax",
        }
    }
}
