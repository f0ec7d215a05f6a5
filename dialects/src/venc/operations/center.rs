//! `center`: rows with a mean of zero.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::norm;
use crate::venc::computation::row::each_row;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., n] -> x - mean` over the last dimension.
    ///
    /// `[1, 4, 7]` is `[-3, 0, 3]`.
    Center = "center" (numbers("x").at_least(1))
}

impl Semantics for Center {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        Ok(x.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("center", operands)?;
        each_row(x, out, |row, out| {
            let mean = norm::mean(row);
            out.iter_mut().zip(row).for_each(|(out, x)| *out = (x - mean) as f32);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{assert_close, tensor};

    #[test]
    fn the_mean_is_taken_off() {
        assert_close(Center, &[&tensor(&[1, 3], &[1.0, 4.0, 7.0])], &[-3.0, 0.0, 3.0]);
    }
}
