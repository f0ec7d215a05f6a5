//! Two tensors combined element by element, the right one repeated where it has fewer.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::{Application, VencError};

/// The type of `a`, where `b`'s dimensions are its last ones, or 1.
pub fn infer(app: &Application) -> Result<TensorType, VencError> {
    let [a, b] = app.take()?;
    app.same_element()?;
    let one = Dim::from(1);
    let fits = b.rank() <= a.rank()
        && b.shape.iter().rev().zip(a.shape.iter().rev()).all(|(b, a)| b == a || *b == one);
    if !fits {
        let reason = format!("and its dims must be the last ones of `a`, or 1; `a` is {a}");
        return Err(app.bad_operand(1, reason));
    }
    Ok(a.clone())
}

/// `function(a, b)` of each element of `a`.
pub fn combine(
    a: &HostTensor,
    b: &HostTensor,
    function: impl Fn(f64, f64) -> f64,
    out: &mut HostTensor,
) {
    for (position, (out, x)) in out.data.iter_mut().zip(&a.data).enumerate() {
        let y = b.data[broadcast_position(position, &a.shape, &b.shape)];
        *out = function(f64::from(*x), f64::from(y)) as f32;
    }
}

/// The element of `b` that meets the element of `a` at `position`.
fn broadcast_position(mut position: usize, a: &[usize], b: &[usize]) -> usize {
    let (mut sum, mut stride) = (0, 1);
    for (a, b) in a.iter().rev().zip(b.iter().rev()) {
        // A dimension of 1 stays at its only index.
        sum += (position % a).min(b - 1) * stride;
        position /= a;
        stride *= b;
    }
    sum
}

#[cfg(test)]
mod tests {
    use crate::venc::examples::{run, tensor};
    use crate::venc::{Add, Multiply};

    #[test]
    fn the_right_operand_is_repeated_over_missing_dims_and_dims_of_one() {
        let a = tensor(&[2, 2, 2], &[0., 1., 2., 3., 4., 5., 6., 7.]);
        let row = tensor(&[2], &[10., 20.]);
        assert_eq!(run(Add, &[&a, &row]).data, [10., 21., 12., 23., 14., 25., 16., 27.]);
        let column = tensor(&[2, 1], &[10., 20.]);
        assert_eq!(run(Add, &[&a, &column]).data, [10., 11., 22., 23., 14., 15., 26., 27.]);
        let image = tensor(&[2, 1, 1], &[1., -1.]);
        assert_eq!(run(Multiply, &[&a, &image]).data, [0., 1., 2., 3., -4., -5., -6., -7.]);
    }
}
