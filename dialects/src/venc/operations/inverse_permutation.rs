//! `inverse_permutation`: the order that undoes another.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::index::read_indices;
use crate::venc::evaluation::take;
use crate::venc::operand::indices;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, IndexBounds, Semantics, VencError};

operation! {
    /// `index[n] -> [n]`, the `inverse` of a permutation: `inverse[index[i]] = i`. It has no meaning where `index` does
    /// not name each of `0..n` once; what reads the inputs of a call refuses such an index.
    ///
    /// `[2, 0, 1]` is `[1, 2, 0]`.
    InversePermutation = "inverse_permutation" (indices("index").rank(1))
}

impl Semantics for InversePermutation {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [index] = app.take()?;
        Ok(index.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let op = "inverse_permutation";
        let [index] = take(op, operands)?;
        let places = read_indices(op, index, Some(index.data.len()))?;
        let mut seen = vec![false; places.len()];
        for (position, place) in places.into_iter().enumerate() {
            if std::mem::replace(&mut seen[place], true) {
                let wanted = "a permutation, with no number twice".to_string();
                return Err(EvaluationError::Index { op, position, value: place as f32, wanted });
            }
            out.data[place] = position as f32;
        }
        Ok(())
    }

    fn index_bounds(&self, _: &[&TensorType]) -> IndexBounds {
        IndexBounds { below: vec![], permutation: true }
    }

    fn gives_permutation(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venc::examples::{tensor, try_run};

    #[test]
    fn a_permutation_is_inverted_and_nothing_else_is() {
        let inverse =
            |index: &[f32]| try_run(InversePermutation, &[&tensor(&[index.len()], index)]);
        assert_eq!(inverse(&[2., 0., 1.]).unwrap().data, [1., 2., 0.]);
        let error = inverse(&[1., 1.]).unwrap_err().to_string();
        assert!(error.contains("position 1 is 1, and must be a permutation"), "{error}");
        assert!(inverse(&[0., 2.]).is_err());
    }
}
