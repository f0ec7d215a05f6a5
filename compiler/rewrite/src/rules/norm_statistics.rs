//! A norm before a product as a correction behind it: the product reads rows as they are, and each row of the result is
//! multiplied by one number, found in a pass of its own. Where many units would each prepare the same rows, once is less
//! work; on a few cores that is seldom more than the launch.
//!
//! ```text
//! (x - mean) * scale * W^T  =  scale * (x - mean) * W^T  =  scale * (x * centered(W)^T)
//! ```
//!
//! The mean needs no correction: taking it off the rows of x is to take it off the rows of W, which is done once. But the
//! products of the mean now cancel in the sum instead of before it. In f32 their rounding leaves an error in proportion
//! to `1 + |mean| / deviation`, and no program says how large that is: it is a property of the data. So the rule for
//! layer norms demands that the user assumes it small ([`Assumption::CenteredRows`](super::Assumption)). A root mean
//! square takes nothing off, and its rule holds for all data.

use super::Condition::*;
use super::{Assumption, Rule};

/// The rules of this group.
pub const RULES: &[Rule] = &[
    Rule {
        name: "rms-norm-behind-linear",
        left: "(linear (rms_norm ?x ?eps) ?w)",
        right: "(multiply (linear ?x ?w) (norm_scale ?x false ?eps))",
        definitions: &[],
        conditions: &[Unrounded("?x"), NotWeightOnly("?x"), WeightOnly("?w")],
        because: "A product is linear in each row of its left factor.",
        example: "x: I T K, eps: 1e-6, w: weight N K",
    },
    Rule {
        name: "layer-norm-behind-linear",
        left: "(linear (layer_norm ?x ?eps) ?w)",
        right: "(multiply (linear ?x (center ?w)) (norm_scale ?x true ?eps))",
        definitions: &[],
        conditions: &[
            Assumed(Assumption::CenteredRows),
            Unrounded("?x"),
            NotWeightOnly("?x"),
            WeightOnly("?w"),
        ],
        because: "A product is linear in each row of its left factor, and to take the mean off that row is to take it off \
                  each row of the weight.",
        example: "x: I T K, eps: 1e-6, w: weight N K",
    },
];
