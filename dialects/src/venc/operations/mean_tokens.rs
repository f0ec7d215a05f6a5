//! `mean_tokens`: the mean over the tokens of each image.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[images, tokens, n] -> [images, n]`: the mean over the tokens.
    ///
    /// The tokens `[[1, 2], [3, 4]]` of an image have the mean `[2, 3]`.
    MeanTokens = "mean_tokens" (numbers("x").rank(3))
}

impl Semantics for MeanTokens {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        Ok(TensorType::new(x.element, [x.shape[0].clone(), x.shape[2].clone()]))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("mean_tokens", operands)?;
        let [_, tokens, width] = x.shape[..] else { return Ok(()) };
        let images = x.data.chunks_exact(tokens * width).zip(out.data.chunks_exact_mut(width));
        for (image, out) in images {
            for (column, mean) in out.iter_mut().enumerate() {
                let sum: f64 =
                    image.iter().skip(column).step_by(width).map(|x| f64::from(*x)).sum();
                *mean = (sum / tokens as f64) as f32;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor};

    #[test]
    fn it_is_over_tokens() {
        let mean = run(MeanTokens, &[&counted(&[2, 2, 3])]);
        assert_eq!(mean, tensor(&[2, 3], &[1.5, 2.5, 3.5, 7.5, 8.5, 9.5]));
    }
}
