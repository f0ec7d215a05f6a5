//! `cast`: another storage.

use crate::HostTensor;
use crate::tensor::{ElementType, TensorType};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};
use half::{bf16, f16};

operation! {
    /// The same numbers, rounded to another storage: to the nearest, ties to even.
    ///
    /// `[1.004]` to bf16 is `[1]`.
    Cast = "cast" (numbers("x")) -> {
        /// The storage.
        to: ElementType,
    }
}

impl Semantics for Cast {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        if self.to == ElementType::I32 {
            let reason = "indices are inputs of the model: nothing is cast to i32";
            return Err(app.bad_attribute("to", reason));
        }
        let [x] = app.take()?;
        Ok(TensorType { element: self.to, shape: x.shape.clone() })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("cast", operands)?;
        out.data.copy_from_slice(&x.data);
        round_in_place(self.to, &mut out.data);
        Ok(())
    }
}

/// Each element as the storage holds it: to the nearest, ties to even.
pub fn round_in_place(storage: ElementType, data: &mut [f32]) {
    match storage {
        // Whole numbers are whole already.
        ElementType::F32 | ElementType::I32 => {}
        ElementType::BF16 => data.iter_mut().for_each(|x| *x = bf16::from_f32(*x).to_f32()),
        ElementType::F16 => data.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{run, tensor};

    #[test]
    fn it_rounds_to_the_nearest_even() {
        // 1 + 2^-8 lies halfway between the bf16 numbers 1 and 1 + 2^-7; so does 1 + 2^-11 in f16.
        let halfway = tensor(&[2], &[1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0]);
        let cast = |x, to| run(Cast { to }, &[x]).data;
        assert_eq!(cast(&halfway, ElementType::BF16), [1.0, 1.0 + 4.0 / 256.0]);
        let halfway = tensor(&[1], &[1.0 + 1.0 / 2048.0]);
        assert_eq!(cast(&halfway, ElementType::F16), [1.0]);
        assert_eq!(cast(&halfway, ElementType::F32), halfway.data);
    }
}
