//! `softmax`: rows of weights that sum to one.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::row::each_row;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `exp(x - max) / sum(exp(x - max))` over the last dimension.
    ///
    /// `[log 2, 0]` is `[2/3, 1/3]`.
    Softmax = "softmax" (numbers("x").at_least(1))
}

impl Semantics for Softmax {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        Ok(x.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("softmax", operands)?;
        each_row(x, out, |row, out| {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let exponentials: Vec<f64> = row.iter().map(|x| (x - max).exp()).collect();
            let sum: f64 = exponentials.iter().sum();
            for (out, exponential) in out.iter_mut().zip(exponentials) {
                *out = (exponential / sum) as f32;
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{assert_close, tensor};

    #[test]
    fn it_is_not_moved_by_a_constant() {
        // exp(ln 2) and exp(0) weigh 2 to 1; a large constant would overflow without the maximum taken off.
        let ln2 = std::f32::consts::LN_2;
        let x = tensor(&[2, 2], &[ln2, 0.0, 1000.0, 1000.0]);
        assert_close(Softmax, &[&x], &[2.0 / 3.0, 1.0 / 3.0, 0.5, 0.5]);
    }
}
