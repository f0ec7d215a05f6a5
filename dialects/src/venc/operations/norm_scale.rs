//! `norm_scale`: what a norm multiplies a row by.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::computation::norm;
use crate::venc::computation::row::each_row;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., n] -> [.., 1]`: what a norm multiplies a row by. `1 / sqrt(variance + eps)` where it is centered, as a layer
    /// norm is, `1 / sqrt(mean(x^2) + eps)` where it is not.
    ///
    /// `[1, 4, 7]` with an eps of 3 is `[1/3]` centered, and `[1/5]` not.
    NormScale = "norm_scale" (numbers("x").at_least(1)) {
        /// Whether the mean is taken off first.
        centered: bool,
        /// Added to the variance or the mean square; finite and not negative.
        eps: f64,
    }
}

impl Semantics for NormScale {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let mut scale = norm::infer(app, self.eps)?;
        if let Some(width) = scale.shape.last_mut() {
            *width = Dim::from(1);
        }
        Ok(scale)
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("norm_scale", operands)?;
        each_row(x, out, |row, out| {
            let mean = if self.centered { norm::mean(row) } else { 0.0 };
            out[0] = (1.0 / (norm::mean_square(row, mean) + self.eps).sqrt()) as f32;
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{assert_close, tensor};

    #[test]
    fn it_is_the_inverse_deviation_or_the_inverse_root_of_the_mean_square() {
        let x = tensor(&[1, 3], &[1.0, 4.0, 7.0]);
        assert_close(NormScale { centered: true, eps: 3.0 }, &[&x], &[1.0 / 3.0]);
        // The mean square is 22.
        assert_close(NormScale { centered: false, eps: 3.0 }, &[&x], &[0.2]);
    }
}
