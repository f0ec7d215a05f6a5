//! `matmul`: a product of matrices, both of which change from call to call.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::computation::matrix::{Matrix, product, round};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `a[.., m, k], b[.., k, n] -> [.., m, n]`; `b[.., n, k]` where transposed. Leading dimensions are equal.
    ///
    /// `[[1, 2]]` by `[[1, 1], [0, 3]]` is `[[1, 7]]`, and `[[3, 6]]` where that is transposed.
    Matmul = "matmul" (numbers("a").at_least(2), numbers("b").at_least(2)) {
        /// Whether the right operand's last two dimensions are exchanged.
        transpose_rhs: bool,
    }
}

impl Semantics for Matmul {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [a, b] = app.take()?;
        app.same_element()?;
        if b.rank() != a.rank() {
            return Err(app.bad_operand(1, format!("and must have {} dimension(s)", a.rank())));
        }
        let leading = a.rank() - 2;
        let (k, n) =
            if self.transpose_rhs { (leading + 1, leading) } else { (leading, leading + 1) };
        if b.shape[..leading] != a.shape[..leading] || b.shape[k] != a.shape[leading + 1] {
            let wanted = "and must have `a`'s leading dims, and `a`'s last as its inner one";
            return Err(app.bad_operand(1, format!("{wanted}; `a` is {a}")));
        }
        let mut shape = a.shape.clone();
        shape[leading + 1] = b.shape[n].clone();
        Ok(TensorType { element: a.element, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [a, b] = take("matmul", operands)?;
        let [.., m, k] = a.shape[..] else { return Ok(()) };
        let [.., n] = out.shape[..] else { return Ok(()) };
        let pairs = a.data.chunks_exact(m * k).zip(b.data.chunks_exact(k * n));
        for ((a, b), out) in pairs.zip(out.data.chunks_exact_mut(m * n)) {
            let b = match self.transpose_rhs {
                true => Matrix::new(b, k)?.transposed(),
                false => Matrix::new(b, n)?,
            };
            round(&product(m, k, n, &Matrix::new(a, k)?, &b)?, out);
        }
        Ok(())
    }

    fn products_summed(&self, operands: &[&TensorType]) -> Option<Dim> {
        operands.first().map(|a| a.width())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{run, tensor};

    #[test]
    fn it_is_one_product_for_each_leading_index() {
        let a = tensor(&[2, 1, 2], &[1., 2., 3., 4.]);
        let b = tensor(&[2, 2, 2], &[1., 2., 3., 4., 5., 6., 7., 8.]);
        let product = |transpose_rhs| run(Matmul { transpose_rhs }, &[&a, &b]);
        assert_eq!(product(false), tensor(&[2, 1, 2], &[7.0, 10.0, 43.0, 50.0]));
        assert_eq!(product(true).data, [5.0, 11.0, 39.0, 53.0]);
    }
}
