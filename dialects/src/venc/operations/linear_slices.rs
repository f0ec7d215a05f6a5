//! `linear_slices`: a product in slices of k.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};
use crate::venc::computation::matrix::{Matrix, product, round};
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::operations::Linear;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., k], weight[n, k] -> [slices, .., n]`, in f32: the products of each slice of `k / slices` columns of both.
    /// [`SumSlices`](crate::venc::SumSlices) makes [`Linear`](crate::venc::Linear) of them.
    ///
    /// `[[1, 2]]` by the weight `[[1, 1], [0, 3]]` in two slices is `[[[1, 0]], [[2, 6]]]`.
    LinearSlices = "linear_slices" (numbers("x").at_least(1), numbers("weight").rank(2)) {
        /// How many: a divisor of k.
        slices: i64,
    }
}

impl Semantics for LinearSlices {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let product = Linear.infer(app)?;
        let (slices, depth) = (self.slices, app.operands[1].width());
        if slices < 1 || depth.as_constant().is_none_or(|depth| depth % slices != 0) {
            let reason = format!("{slices} does not divide the width {depth}");
            return Err(app.bad_attribute("slices", reason));
        }
        let shape = std::iter::once(Dim::from(slices)).chain(product.shape).collect();
        Ok(TensorType { element: ElementType::F32, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x, weight] = take("linear_slices", operands)?;
        let &[n, k] = weight.shape.as_slice() else { return Ok(()) };
        let (rows, width) = (x.data.len() / k, k / self.slices as usize);
        for (slice, out) in out.data.chunks_exact_mut((rows * n).max(1)).enumerate() {
            let x = Matrix::new(&x.data[slice * width..], k)?;
            let weight = Matrix::new(&weight.data[slice * width..], k)?.transposed();
            round(&product(rows, width, n, &x, &weight)?, out);
        }
        Ok(())
    }

    fn products_summed(&self, operands: &[&TensorType]) -> Option<Dim> {
        let depth = operands.first()?.width().as_constant()?;
        depth.checked_div(self.slices).map(Dim::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::SumSlices;
    use crate::venc::examples::{counted, run};

    #[test]
    fn the_slices_of_a_product_sum_to_it() {
        let (x, weight) = (counted(&[3, 4]), counted(&[2, 4]));
        let slices = run(LinearSlices { slices: 2 }, &[&x, &weight]);
        assert_eq!(slices.shape, [2, 3, 2]);
        assert_eq!(slices.data[..2], [1.0, 5.0]);
        let sum = run(SumSlices { to: ElementType::F32 }, &[&slices]);
        assert_eq!(sum, run(Linear, &[&x, &weight]));
    }
}
