//! `slice_tokens`: some tokens of each image.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[images, tokens, n] -> x[:, start : start+length, :]`.
    ///
    /// Of the tokens `[[1, 2], [3, 4]]` of an image, one from token 1 on is `[[3, 4]]`.
    SliceTokens = "slice_tokens" (numbers("x").rank(3)) {
        /// The first token.
        start: i64,
        /// How many tokens.
        length: Dim,
    }
}

impl Semantics for SliceTokens {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        let (start, length) = (self.start, &self.length);
        // What remains behind the slice must be a constant or a polynomial without negative coefficients: never negative.
        let behind = x.shape[1].clone() - length.clone() - Dim::from(start);
        if start < 0 || behind.terms().any(|(coefficient, _)| coefficient < 0) {
            return Err(
                app.bad_attribute("start", format!("{start} and `length` {length} leave {x}"))
            );
        }
        let [images, width] = [x.shape[0].clone(), x.shape[2].clone()];
        Ok(TensorType::new(x.element, [images, length.clone(), width]))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("slice_tokens", operands)?;
        copy_tokens(x, self.start as usize, out);
        Ok(())
    }
}

/// The tokens of each image from `start` on, as many as there is room for.
pub(super) fn copy_tokens(x: &HostTensor, start: usize, out: &mut HostTensor) {
    let [images, tokens, width] = x.shape[..] else { return };
    let length = out.data.len() / images;
    for (image, out) in x.data.chunks_exact(tokens * width).zip(out.data.chunks_exact_mut(length)) {
        out.copy_from_slice(&image[start * width..][..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor, tokens_of};
    use crate::venc::infer;

    #[test]
    fn they_are_those_of_each_image() {
        let tokens = run(SliceTokens { start: 1, length: 1.into() }, &[&counted(&[2, 2, 3])]);
        assert_eq!(tokens, tensor(&[2, 1, 3], &[3., 4., 5., 9., 10., 11.]));
    }

    #[test]
    fn a_slice_stays_inside_for_every_size() {
        let x = tokens_of(8);
        let patches = x.shape[1].clone() - Dim::from(1);
        let slice = |start, length: Dim| infer(&SliceTokens { start, length }.into(), &[&x]);
        assert!(slice(1, patches.clone()).is_ok());
        assert!(slice(2, patches).is_err());
        assert!(slice(-1, Dim::from(1)).is_err());
    }
}
