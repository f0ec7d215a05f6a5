//! Operations that move elements: patches, heads, slices, concatenation; and the mean over tokens.

use super::ReferenceError;
use ocellus_dialects::HostTensor;

/// `[images, channels, H, W] -> [images, (H / height) * (W / width), channels * height * width]`.
pub(super) fn patchify(
    image: &HostTensor,
    height: usize,
    width: usize,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
    let [_, channels, image_height, image_width] = image.shape[..] else { return Ok(()) };
    let (rows, cols) = (image_height / height, image_width / width);
    if out.shape[1] != rows * cols {
        return Err(ReferenceError::ResultShape {
            op: "patchify",
            given: vec![image.shape[0], rows * cols, out.shape[2]],
            declared: format!("{:?}", out.shape),
        });
    }
    let patch_length = channels * height * width;
    for (position, patch) in out.data.chunks_exact_mut(patch_length).enumerate() {
        let (image_index, row, col) =
            (position / (rows * cols), position / cols % rows, position % cols);
        for (offset, pixel) in patch.iter_mut().enumerate() {
            let channel = offset / (height * width);
            let y = row * height + offset / width % height;
            let x = col * width + offset % width;
            let plane = image_index * channels + channel;
            *pixel = image.data[(plane * image_height + y) * image_width + x];
        }
    }
    Ok(())
}

/// `[images, tokens, heads * d] -> [images, heads, tokens, d]`.
pub(super) fn split_heads(x: &HostTensor, out: &mut HostTensor) {
    let [_, heads, tokens, depth] = out.shape[..] else { return };
    exchange(&x.data, tokens, heads, depth, &mut out.data);
}

/// `[images, heads, tokens, d] -> [images, tokens, heads * d]`.
pub(super) fn merge_heads(x: &HostTensor, out: &mut HostTensor) {
    let [_, heads, tokens, depth] = x.shape[..] else { return };
    exchange(&x.data, heads, tokens, depth, &mut out.data);
}

/// `[.., rows, cols, depth] -> [.., cols, rows, depth]`.
fn exchange(from: &[f32], rows: usize, cols: usize, depth: usize, to: &mut [f32]) {
    let block = rows * cols * depth;
    for (from, to) in from.chunks_exact(block).zip(to.chunks_exact_mut(block)) {
        for (position, to) in to.chunks_exact_mut(depth).enumerate() {
            let (col, row) = (position / rows, position % rows);
            to.copy_from_slice(&from[(row * cols + col) * depth..][..depth]);
        }
    }
}

/// The parts one after the other along `axis`.
pub(super) fn concat(parts: &[&HostTensor], axis: usize, out: &mut HostTensor) {
    let inside: Vec<usize> = parts.iter().map(|part| part.shape[axis..].iter().product()).collect();
    for (outer, mut slab) in out.data.chunks_exact_mut(inside.iter().sum()).enumerate() {
        for (part, length) in parts.iter().zip(&inside) {
            let (head, tail) = slab.split_at_mut(*length);
            head.copy_from_slice(&part.data[outer * length..][..*length]);
            slab = tail;
        }
    }
}

/// Each row from the column `start` on, as many columns as the result has.
pub(super) fn columns(x: &HostTensor, start: usize, out: &mut HostTensor) {
    let [Some(from), Some(to)] = [x.shape.last(), out.shape.last()] else { return };
    for (row, out) in x.data.chunks_exact(*from).zip(out.data.chunks_exact_mut(*to)) {
        out.copy_from_slice(&row[start..][..*to]);
    }
}

/// The tokens of each image from `start` on, as many as the result has.
pub(super) fn tokens(x: &HostTensor, start: usize, out: &mut HostTensor) {
    let [images, tokens, width] = x.shape[..] else { return };
    let length = out.data.len() / images;
    for (image, out) in x.data.chunks_exact(tokens * width).zip(out.data.chunks_exact_mut(length)) {
        out.copy_from_slice(&image[start * width..][..length]);
    }
}

/// `[images, tokens, n] -> [images, n]`.
pub(super) fn mean_tokens(x: &HostTensor, out: &mut HostTensor) {
    let [_, tokens, width] = x.shape[..] else { return };
    let images = x.data.chunks_exact(tokens * width).zip(out.data.chunks_exact_mut(width));
    for (image, out) in images {
        for (column, mean) in out.iter_mut().enumerate() {
            let sum: f64 = image.iter().skip(column).step_by(width).map(|x| f64::from(*x)).sum();
            *mean = (sum / tokens as f64) as f32;
        }
    }
}

/// The same for each image.
pub(super) fn expand(x: &HostTensor, out: &mut HostTensor) {
    out.data.chunks_exact_mut(x.data.len()).for_each(|image| image.copy_from_slice(&x.data));
}

