//! `mask_segments`: scores between tokens of different segments are no more.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::computation::index::read_indices;
use crate::venc::evaluation::take;
use crate::venc::operand::{indices, numbers};
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `scores[images, heads, tokens, tokens], segments[tokens]` or `segments[images, tokens]`: a score of a query and a
    /// key of different segments becomes minus infinity. A token shares a segment with itself, so no row is masked
    /// whole. Windows, images packed in one sequence, and padding (a segment of its own) are all said by segments.
    ///
    /// Scores `[[1, 2], [3, 4]]` of the segments `[0, 7]` are `[[1, -inf], [-inf, 4]]`.
    MaskSegments = "mask_segments" (numbers("scores").rank(4), indices("segments").ranks(1..=2))
}

impl Semantics for MaskSegments {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [scores, segments] = app.take()?;
        if scores.shape[2] != scores.shape[3] {
            let reason = "and must have as many queries as keys: segments are of the tokens";
            return Err(app.bad_operand(0, reason));
        }
        match segments.rank() {
            1 => app.shape(1, &[scores.shape[3].clone()])?,
            _ => app.shape(1, &[scores.shape[0].clone(), scores.shape[3].clone()])?,
        }
        Ok(scores.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [scores, segments] = take("mask_segments", operands)?;
        let [images, heads, tokens, _] = scores.shape[..] else { return Ok(()) };
        read_indices("mask_segments", segments, None)?;
        for (position, (out, score)) in out.data.iter_mut().zip(&scores.data).enumerate() {
            let (key, query) = (position % tokens, position / tokens % tokens);
            let image = position / (heads * tokens * tokens);
            let own =
                if segments.data.len() == tokens { 0 } else { image.min(images - 1) * tokens };
            let shared = segments.data[own + query] == segments.data[own + key];
            *out = if shared { *score } else { f32::NEG_INFINITY };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::Dim;
    use crate::tensor::ElementType;
    use crate::venc::examples::{tensor, tokens_of, try_run};
    use crate::venc::infer;

    #[test]
    fn scores_between_segments_are_masked() {
        let scores = tensor(&[2, 1, 2, 2], &[1., 2., 3., 4., 5., 6., 7., 8.]);
        let masked = |segments: &HostTensor| {
            try_run(MaskSegments, &[&scores, segments]).map(|scores| scores.data)
        };
        let none = f32::NEG_INFINITY;
        let shared = masked(&tensor(&[2], &[4., -1.])).unwrap();
        assert_eq!(shared, [1., none, none, 4., 5., none, none, 8.]);
        let own = masked(&tensor(&[2, 2], &[1., 1., 1., 2.])).unwrap();
        assert_eq!(own, [1., 2., 3., 4., 5., none, none, 8.]);
        assert!(masked(&tensor(&[2], &[0.5, 1.])).is_err());
    }

    #[test]
    fn segments_are_of_the_tokens_or_of_those_of_each_image() {
        let x = tokens_of(8);
        let (images, tokens) = (x.shape[0].clone(), x.shape[1].clone());
        let mask = |keys: &Dim, segments: &[Dim]| {
            let scores = [images.clone(), Dim::from(2), tokens.clone(), keys.clone()];
            let scores = TensorType::new(ElementType::F32, scores);
            let segments = TensorType::new(ElementType::I32, segments.iter().cloned());
            infer(&MaskSegments.into(), &[&scores, &segments])
        };
        assert!(mask(&tokens, std::slice::from_ref(&tokens)).is_ok());
        assert!(mask(&tokens, &[images.clone(), tokens.clone()]).is_ok());
        assert!(mask(&tokens, std::slice::from_ref(&images)).is_err());
        assert!(mask(&Dim::from(3), std::slice::from_ref(&tokens)).is_err());
    }
}
