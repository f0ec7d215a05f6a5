//! `rms_norm`: rows with a mean square of one, times a weight.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::norm;
use crate::venc::computation::row::each_row;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., n], weight[n] -> x / sqrt(mean(x^2) + eps) * weight` over the last dimension (Zhang & Sennrich,
    /// arXiv:1910.07467). With x alone no weight (PyTorch's `elementwise_affine=False`).
    ///
    /// `[1, 7]`, whose mean square is 25, with a weight of `[5, 10]` is `[1, 14]`.
    RmsNorm = "rms_norm" (numbers("x").at_least(1), numbers("weight").rank(1).optional()) {
        /// Added to the mean square; finite and not negative.
        eps: f64,
    }
}

impl Semantics for RmsNorm {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        norm::infer(app, self.eps)
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let (x, weight) = match operands {
            [x, weight] => (x, Some(weight)),
            _ => (&take::<1>("rms_norm", operands)?[0], None),
        };
        each_row(x, out, |row, out| {
            let root = (norm::mean_square(row, 0.0) + self.eps).sqrt();
            for (i, x) in row.iter().enumerate() {
                let weight = weight.map_or(1.0, |weight| f64::from(weight.data[i]));
                out[i] = (x / root * weight) as f32;
            }
        });
        Ok(())
    }

    fn factor(&self) -> Option<usize> {
        Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{assert_close, run, tensor};

    #[test]
    fn it_divides_by_the_root_of_the_mean_square() {
        // The mean square of 1 and 7 is 25.
        let (x, weight) = (tensor(&[1, 2], &[1.0, 7.0]), tensor(&[2], &[5.0, 10.0]));
        assert_close(RmsNorm { eps: 0.0 }, &[&x, &weight], &[1.0, 14.0]);
        let (norm, ones) = (RmsNorm { eps: 1e-6 }, tensor(&[2], &[1.0; 2]));
        assert_eq!(run(norm.clone(), &[&x]), run(norm, &[&x, &ones]));
    }
}
