//! `rope`: rotary position embeddings.

use crate::HostTensor;
use crate::tensor::{ElementType, TensorType};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// Rotary position embeddings (Su et al., arXiv:2104.09864) in the convention of Hugging Face, which rotates halves:
    /// `x[images, tokens, heads*d], cos[tokens, d], sin[tokens, d]`, each head `h` of each token becomes
    /// `h * cos + concat(-h[d/2..], h[..d/2]) * sin`. The tables are f32, and so is the arithmetic.
    ///
    /// A head `[1, 2]` turned by a quarter, with a cosine of 0 and a sine of 1, is `[-2, 1]`.
    Rope = "rope" (numbers("x").rank(3), numbers("cos").rank(2), numbers("sin").rank(2)) {
        /// How many heads.
        heads: i64,
    }
}

impl Semantics for Rope {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x, cos, sin] = app.take()?;
        let heads = self.heads;
        let depth = x.shape[2].exact_quotient(heads).filter(|_| heads > 0);
        let depth = depth.filter(|depth| depth.exact_quotient(2).is_some()).ok_or_else(|| {
            app.bad_attribute(
                "heads",
                format!("{heads} does not cut the width of {x} into even heads"),
            )
        })?;
        for (index, table) in [(1, cos), (2, sin)] {
            app.shape(index, &[x.shape[1].clone(), depth.clone()])?;
            if table.element != ElementType::F32 {
                let reason = "and the tables of rotary embeddings are f32: insert a venc.cast";
                return Err(app.bad_operand(index, reason));
            }
        }
        Ok(x.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x, cos, sin] = take("rope", operands)?;
        let ([_, tokens, width], [_, depth]) = (&x.shape[..], &cos.shape[..]) else {
            return Ok(());
        };
        let half = depth / 2;
        for (position, out) in out.data.iter_mut().enumerate() {
            let (token, column) = (position / width % tokens, position % width % depth);
            let angle = token * depth + column;
            let other = match column < half {
                true => -f64::from(x.data[position + half]),
                false => f64::from(x.data[position - half]),
            };
            let kept = f64::from(x.data[position]) * f64::from(cos.data[angle]);
            *out = (kept + other * f64::from(sin.data[angle])) as f32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType::{BF16, F32};
    use crate::venc::examples::{run, tensor, tokens_of};
    use crate::venc::infer;

    #[test]
    fn halves_of_heads_are_turned() {
        // Two tokens of two heads of two elements: the first is turned by a quarter, the second not at all.
        let x = tensor(&[1, 2, 4], &[1., 2., 3., 4., 5., 6., 7., 8.]);
        let cos = tensor(&[2, 2], &[0., 0., 1., 1.]);
        let sin = tensor(&[2, 2], &[1., 1., 0., 0.]);
        let turned = run(Rope { heads: 2 }, &[&x, &cos, &sin]);
        assert_eq!(turned.data, [-2., 1., -4., 3., 5., 6., 7., 8.]);
    }

    #[test]
    fn the_tables_are_of_the_tokens_and_of_the_heads() {
        let x = tokens_of(8);
        let table = |width: i64| TensorType::new(F32, [x.shape[1].clone(), width.into()]);
        let rope =
            |heads, width| infer(&Rope { heads }.into(), &[&x, &table(width), &table(width)]);
        assert_eq!(rope(2, 4).unwrap(), x);
        assert!(rope(2, 2).unwrap_err().to_string().contains("`cos`"));
        assert!(rope(8, 1).unwrap_err().to_string().contains("even heads"));
        let half = TensorType { element: BF16, ..table(4) };
        let error =
            infer(&Rope { heads: 2 }.into(), &[&x, &table(4), &half]).unwrap_err().to_string();
        assert!(error.contains("#2 `sin`") && error.contains("venc.cast"), "{error}");
    }
}
