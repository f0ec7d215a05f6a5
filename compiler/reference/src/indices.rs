//! Operations that read indices: rows in another order, inverses of permutations, masks by segments. An index is a whole
//! number of f32 here.

use super::ReferenceError;
use ocellus_dialects::HostTensor;

/// The indices, each in `0..end` where there is an end.
fn read(
    op: &'static str,
    index: &HostTensor,
    end: Option<usize>,
) -> Result<Vec<usize>, ReferenceError> {
    let read = |(position, value): (usize, &f32)| {
        let inside = end.is_none_or(|end| *value >= 0.0 && (*value as usize) < end);
        match value.fract() == 0.0 && inside {
            true => Ok(*value as usize),
            false => Err(ReferenceError::Index {
                op,
                position,
                value: *value,
                wanted: match end {
                    Some(end) => format!("a whole number in 0..{end}"),
                    None => "a whole number".to_string(),
                },
            }),
        }
    };
    index.data.iter().enumerate().map(read).collect()
}

/// Row `i` of each image of the result is row `index[i]` of that of `x`.
pub(super) fn gather_rows(
    x: &HostTensor,
    index: &HostTensor,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
    let [.., rows, width] = x.shape[..] else { return Ok(()) };
    let index = read("gather_rows", index, Some(rows))?;
    let images = x.data.chunks_exact(rows * width);
    for (image, out) in images.zip(out.data.chunks_exact_mut(index.len() * width)) {
        for (row, out) in index.iter().zip(out.chunks_exact_mut(width)) {
            out.copy_from_slice(&image[row * width..][..width]);
        }
    }
    Ok(())
}

/// `inverse[index[i]] = i`.
pub(super) fn inverse_permutation(
    index: &HostTensor,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
    let op = "inverse_permutation";
    let places = read(op, index, Some(index.data.len()))?;
    let mut seen = vec![false; places.len()];
    for (position, place) in places.into_iter().enumerate() {
        if std::mem::replace(&mut seen[place], true) {
            let wanted = "a permutation, with no number twice".to_string();
            return Err(ReferenceError::Index { op, position, value: place as f32, wanted });
        }
        out.data[place] = position as f32;
    }
    Ok(())
}

/// Minus infinity where the query's and the key's segments differ.
pub(super) fn mask_segments(
    scores: &HostTensor,
    segments: &HostTensor,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
    let [images, heads, tokens, _] = scores.shape[..] else { return Ok(()) };
    read("mask_segments", segments, None)?;
    for (position, (out, score)) in out.data.iter_mut().zip(&scores.data).enumerate() {
        let (key, query) = (position % tokens, position / tokens % tokens);
        let image = position / (heads * tokens * tokens);
        let own = if segments.data.len() == tokens { 0 } else { image.min(images - 1) * tokens };
        let shared = segments.data[own + query] == segments.data[own + key];
        *out = if shared { *score } else { f32::NEG_INFINITY };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::evaluate_op;
    use ocellus_dialects::HostTensor;
    use ocellus_dialects::venc::Op;

    fn tensor(shape: &[usize], data: &[f32]) -> HostTensor {
        HostTensor::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    fn run(op: Op, operands: &[&HostTensor]) -> Result<Vec<f32>, String> {
        let result = evaluate_op(&op, operands, &Default::default());
        result.map(|tensor| tensor.data).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_are_gathered_in_each_image() {
        let x = tensor(&[2, 3, 1], &[0., 1., 2., 10., 11., 12.]);
        let index = tensor(&[4], &[2., 0., 0., 1.]);
        assert_eq!(
            run(Op::GatherRows, &[&x, &index]).unwrap(),
            [2., 0., 0., 1., 12., 10., 10., 11.]
        );
        for (wrong, text) in [
            (3.0, "position 0 is 3, and must be a whole number in 0..3"),
            (-1.0, "is -1, and must be"),
            (0.5, "is 0.5, and must be"),
            (f32::NAN, "is NaN, and must be"),
        ] {
            let error = run(Op::GatherRows, &[&x, &tensor(&[1], &[wrong])]).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_permutation_is_inverted_and_nothing_else_is() {
        let index = tensor(&[3], &[2., 0., 1.]);
        assert_eq!(run(Op::InversePermutation, &[&index]).unwrap(), [1., 2., 0.]);
        let error = run(Op::InversePermutation, &[&tensor(&[2], &[1., 1.])]).unwrap_err();
        assert!(error.contains("position 1 is 1, and must be a permutation"), "{error}");
        assert!(run(Op::InversePermutation, &[&tensor(&[2], &[0., 2.])]).is_err());
    }

    #[test]
    fn scores_between_segments_are_masked() {
        let scores = tensor(&[2, 1, 2, 2], &[1., 2., 3., 4., 5., 6., 7., 8.]);
        let none = f32::NEG_INFINITY;
        let shared = tensor(&[2], &[4., -1.]);
        assert_eq!(
            run(Op::MaskSegments, &[&scores, &shared]).unwrap(),
            [1., none, none, 4., 5., none, none, 8.]
        );
        let own = tensor(&[2, 2], &[1., 1., 1., 2.]);
        assert_eq!(
            run(Op::MaskSegments, &[&scores, &own]).unwrap(),
            [1., 2., 3., 4., 5., none, none, 8.]
        );
        assert!(run(Op::MaskSegments, &[&scores, &tensor(&[2], &[0.5, 1.])]).is_err());
    }
}
