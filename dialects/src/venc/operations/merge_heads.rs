//! `merge_heads`: the heads of each token side by side.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::exchange::exchange;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `[images, heads, tokens, d] -> [images, tokens, heads*d]`.
    ///
    /// Two heads `[[[1], [3]], [[2], [4]]]` of two tokens are `[[1, 2], [3, 4]]`.
    MergeHeads = "merge_heads" (numbers("x").rank(4))
}

impl Semantics for MergeHeads {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        let [images, heads, tokens, depth] = [0, 1, 2, 3].map(|axis| x.shape[axis].clone());
        Ok(TensorType::new(x.element, [images, tokens, heads * depth]))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("merge_heads", operands)?;
        let [_, heads, tokens, depth] = x.shape[..] else { return Ok(()) };
        exchange(&x.data, heads, tokens, depth, &mut out.data);
        Ok(())
    }
}
