//! `scale`: a multiple.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::element::each_element;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x * factor`.
    ///
    /// `[1, 6]` times `-0.5` is `[-0.5, -3]`.
    Scale = "scale" (numbers("x")) {
        /// The factor, which is finite.
        factor: f64,
    }
}

impl Semantics for Scale {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        if !self.factor.is_finite() {
            return Err(app.bad_attribute("factor", format!("{} is not finite", self.factor)));
        }
        let [x] = app.take()?;
        Ok(x.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("scale", operands)?;
        each_element(x, |x| x * self.factor, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{run, tensor};

    #[test]
    fn it_multiplies() {
        let x = tensor(&[2], &[1., 6.]);
        assert_eq!(run(Scale { factor: -0.5 }, &[&x]).data, [-0.5, -3.]);
    }
}
