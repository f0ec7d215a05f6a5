//! `sum_slices`: the sum of the slices of a product.

use crate::HostTensor;
use crate::tensor::{ElementType, TensorType};
use crate::venc::computation::matrix::{room_for, round};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[slices, ..] -> [..]`: the sum of the slices.
    ///
    /// `[[1, 2], [10, 20]]` is `[11, 22]`.
    SumSlices = "sum_slices" (numbers("x").at_least(2)) -> {
        /// How the sum is stored.
        to: ElementType,
    }
}

impl Semantics for SumSlices {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        if self.to == ElementType::I32 {
            return Err(app.bad_attribute("to", "indices are inputs of the model: no sum is one"));
        }
        let [x] = app.take()?;
        Ok(TensorType { element: self.to, shape: x.shape[1..].to_vec() })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("sum_slices", operands)?;
        let mut sums = room_for(&out.shape)?;
        sums.resize(out.data.len(), 0.0);
        for slice in x.data.chunks_exact(out.data.len().max(1)) {
            sums.iter_mut().zip(slice).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        round(&sums, &mut out.data);
        Ok(())
    }
}
