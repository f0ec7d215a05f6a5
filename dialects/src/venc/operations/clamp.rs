//! `clamp`: what lies outside two bounds at the nearer one.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::element::each_element;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `min` where `x` is less, `max` where it is more, as `torch.clamp`. NaN stays NaN.
    ///
    /// `[-3, 0.5, 2]` between `-1` and `1` is `[-1, 0.5, 1]`.
    Clamp = "clamp" (numbers("x")) {
        /// The least value; not above `max`. Infinite where there is no bound.
        min: f64,
        /// The greatest value. Infinite where there is no bound.
        max: f64,
    }
}

impl Semantics for Clamp {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let (min, max) = (self.min, self.max);
        if min.partial_cmp(&max).is_none_or(|order| order.is_gt()) {
            return Err(app.bad_attribute("min", format!("{min} is not at most `max`, {max}")));
        }
        let [x] = app.take()?;
        Ok(x.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("clamp", operands)?;
        // With bounds that `infer` has refused this would panic. NaN is left as it is.
        each_element(x, |x| x.clamp(self.min, self.max), out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{run, tensor, try_run};

    #[test]
    fn what_lies_outside_comes_to_the_nearer_bound() {
        let x = tensor(&[4], &[-3.0, 0.5, 2.0, f32::NAN]);
        let clamped = run(Clamp { min: -1.0, max: 1.0 }, &[&x]).data;
        assert_eq!(clamped[..3], [-1.0, 0.5, 1.0]);
        assert!(clamped[3].is_nan());
        let open = Clamp { min: 0.0, max: f64::INFINITY };
        assert_eq!(run(open, &[&x]).data[..3], [0.0, 0.5, 2.0]);
    }

    #[test]
    fn bounds_that_hold_nothing_are_refused() {
        let x = tensor(&[1], &[0.0]);
        for (min, max) in [(1.0, -1.0), (f64::NAN, 1.0), (0.0, f64::NAN)] {
            let error = try_run(Clamp { min, max }, &[&x]).unwrap_err().to_string();
            assert!(error.contains("attribute `min`"), "{error}");
        }
    }
}
