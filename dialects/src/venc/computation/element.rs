//! One element after the other.

use crate::HostTensor;

/// `function(x)` of each element.
pub fn each_element(x: &HostTensor, function: impl Fn(f64) -> f64, out: &mut HostTensor) {
    for (out, x) in out.data.iter_mut().zip(&x.data) {
        *out = function(f64::from(*x)) as f32;
    }
}
