//! `layer_norm`: rows with a mean of zero and a variance of one, times a weight, plus a bias.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::norm;
use crate::venc::computation::row::each_row;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., n], weight[n], bias[n] -> (x - mean) / sqrt(variance + eps) * weight + bias` over the last dimension
    /// (Ba et al., arXiv:1607.06450). With x alone neither weight nor bias (PyTorch's `elementwise_affine=False`).
    ///
    /// `[1, 4, 7]` with an eps of 3, which makes the variance 9, is `[-1, 0, 1]`.
    LayerNorm = "layer_norm" (
        numbers("x").at_least(1),
        numbers("weight").rank(1).optional(),
        numbers("bias").rank(1).optional()
    ) {
        /// Added to the variance; finite and not negative.
        eps: f64,
    }
}

impl Semantics for LayerNorm {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        norm::infer(app, self.eps)
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let (x, affine) = match operands {
            [x, weight, bias] => (x, Some((weight, bias))),
            _ => (&take::<1>("layer_norm", operands)?[0], None),
        };
        each_row(x, out, |row, out| {
            let mean = norm::mean(row);
            let deviation = (norm::mean_square(row, mean) + self.eps).sqrt();
            for (i, x) in row.iter().enumerate() {
                let standard = (x - mean) / deviation;
                out[i] = match affine {
                    Some((weight, bias)) => {
                        standard * f64::from(weight.data[i]) + f64::from(bias.data[i])
                    }
                    None => standard,
                } as f32;
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
    use crate::venc::examples::{assert_close, run, tensor, try_run};

    #[test]
    fn a_row_worked_out_by_hand() {
        // Mean 4, variance 9 (of 1, 4, 7 it is 6, so eps makes it 9): the row becomes -1, 0, 1.
        let x = tensor(&[1, 3], &[1.0, 4.0, 7.0]);
        let (weight, bias) = (tensor(&[3], &[2.0, 5.0, 0.5]), tensor(&[3], &[10.0, 20.0, 30.0]));
        assert_close(LayerNorm { eps: 3.0 }, &[&x, &weight, &bias], &[8.0, 20.0, 30.5]);
    }

    #[test]
    fn a_mean_far_above_the_deviation_is_survived() {
        let x = tensor(&[1, 2], &[1.0e6, 1.0e6 + 2.0]);
        let [ones, zeros] = [tensor(&[2], &[1.0; 2]), tensor(&[2], &[0.0; 2])];
        assert_close(LayerNorm { eps: 0.0 }, &[&x, &ones, &zeros], &[-1.0, 1.0]);
    }

    #[test]
    fn without_weights_it_is_that_with_ones_and_zeros() {
        let x = tensor(&[2, 3], &[1.0, 4.0, -2.0, 0.5, 0.0, 3.0]);
        let (ones, zeros) = (tensor(&[3], &[1.0; 3]), tensor(&[3], &[0.0; 3]));
        let norm = LayerNorm { eps: 1e-6 };
        assert_eq!(run(norm.clone(), &[&x]), run(norm.clone(), &[&x, &ones, &zeros]));
        let error = try_run(norm, &[&x, &ones]).unwrap_err().to_string();
        assert!(error.contains("takes `x`, or `x`, `weight` and `bias`"), "{error}");
    }
}
