//! Rotary embeddings brought to attention, past what stands between.

use super::Condition::*;
use super::Rule;

/// The rules of this group.
pub const RULES: &[Rule] = &[
    Rule {
        name: "rope-of-scaled",
        left: "(rope (scale ?x ?f) ?cos ?sin ?heads)",
        right: "(scale (rope ?x ?cos ?sin ?heads) ?f)",
        definitions: &[],
        conditions: &[],
        because: "A rotation is linear.",
        example: "x: I T H*2*D, f: number, cos: T 2*D, sin: T 2*D, heads: dim H",
    },
    Rule {
        name: "merge-rotary-qkv-with-bias",
        left: "(attention (read (rope (add (linear ?x ?wq) ?bq) ?cos ?sin ?heads))
                          (read (rope (add (linear ?x ?wk) ?bk) ?cos ?sin ?heads))
                          (read (add (linear ?x ?wv) ?bv)) ?heads ?scale ?mask)",
        right: "(attention (read (rope (slice_columns ?merged 0 ?n) ?cos ?sin ?heads))
                           (read (rope (slice_columns ?merged ?n ?m) ?cos ?sin ?heads))
                           (read (slice_columns ?merged (plus ?n ?m) (first_dim ?wv))) ?heads ?scale ?mask)",
        definitions: &[
            ("?merged", "(add (linear ?x (concat ?weights 0)) (concat ?biases 0))"),
            ("?weights", "(list (read ?wq) (list (read ?wk) (list (read ?wv) end)))"),
            ("?biases", "(list (read ?bq) (list (read ?bk) (list (read ?bv) end)))"),
            ("?n", "(first_dim ?wq)"),
            ("?m", "(first_dim ?wk)"),
        ],
        conditions: &[
            WeightOnly("?wq"),
            WeightOnly("?wk"),
            WeightOnly("?wv"),
            Rank("?bq", 1),
            Rank("?bk", 1),
            Rank("?bv", 1),
        ],
        because: "The columns of a product depend each on one row of the weight and one entry of the bias.",
        example: "x: I T K, wq: weight H*2*D K, wk: weight H*2*D K, wv: weight H*2*D K, bq: weight H*2*D,
                  bk: weight H*2*D, bv: weight H*2*D, cos: T 2*D, sin: T 2*D, heads: dim H, scale: number,
                  mask: mask I T",
    },
    Rule {
        name: "merge-rotary-qkv",
        left: "(attention (read (rope (linear ?x ?wq) ?cos ?sin ?heads)) (read (rope (linear ?x ?wk) ?cos ?sin ?heads))
                          (read (linear ?x ?wv)) ?heads ?scale ?mask)",
        right: "(attention (read (rope (slice_columns ?merged 0 ?n) ?cos ?sin ?heads))
                           (read (rope (slice_columns ?merged ?n ?m) ?cos ?sin ?heads))
                           (read (slice_columns ?merged (plus ?n ?m) (first_dim ?wv))) ?heads ?scale ?mask)",
        definitions: &[
            ("?merged", "(linear ?x (concat ?weights 0))"),
            ("?weights", "(list (read ?wq) (list (read ?wk) (list (read ?wv) end)))"),
            ("?n", "(first_dim ?wq)"),
            ("?m", "(first_dim ?wk)"),
        ],
        conditions: &[WeightOnly("?wq"), WeightOnly("?wk"), WeightOnly("?wv")],
        because: "The columns of a product depend each on one row of the weight.",
        example: "x: I T K, wq: weight H*2*D K, wk: weight H*2*D K, wv: weight H*2*D K, cos: T 2*D, sin: T 2*D,
                  heads: dim H, scale: number, mask: mask I T",
    },
];