#[cfg(test)]
mod tests {
    use crate::evaluate_op;
    use ocellus_dialects::HostTensor;
    use ocellus_dialects::symbolic::Dim;
    use ocellus_dialects::venc::Op;

    /// A tensor of 0, 1, 2 …, so that a result says where each element came from.
    fn counted(shape: &[usize]) -> HostTensor {
        let elements: usize = shape.iter().product();
        HostTensor::new(shape.to_vec(), (0..elements).map(|x| x as f32).collect()).unwrap()
    }

    fn run(op: Op, operands: &[&HostTensor]) -> (Vec<usize>, Vec<f32>) {
        let out = evaluate_op(&op, operands, &Default::default()).unwrap();
        (out.shape, out.data)
    }

    fn patchify(rows: i64, cols: i64) -> Op {
        Op::Patchify { height: 1, width: 2, rows: rows.into(), cols: cols.into() }
    }

    #[test]
    fn patches_go_row_by_row_and_drop_the_remainder() {
        // Two channels of 2 x 5 pixels: the last column of each row is left over.
        let (shape, data) = run(patchify(2, 2), &[&counted(&[1, 2, 2, 5])]);
        assert_eq!(shape, [1, 4, 4]);
        #[rustfmt::skip]
        assert_eq!(data, [0., 1., 10., 11.,  2., 3., 12., 13.,  5., 6., 15., 16.,  7., 8., 17., 18.]);
    }

    #[test]
    fn patches_that_are_not_the_images_are_refused() {
        let image = counted(&[1, 2, 2, 5]);
        let error = evaluate_op(&patchify(2, 3), &[&image], &Default::default()).unwrap_err();
        assert!(error.to_string().contains("gives the dims [1, 4, 4]"), "{error}");
    }

    #[test]
    fn heads_are_split_and_merged() {
        let x = counted(&[1, 2, 6]);
        let (shape, data) = run(Op::SplitHeads { heads: 3 }, &[&x]);
        assert_eq!(shape, [1, 3, 2, 2]);
        assert_eq!(data, [0., 1., 6., 7., 2., 3., 8., 9., 4., 5., 10., 11.]);
        let split = HostTensor::new(shape, data).unwrap();
        assert_eq!(run(Op::MergeHeads, &[&split]), (x.shape, x.data));
    }

    #[test]
    fn concat_follows_the_axis() {
        let (a, b) = (counted(&[2, 1, 2]), counted(&[2, 2, 2]));
        let (shape, data) = run(Op::Concat { axis: 1 }, &[&a, &b]);
        assert_eq!(shape, [2, 3, 2]);
        assert_eq!(data, [0., 1., 0., 1., 2., 3., 2., 3., 4., 5., 6., 7.]);
        let (shape, data) = run(Op::Concat { axis: 2 }, &[&a, &a]);
        assert_eq!((shape, data), (vec![2, 1, 4], vec![0., 1., 0., 1., 2., 3., 2., 3.]));
    }

    #[test]
    fn slices_take_columns_and_tokens() {
        let x = counted(&[2, 2, 3]);
        let (shape, data) = run(Op::Columns { start: 1, length: 2 }, &[&x]);
        assert_eq!((shape, data), (vec![2, 2, 2], vec![1., 2., 4., 5., 7., 8., 10., 11.]));
        let (shape, data) = run(Op::Tokens { start: 1, length: 1.into() }, &[&x]);
        assert_eq!((shape, data), (vec![2, 1, 3], vec![3., 4., 5., 9., 10., 11.]));
        let (shape, data) = run(Op::SelectToken { index: 0 }, &[&x]);
        assert_eq!((shape, data), (vec![2, 3], vec![0., 1., 2., 6., 7., 8.]));
    }

    #[test]
    fn the_mean_is_over_tokens() {
        let (shape, data) = run(Op::MeanTokens, &[&counted(&[2, 2, 3])]);
        assert_eq!((shape, data), (vec![2, 3], vec![1.5, 2.5, 3.5, 7.5, 8.5, 9.5]));
    }

    #[test]
    fn expand_repeats_and_reshape_keeps() {
        let x = counted(&[1, 2]);
        let (shape, data) = run(Op::Expand { images: 2.into() }, &[&x]);
        assert_eq!((shape, data), (vec![2, 2], vec![0., 1., 0., 1.]));
        let (shape, data) = run(Op::Reshape { shape: vec![Dim::from(2)] }, &[&x]);
        assert_eq!((shape, data), (vec![2], vec![0., 1.]));
    }

    #[test]
    fn a_result_beyond_memory_is_an_error() {
        let op = Op::Expand { images: Dim::from(i64::MAX / 8) };
        let error = evaluate_op(&op, &[&counted(&[1, 64])], &Default::default()).unwrap_err();
        assert!(error.to_string().contains("does not fit in memory"), "{error}");
    }
}
