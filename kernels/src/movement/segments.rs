//! Segments of tokens: an index for each token, of each image, or the same for all.

use crate::arguments::{Address, Distance, Given, Placed, Tensor, Words, argument_block};
use crate::{Layout, Reason};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Walk};

argument_block! {
    /// The segments that a mask is made of.
    pub(crate) struct SegmentsOperand<S> {
        /// The segment of the first token of the first image.
        pub(crate) start: Address<S>,
        /// From each image to the next; zero where all images share them.
        pub(crate) image_stride: Distance<S>,
    }
}

impl SegmentsOperand<Given> {
    /// The operand at that position, of that layout.
    pub(crate) fn of(position: usize, segments: &Layout) -> Result<Self, Reason> {
        let image_stride = match (segments.ty.element, segments.ty.rank()) {
            (ElementType::I32, 1) => Dim::from(0),
            (ElementType::I32, 2) => segments.image_stride.clone(),
            _ => {
                let why =
                    format!("segments are [tokens] or [images, tokens] x i32, not {}", segments.ty);
                return Err(Reason::Unsupported(why));
            }
        };
        let start = Address(Tensor::Operand(position));
        Ok(SegmentsOperand { start, image_stride: Distance(image_stride) })
    }
}

impl SegmentsOperand<Placed> {
    /// The kernel reads those of so many tokens of each of so many images: as many as the greatest number says.
    pub(crate) fn read<const N: usize>(
        &self,
        words: &mut Words,
        images: &Amount,
        tokens: [Amount; N],
    ) {
        let image_stride = self.image_stride.amount();
        let walk = |tokens| Walk::run(tokens).times(images.clone(), image_stride.clone());
        words.read(&self.start, ElementType::I32, tokens.map(walk));
    }
}
