//! Products of matrices, accumulated in f64.

use crate::venc::EvaluationError;

/// A matrix that is read by rows, or by columns where it stands for its transpose.
pub struct Matrix {
    elements: Vec<f64>,
    row_stride: isize,
    column_stride: isize,
}

impl Matrix {
    /// `width` numbers a row.
    pub fn new(numbers: &[f32], width: usize) -> Result<Self, EvaluationError> {
        let mut elements = room_for(&[numbers.len()])?;
        elements.extend(numbers.iter().map(|x| f64::from(*x)));
        Ok(Matrix { elements, row_stride: width as isize, column_stride: 1 })
    }

    /// It read by columns.
    pub fn transposed(self) -> Self {
        Matrix { row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }
}

/// Room for a matrix in f64.
pub fn room_for(shape: &[usize]) -> Result<Vec<f64>, EvaluationError> {
    let mut elements = vec![];
    match elements.try_reserve_exact(shape.iter().product()) {
        Ok(()) => Ok(elements),
        Err(_) => Err(EvaluationError::too_large("linear", shape, size_of::<f64>())),
    }
}

/// Sums, each rounded to f32 once.
pub fn round(sums: &[f64], out: &mut [f32]) {
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = *sum as f32);
}

/// `a[m, k] b[k, n]`
pub fn product(
    m: usize,
    k: usize,
    n: usize,
    a: &Matrix,
    b: &Matrix,
) -> Result<Vec<f64>, EvaluationError> {
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
