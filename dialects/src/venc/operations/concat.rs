//! `concat`: tensors one after the other.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// Two operands or more, one after the other along `axis`; their other dimensions are equal. Those from the third
    /// on are of one type: IRDL cannot say otherwise.
    ///
    /// `[[1], [2]]` and `[[3], [4]]` along the axis 1 is `[[1, 3], [2, 4]]`.
    Concat = "concat" (numbers("first").at_least(1), numbers("second"), numbers("rest").repeated()) {
        /// The dimension along which they follow each other.
        axis: usize,
    }
}

impl Semantics for Concat {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [first, rest @ ..] = app.operands else { return Ok(app.take::<1>()?[0].clone()) };
        app.same_element()?;
        if self.axis >= first.rank() {
            return Err(
                app.bad_attribute("axis", format!("{} is no dimension of {first}", self.axis))
            );
        }
        let mut shape = first.shape.clone();
        for (index, ty) in rest.iter().enumerate() {
            let mut wanted = first.shape.clone();
            if let (Some(slot), Some(dim)) = (wanted.get_mut(self.axis), ty.shape.get(self.axis)) {
                *slot = dim.clone();
            }
            app.shape(index + 1, &wanted)?;
            shape[self.axis] = shape[self.axis].clone() + ty.shape[self.axis].clone();
        }
        if let Some(other) = rest.iter().skip(1).position(|ty| *ty != rest[1]) {
            let reason = "and must be of the third's type: concatenate in two steps";
            return Err(app.bad_operand(other + 2, reason));
        }
        Ok(TensorType { element: first.element, shape })
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let lengths: Vec<usize> =
            operands.iter().map(|part| part.shape[self.axis..].iter().product()).collect();
        for (outer, mut slab) in out.data.chunks_exact_mut(lengths.iter().sum()).enumerate() {
            for (part, length) in operands.iter().zip(&lengths) {
                let (head, tail) = slab.split_at_mut(*length);
                head.copy_from_slice(&part.data[outer * length..][..*length]);
                slab = tail;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{counted, run, tensor};

    #[test]
    fn it_follows_the_axis() {
        let (a, b) = (counted(&[2, 1, 2]), counted(&[2, 2, 2]));
        let tokens = run(Concat { axis: 1 }, &[&a, &b]);
        assert_eq!(tokens, tensor(&[2, 3, 2], &[0., 1., 0., 1., 2., 3., 2., 3., 4., 5., 6., 7.]));
        let columns = run(Concat { axis: 2 }, &[&a, &a]);
        assert_eq!(columns, tensor(&[2, 1, 4], &[0., 1., 0., 1., 2., 3., 2., 3.]));
    }
}
