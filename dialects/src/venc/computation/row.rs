//! One row after the other.

use crate::HostTensor;

/// Fills each row of the result from the row of x.
pub fn each_row(x: &HostTensor, out: &mut HostTensor, compute: impl Fn(&[f64], &mut [f32])) {
    let [from, to] = [&x.shape, &out.shape].map(|shape| shape.last().copied().unwrap_or(1));
    for (row, out) in x.data.chunks_exact(from).zip(out.data.chunks_exact_mut(to)) {
        let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        compute(&row, out);
    }
}
