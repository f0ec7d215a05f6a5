//! Work moved into the weights, where it is done once, at compile time: the weights and biases of norms, scales, products.
//!
//! Products and sums are associative, and a chain of n could be bracketed in as many ways as Catalan numbers count. So each
//! has one bracketing here: what is taken in is never itself what these rules made (`NoProduct`, `NoSum`). From
//! `x A B C D` come `(x A)(BCD)`, `(x A B)(CD)`, and all others, where each product grows by one factor at a time: as many
//! terms as there are pairs of a beginning and an end.
//!
//! All of it demands weights in f32. A bf16 weight times the bf16 weight of a norm is rounded to bf16 again: the encoders of
//! the goldens are then further from `transformers` in f32 than `transformers` in bf16 is.

use super::Condition::*;
use super::Rule;

/// The rules of this group.
pub const RULES: &[Rule] = &[
    Rule {
        name: "layer-norm-into-weight",
        left: "(linear (layer_norm ?x ?norm_weight ?bias ?eps) ?w)",
        right: "(add (linear (layer_norm ?x ?eps) (multiply ?w ?norm_weight)) (linear ?bias ?w))",
        definitions: &[],
        conditions: &[
            Unrounded("?w"),
            WeightOnly("?w"),
            WeightOnly("?norm_weight"),
            WeightOnly("?bias"),
            NoProduct("?w"),
        ],
        because: "The weight of the norm scales the columns of the weight, and the bias is the same for each row.",
        example: "x: I T K, norm_weight: weight K, bias: weight K, eps: 1e-6, w: weight N K",
    },
    Rule {
        name: "rms-norm-into-weight",
        left: "(linear (rms_norm ?x ?norm_weight ?eps) ?w)",
        right: "(linear (rms_norm ?x ?eps) (multiply ?w ?norm_weight))",
        definitions: &[],
        conditions: &[Unrounded("?w"), WeightOnly("?w"), WeightOnly("?norm_weight"), NoProduct("?w")],
        because: "The weight of the norm scales the columns of the weight.",
        example: "x: I T K, norm_weight: weight K, eps: 1e-6, w: weight N K",
    },
    Rule {
        name: "add-columns-at-once",
        left: "(add (add ?x ?a) ?b)",
        right: "(add ?x (add ?a ?b))",
        definitions: &[],
        conditions: &[
            Unrounded("?a"),
            WeightOnly("?a"),
            WeightOnly("?b"),
            Rank("?a", 1),
            Rank("?b", 1),
            NoSum("?b"),
            HasNoBias("?x"),
        ],
        because: "Addition is associative, and the sum of two biases is a bias.",
        example: "x: I T K, a: weight K, b: weight K",
    },
    Rule {
        name: "scale-of-attention-into-weight",
        left: "(attention (read (add (linear ?x ?w) ?b)) ?k ?v ?heads ?scale ?mask)",
        right: "(attention (read (add (linear ?x (scale ?w ?scale)) (scale ?b ?scale))) ?k ?v ?heads 1.0 ?mask)",
        definitions: &[],
        conditions: &[Unrounded("?w"), WeightOnly("?w"), WeightOnly("?b"), Rank("?b", 1)],
        because: "Scores are linear in the queries, and these in their weight and bias.",
        example: "x: I T K, w: weight H*D K, b: weight H*D, k: operand I T H*D, v: operand I T H*D, heads: dim H,
                  scale: number, mask: mask I T",
    },
    Rule {
        name: "scale-of-attention-into-weight-without-bias",
        left: "(attention (read (linear ?x ?w)) ?k ?v ?heads ?scale ?mask)",
        right: "(attention (read (linear ?x (scale ?w ?scale))) ?k ?v ?heads 1.0 ?mask)",
        definitions: &[],
        conditions: &[Unrounded("?w"), WeightOnly("?w")],
        because: "Scores are linear in the queries, and these in their weight.",
        example: "x: I T K, w: weight H*D K, k: operand I T H*D, v: operand I T H*D, heads: dim H, scale: number,
                  mask: mask I T",
    },
    Rule {
        name: "product-of-weights",
        left: "(linear (linear ?x ?a) ?b)",
        right: "(linear ?x (matmul ?b ?a false))",
        definitions: &[],
        conditions: &[
            NotWeightOnly("?x"),
            Unrounded("?a"),
            WeightOnly("?a"),
            WeightOnly("?b"),
            NoProduct("?b"),
        ],
        because: "Products are associative. It is less work where the width between them is the greatest of the three.",
        example: "x: I T K, a: weight M K, b: weight N M",
    },
    Rule {
        name: "product-of-weights-past-bias",
        left: "(linear (add (linear ?x ?a) ?c) ?b)",
        right: "(add (linear ?x (matmul ?b ?a false)) (linear ?c ?b))",
        definitions: &[],
        conditions: &[
            NotWeightOnly("?x"),
            Unrounded("?a"),
            Unrounded("?c"),
            WeightOnly("?a"),
            WeightOnly("?b"),
            WeightOnly("?c"),
            Rank("?c", 1),
            NoProduct("?b"),
        ],
        because: "A product is linear in its left factor, and products are associative.",
        example: "x: I T K, a: weight M K, c: weight M, b: weight N M",
    },
    Rule {
        name: "bias-past-linear",
        left: "(linear (add ?x ?c) ?w)",
        right: "(add (linear ?x ?w) (linear ?c ?w))",
        definitions: &[],
        conditions: &[
            NotWeightOnly("?x"),
            Unrounded("?c"),
            WeightOnly("?c"),
            WeightOnly("?w"),
            Rank("?c", 1),
            NoProduct("?w"),
            TakesNoWeight("?x"),
        ],
        because: "A product is linear in its left factor.",
        example: "x: I T K, c: weight K, w: weight N K",
    },
];
