//! `split_heads`: the heads of each token apart.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::computation::exchange::exchange;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `[images, tokens, heads*d] -> [images, heads, tokens, d]`.
    ///
    /// Two tokens `[[1, 2], [3, 4]]` in two heads are `[[[1], [3]], [[2], [4]]]`.
    SplitHeads = "split_heads" (numbers("x").rank(3)) {
        /// How many heads.
        heads: i64,
    }
}

impl Semantics for SplitHeads {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        let heads = self.heads;
        let depth = x.shape[2].exact_quotient(heads).filter(|_| heads > 0).ok_or_else(|| {
            app.bad_attribute("heads", format!("{heads} does not divide the width of {x}"))
        })?;
        let [images, tokens] = [x.shape[0].clone(), x.shape[1].clone()];
        Ok(TensorType::new(x.element, [images, Dim::from(heads), tokens, depth]))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("split_heads", operands)?;
        let [_, heads, tokens, depth] = out.shape[..] else { return Ok(()) };
        exchange(&x.data, tokens, heads, depth, &mut out.data);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tokens_of};
    use crate::venc::{MergeHeads, infer};

    #[test]
    fn heads_are_split_and_merged() {
        let x = counted(&[1, 2, 6]);
        let split = run(SplitHeads { heads: 3 }, &[&x]);
        assert_eq!(split.shape, [1, 3, 2, 2]);
        assert_eq!(split.data, [0., 1., 6., 7., 2., 3., 8., 9., 4., 5., 10., 11.]);
        assert_eq!(run(MergeHeads, &[&split]), x);
    }

    #[test]
    fn heads_must_divide_the_width() {
        let split = |heads| infer(&SplitHeads { heads }.into(), &[&tokens_of(384)]);
        let error = split(7).unwrap_err().to_string();
        assert!(error.contains("`heads`: 7 does not divide"), "{error}");
        assert_eq!(infer(&MergeHeads.into(), &[&split(6).unwrap()]).unwrap(), tokens_of(384));
    }
}
