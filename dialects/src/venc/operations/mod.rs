//! The operations of `venc`: a file each, with its declaration, its typing and its value.

mod activate;
mod add;
mod broadcast_images;
mod call;
mod cast;
mod center;
mod clamp;
mod concat;
mod gather_rows;
mod interpolate_positions;
mod inverse_permutation;
mod layer_norm;
mod linear;
mod linear_slices;
mod mask_segments;
mod matmul;
mod mean_tokens;
mod merge_heads;
mod multiply;
mod norm_scale;
mod patchify;
mod reshape;
mod rms_norm;
mod rope;
mod scale;
mod select_token;
mod slice_columns;
mod slice_tokens;
mod softmax;
mod split_heads;
mod sum_slices;
mod weight;

use super::operation::{Declaration, Operation};

/// Declares [`Op`] of the operations in those modules. (The modules are not declared here: rustfmt would not see them.)
macro_rules! operations {
    ($($file:ident::$name:ident,)*) => {
        $(pub use $file::$name;)*

        /// An operation of `venc`. Shapes are written slowest dimension first; `..` is any number of dimensions.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Op {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Op {
                Op::$name(op)
            }
        })*

        impl Op {
            /// What is declared of each operation.
            pub const DECLARATIONS: &[&Declaration] = &[$(&$name::DECLARATION),*];

            /// The operation, whichever it is.
            pub fn operation(&self) -> &dyn Operation {
                match self {
                    $(Op::$name(op) => op,)*
                }
            }

            /// The operation, whichever it is.
            pub(super) fn operation_mut(&mut self) -> &mut dyn Operation {
                match self {
                    $(Op::$name(op) => op,)*
                }
            }
        }
    };
}

operations! {
    weight::Weight,
    patchify::Patchify,
    linear::Linear,
    linear_slices::LinearSlices,
    sum_slices::SumSlices,
    matmul::Matmul,
    add::Add,
    multiply::Multiply,
    scale::Scale,
    activate::Activate,
    clamp::Clamp,
    layer_norm::LayerNorm,
    rms_norm::RmsNorm,
    norm_scale::NormScale,
    center::Center,
    softmax::Softmax,
    rope::Rope,
    gather_rows::GatherRows,
    inverse_permutation::InversePermutation,
    mask_segments::MaskSegments,
    split_heads::SplitHeads,
    merge_heads::MergeHeads,
    concat::Concat,
    slice_columns::SliceColumns,
    slice_tokens::SliceTokens,
    select_token::SelectToken,
    mean_tokens::MeanTokens,
    broadcast_images::BroadcastImages,
    reshape::Reshape,
    interpolate_positions::InterpolatePositions,
    cast::Cast,
    call::Call,
}

pub use cast::round_in_place;
