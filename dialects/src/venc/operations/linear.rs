//! `linear`: a product with a weight, whose rows are the columns of the result.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::computation::matrix::{Matrix, product, round};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., k], weight[n, k] -> [.., n]`: `x weight^T`.
    ///
    /// `[[1, 2]]` by the weight `[[1, 1], [0, 3]]` is `[[3, 6]]`.
    Linear = "linear" (numbers("x").at_least(1), numbers("weight").rank(2))
}

impl Semantics for Linear {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x, weight] = app.take()?;
        app.same_element()?;
        app.countable(1)?;
        app.shape(1, &[weight.shape[0].clone(), x.width()])?;
        let mut shape = x.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = weight.shape[0].clone();
        }
        Ok(TensorType { element: x.element, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x, weight] = take("linear", operands)?;
        let &[n, k] = weight.shape.as_slice() else { return Ok(()) };
        let (rows, x) = (x.data.len() / k, Matrix::new(&x.data, k)?);
        let columns_at_once = (WEIGHTS_AT_ONCE / k).max(1);
        for (block, weight) in weight.data.chunks(columns_at_once * k).enumerate() {
            let (first, columns) = (block * columns_at_once, weight.len() / k);
            let sums = product(rows, k, columns, &x, &Matrix::new(weight, k)?.transposed())?;
            for (out, sums) in out.data.chunks_exact_mut(n).zip(sums.chunks_exact(columns)) {
                round(sums, &mut out[first..][..columns]);
            }
        }
        Ok(())
    }

    fn products_summed(&self, operands: &[&TensorType]) -> Option<Dim> {
        operands.first().map(|x| x.width())
    }
}

/// Weights that are widened at once: in f64 all of a large one would need twice its memory.
const WEIGHTS_AT_ONCE: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{run, tensor, try_run};

    #[test]
    fn it_multiplies_by_the_transposed_weight() {
        let counted = tensor(&[2, 3], &[1., 2., 3., 4., 5., 6.]);
        let product = run(Linear, &[&counted, &counted]);
        assert_eq!(product, tensor(&[2, 2], &[14.0, 32.0, 32.0, 77.0]));
    }

    #[test]
    fn sums_are_accumulated_in_f64() {
        // In f32, 2^24 + 1 is 2^24: the small terms would vanish.
        let x = tensor(&[1, 4], &[16_777_216.0, 1.0, 1.0, -16_777_216.0]);
        assert_eq!(run(Linear, &[&x, &tensor(&[1, 4], &[1.0; 4])]).data, [2.0]);
    }

    #[test]
    fn operands_that_do_not_fit_are_refused() {
        let error = try_run(Linear, &[&tensor(&[2, 3], &[0.; 6]), &tensor(&[2, 4], &[0.; 8])]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("operand #1 `weight` is [2, 4]"), "{error}");
    }
}
