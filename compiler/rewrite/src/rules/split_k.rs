//! Products cut along k, for so few rows and columns that their tiles are fewer than the units of a target.
//!
//! ```text
//! x W^T  =  x[.., first half] W[.., first half]^T + x[.., second half] W[.., second half]^T
//! ```
//!
//! Each slice is a tile of its own, so there are as many tiles more; their sum is one launch more, into whose epilogue goes
//! what went into the product's. Partial products are f32, so nothing is rounded that the whole product does not round.

use super::Condition::*;
use super::Rule;

/// The rules of this group.
pub const RULES: &[Rule] = &[
    Rule {
        name: "linear-in-4-slices",
        left: "(linear ?x ?w)",
        right: "(sum_slices (linear_slices ?x ?w 4) (element_of ?x))",
        definitions: &[],
        conditions: &[NotWeightOnly("?x"), WeightOnly("?w"), HasSlices("?w", 4)],
        because: "A sum can be taken in parts.",
        example: "x: I T 512, w: weight N 512",
    },
    Rule {
        name: "linear-in-16-slices",
        left: "(linear ?x ?w)",
        right: "(sum_slices (linear_slices ?x ?w 16) (element_of ?x))",
        definitions: &[],
        conditions: &[NotWeightOnly("?x"), WeightOnly("?w"), HasSlices("?w", 16)],
        because: "A sum can be taken in parts.",
        example: "x: I T 2048, w: weight N 2048",
    },
];
