//! `linear` and `matmul`: products of matrices, accumulated in f64.

use super::ReferenceError;
use ocellus_dialects::HostTensor;

/// A matrix that is read by rows, or by columns where it stands for its transpose.
struct Matrix {
    elements: Vec<f64>,
    row_stride: isize,
    column_stride: isize,
}

impl Matrix {
    /// `width` numbers a row.
    fn new(numbers: &[f32], width: usize) -> Result<Self, ReferenceError> {
        let mut elements = room_for(&[numbers.len()])?;
        elements.extend(numbers.iter().map(|x| f64::from(*x)));
        Ok(Matrix { elements, row_stride: width as isize, column_stride: 1 })
    }

    fn transposed(self) -> Self {
        Matrix { row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }
}

/// Weights that are widened at once: in f64 all of a large one would need twice its memory.
const WEIGHTS_AT_ONCE: usize = 1 << 17;

/// Room for a matrix in f64.
fn room_for(shape: &[usize]) -> Result<Vec<f64>, ReferenceError> {
    let mut elements = vec![];
    match elements.try_reserve_exact(shape.iter().product()) {
        Ok(()) => Ok(elements),
        Err(_) => Err(ReferenceError::too_large("linear", shape, size_of::<f64>())),
    }
}

/// `x[.., k] weight[n, k]^T`.
pub(super) fn linear(
    x: &HostTensor,
    weight: &HostTensor,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
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

/// `x[.., k] weight[n, k]^T` for each slice of the columns of both, one result after the other.
pub(super) fn linear_slices(
    x: &HostTensor,
    weight: &HostTensor,
    slices: usize,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
    let &[n, k] = weight.shape.as_slice() else { return Ok(()) };
    let (rows, width) = (x.data.len() / k, k / slices);
    for (slice, out) in out.data.chunks_exact_mut((rows * n).max(1)).enumerate() {
        let x = Matrix::new(&x.data[slice * width..], k)?;
        let weight = Matrix::new(&weight.data[slice * width..], k)?.transposed();
        round(&product(rows, width, n, &x, &weight)?, out);
    }
    Ok(())
}

/// The sum over the first dimension.
pub(super) fn sum_slices(x: &HostTensor, out: &mut HostTensor) -> Result<(), ReferenceError> {
    let mut sums = room_for(&out.shape)?;
    sums.resize(out.data.len(), 0.0);
    for slice in x.data.chunks_exact(out.data.len().max(1)) {
        sums.iter_mut().zip(slice).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    round(&sums, &mut out.data);
    Ok(())
}

/// `a[.., m, k] b[.., k, n]`, or `b[.., n, k]` transposed.
pub(super) fn matmul(
    a: &HostTensor,
    b: &HostTensor,
    transpose_rhs: bool,
    out: &mut HostTensor,
) -> Result<(), ReferenceError> {
    let [.., m, k] = a.shape[..] else { return Ok(()) };
    let [.., n] = out.shape[..] else { return Ok(()) };
    let pairs = a.data.chunks_exact(m * k).zip(b.data.chunks_exact(k * n));
    for ((a, b), out) in pairs.zip(out.data.chunks_exact_mut(m * n)) {
        let b = match transpose_rhs {
            true => Matrix::new(b, k)?.transposed(),
            false => Matrix::new(b, n)?,
        };
        round(&product(m, k, n, &Matrix::new(a, k)?, &b)?, out);
    }
    Ok(())
}

/// Sums, each rounded to f32 once.
fn round(sums: &[f64], out: &mut [f32]) {
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = *sum as f32);
}

/// `a[m, k] b[k, n]`
fn product(
    m: usize,
    k: usize,
    n: usize,
    a: &Matrix,
    b: &Matrix,
) -> Result<Vec<f64>, ReferenceError> {
    assert!(a.elements.len() >= m * k && b.elements.len() >= k * n);
    let mut sums = room_for(&[m, n])?;
    sums.resize(m * n, 0.0);
    // SAFETY: the strides of `a` and `b` are those of contiguous `m x k` and `k x n` matrices or of the transpose of
    // one, and of `sums` those of a contiguous `m x n`, so every access lies inside the vectors, whose lengths the
    // assertion above has checked.
    unsafe {
        matrixmultiply::dgemm(
            m,
            k,
            n,
            1.0,
            a.elements.as_ptr(),
            a.row_stride,
            a.column_stride,
            b.elements.as_ptr(),
            b.row_stride,
            b.column_stride,
            0.0,
            sums.as_mut_ptr(),
            n as isize,
            1,
        );
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use crate::evaluate_op;
    use ocellus_dialects::HostTensor;
    use ocellus_dialects::venc::Op;

    fn counted(shape: &[usize]) -> HostTensor {
        let elements: usize = shape.iter().product();
        HostTensor::new(shape.to_vec(), (1..=elements).map(|x| x as f32).collect()).unwrap()
    }

    fn run(op: Op, a: &HostTensor, b: &HostTensor) -> HostTensor {
        evaluate_op(&op, &[a, b], &Default::default()).unwrap()
    }

    #[test]
    fn linear_multiplies_by_the_transposed_weight() {
        let out = run(Op::Linear, &counted(&[2, 3]), &counted(&[2, 3]));
        assert_eq!((out.shape, out.data), (vec![2, 2], vec![14.0, 32.0, 32.0, 77.0]));
    }

    #[test]
    fn the_slices_of_a_product_sum_to_it() {
        let (x, weight) = (counted(&[3, 4]), counted(&[2, 4]));
        let slices = run(Op::LinearSlices { slices: 2 }, &x, &weight);
        assert_eq!(slices.shape, vec![2, 3, 2]);
        assert_eq!(slices.data[..2], [1.0 + 4.0, 5.0 + 12.0]);
        let sum = Op::SumSlices { to: ocellus_dialects::ElementType::F32 };
        let sum = evaluate_op(&sum, &[&slices], &Default::default()).unwrap();
        assert_eq!(sum, run(Op::Linear, &x, &weight));
    }

    #[test]
    fn matmul_is_one_product_for_each_leading_index() {
        let out =
            run(Op::Matmul { transpose_rhs: false }, &counted(&[2, 1, 2]), &counted(&[2, 2, 2]));
        assert_eq!((out.shape, out.data), (vec![2, 1, 2], vec![7.0, 10.0, 43.0, 50.0]));
        let out =
            run(Op::Matmul { transpose_rhs: true }, &counted(&[2, 1, 2]), &counted(&[2, 2, 2]));
        assert_eq!(out.data, vec![5.0, 11.0, 39.0, 53.0]);
    }

    #[test]
    fn sums_are_accumulated_in_f64() {
        // In f32, 2^24 + 1 is 2^24: the small terms would vanish.
        let x = HostTensor::new(vec![1, 4], vec![16_777_216.0, 1.0, 1.0, -16_777_216.0]).unwrap();
        let ones = HostTensor::new(vec![1, 4], vec![1.0; 4]).unwrap();
        assert_eq!(run(Op::Linear, &x, &ones).data, vec![2.0]);
    }

    #[test]
    fn operands_that_do_not_fit_are_refused() {
        let error =
            evaluate_op(&Op::Linear, &[&counted(&[2, 3]), &counted(&[2, 4])], &Default::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("operand #1 `weight` is [2, 4]"), "{error}");
    }
}
