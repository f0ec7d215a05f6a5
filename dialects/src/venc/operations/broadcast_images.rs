//! `broadcast_images`: the same for each image.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[1, ..] -> [images, ..]`: the same for each image.
    ///
    /// `[[1, 2]]` for two images is `[[1, 2], [1, 2]]`.
    BroadcastImages = "broadcast_images" (numbers("x").at_least(1)) -> {
        /// The new first dimension.
        images: Dim,
    }
}

impl Semantics for BroadcastImages {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        if x.shape[0] != Dim::from(1) {
            return Err(app.bad_operand(0, "and its first dim must be 1"));
        }
        let mut shape = x.shape.clone();
        shape[0] = self.images.clone();
        Ok(TensorType { element: x.element, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("broadcast_images", operands)?;
        out.data.chunks_exact_mut(x.data.len()).for_each(|image| image.copy_from_slice(&x.data));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor, try_run};

    #[test]
    fn it_repeats() {
        let repeated = run(BroadcastImages { images: 2.into() }, &[&counted(&[1, 2])]);
        assert_eq!(repeated, tensor(&[2, 2], &[0., 1., 0., 1.]));
    }

    #[test]
    fn a_result_beyond_memory_is_an_error() {
        let op = BroadcastImages { images: Dim::from(i64::MAX / 8) };
        let error = try_run(op, &[&counted(&[1, 64])]).unwrap_err().to_string();
        assert!(error.contains("does not fit in memory"), "{error}");
    }
}
