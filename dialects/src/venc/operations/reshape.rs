//! `reshape`: the same elements under other dimensions.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// The same elements in the same order under other dimensions.
    ///
    /// `[[1, 2], [3, 4]]` to `[4]` is `[1, 2, 3, 4]`.
    Reshape = "reshape" (numbers("x")) -> {
        /// The new dimensions.
        shape: Vec<Dim>,
    }
}

impl Semantics for Reshape {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        let result = TensorType { element: x.element, shape: self.shape.clone() };
        if result.elements() != x.elements() {
            let reason =
                format!("[{}] elements are not the {} of {x}", result.elements(), x.elements());
            return Err(app.bad_attribute("shape", reason));
        }
        Ok(result)
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("reshape", operands)?;
        out.data.copy_from_slice(&x.data);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor};

    #[test]
    fn the_elements_stay_as_they_are() {
        let flat = run(Reshape { shape: vec![Dim::from(2)] }, &[&counted(&[1, 2])]);
        assert_eq!(flat, tensor(&[2], &[0., 1.]));
    }
}
