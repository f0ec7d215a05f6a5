//! `multiply`: the product of elements, the right operand repeated where it has fewer.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::broadcast;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `a[..] * b`, where `b`'s dimensions are the last ones of `a`, or 1.
    ///
    /// `[1, 2]` and `[10, 20]` is `[10, 40]`.
    Multiply = "multiply" (numbers("a"), numbers("b"))
}

impl Semantics for Multiply {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        broadcast::infer(app)
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [a, b] = take("multiply", operands)?;
        broadcast::combine(a, b, |a, b| a * b, out);
        Ok(())
    }

    fn factor(&self) -> Option<usize> {
        Some(1)
    }
}
