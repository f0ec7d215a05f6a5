//! `select_token`: one token of each image.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::operations::slice_tokens::copy_tokens;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[images, tokens, n] -> x[:, index, :]`, of rank 2.
    ///
    /// Of the tokens `[[1, 2], [3, 4]]` of an image, token 1 is `[3, 4]`.
    SelectToken = "select_token" (numbers("x").rank(3)) {
        /// Which token.
        index: i64,
    }
}

impl Semantics for SelectToken {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        let index = self.index;
        if index < 0 || x.shape[1].as_constant().is_some_and(|tokens| index >= tokens) {
            return Err(app.bad_attribute("index", format!("{index} is no token of {x}")));
        }
        Ok(TensorType::new(x.element, [x.shape[0].clone(), x.shape[2].clone()]))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("select_token", operands)?;
        copy_tokens(x, self.index as usize, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor};

    #[test]
    fn it_is_that_of_each_image() {
        let token = run(SelectToken { index: 0 }, &[&counted(&[2, 2, 3])]);
        assert_eq!(token, tensor(&[2, 3], &[0., 1., 2., 6., 7., 8.]));
    }
}
