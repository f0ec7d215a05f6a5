//! `gather_rows`: rows in another order.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::index::read_indices;
use crate::venc::evaluation::take;
use crate::venc::operand::{indices, numbers};
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, IndexBounds, Semantics, VencError};

operation! {
    /// `x[rows, n], index[k] -> [k, n]`, or so of each image of `x[images, rows, n]`: row `i` of the result is row
    /// `index[i]` of `x`, which must be there.
    ///
    /// `[[1, 2], [3, 4]]` by `[1, 1]` is `[[3, 4], [3, 4]]`.
    GatherRows = "gather_rows" (numbers("x").ranks(2..=3), indices("index").rank(1))
}

impl Semantics for GatherRows {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x, index] = app.take()?;
        let mut shape = x.shape.clone();
        let rows = x.rank() - 2;
        shape[rows] = index.shape[0].clone();
        Ok(TensorType { element: x.element, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x, index] = take("gather_rows", operands)?;
        let [.., rows, width] = x.shape[..] else { return Ok(()) };
        let index = read_indices("gather_rows", index, Some(rows))?;
        let images = x.data.chunks_exact(rows * width);
        for (image, out) in images.zip(out.data.chunks_exact_mut(index.len() * width)) {
            for (row, out) in index.iter().zip(out.chunks_exact_mut(width)) {
                out.copy_from_slice(&image[row * width..][..width]);
            }
        }
        Ok(())
    }

    fn index_bounds(&self, operands: &[&TensorType]) -> IndexBounds {
        let rows = operands.first().and_then(|x| x.shape.iter().rev().nth(1)).cloned();
        IndexBounds { below: rows.into_iter().collect(), permutation: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{tensor, try_run};

    #[test]
    fn rows_are_gathered_in_each_image() {
        let x = tensor(&[2, 3, 1], &[0., 1., 2., 10., 11., 12.]);
        let gathered = try_run(GatherRows, &[&x, &tensor(&[4], &[2., 0., 0., 1.])]).unwrap();
        assert_eq!(gathered.data, [2., 0., 0., 1., 12., 10., 10., 11.]);
        for (wrong, text) in [
            (3.0, "position 0 is 3, and must be a whole number in 0..3"),
            (-1.0, "is -1, and must be"),
            (0.5, "is 0.5, and must be"),
            (f32::NAN, "is NaN, and must be"),
        ] {
            let error =
                try_run(GatherRows, &[&x, &tensor(&[1], &[wrong])]).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
