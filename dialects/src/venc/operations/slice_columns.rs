//! `slice_columns`: some columns of each row.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `x[.., n] -> x[.., start : start+length]`.
    ///
    /// `[[1, 2, 3]]` from column 1 on, two of them, is `[[2, 3]]`.
    SliceColumns = "slice_columns" (numbers("x").at_least(1)) {
        /// The first column.
        start: i64,
        /// How many columns.
        length: i64,
    }
}

impl Semantics for SliceColumns {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        let (start, length) = (self.start, self.length);
        let inside = x.width().as_constant().is_some_and(|width| {
            start >= 0 && length > 0 && start.checked_add(length).is_some_and(|end| end <= width)
        });
        if !inside {
            return Err(
                app.bad_attribute("start", format!("{start} and `length` {length} leave {x}"))
            );
        }
        let mut shape = x.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = Dim::from(length);
        }
        Ok(TensorType { element: x.element, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take("slice_columns", operands)?;
        let [Some(from), Some(to)] = [x.shape.last(), out.shape.last()] else { return Ok(()) };
        for (row, out) in x.data.chunks_exact(*from).zip(out.data.chunks_exact_mut(*to)) {
            out.copy_from_slice(&row[self.start as usize..][..*to]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor};

    #[test]
    fn they_are_those_of_each_row() {
        let columns = run(SliceColumns { start: 1, length: 2 }, &[&counted(&[2, 2, 3])]);
        assert_eq!(columns, tensor(&[2, 2, 2], &[1., 2., 4., 5., 7., 8., 10., 11.]));
    }
}
