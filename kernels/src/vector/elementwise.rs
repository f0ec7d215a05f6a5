//! The functions of one number that kernels fuse into what stores it.

use super::activation::{activate, between};
use super::functions::constant;
use crate::mlir::{Builder, Value};
use ocellus_dialects::venc::{Activate, Clamp, Elementwise, Scale};

/// The function of each lane.
pub fn elementwise(b: &mut Builder, function: Elementwise, x: Value) -> Value {
    match function {
        Elementwise::Activate(Activate { function }) => activate(b, function, x),
        Elementwise::Clamp(Clamp { min, max }) => between(b, x, min, max),
        Elementwise::Scale(Scale { factor }) => {
            let factor = constant(b, factor, x);
            b.mul(x, factor)
        }
    }
}

/// Arithmetic for one element of an activation, about.
pub const ACTIVATION_FLOPS: i64 = 24;

/// Arithmetic for one element, about.
pub fn elementwise_flops(function: Elementwise) -> i64 {
    match function {
        Elementwise::Activate(_) => ACTIVATION_FLOPS,
        Elementwise::Clamp(_) => 2,
        Elementwise::Scale(_) => 1,
    }
}
