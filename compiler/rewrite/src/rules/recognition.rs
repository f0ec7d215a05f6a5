//! Mathematics into an operation that one kernel does: attention.

use super::Rule;

/// The rules of this group.
pub const RULES: &[Rule] = &[
    Rule {
        name: "attention",
        left: "(merge_heads (matmul (softmax (scale (matmul (split_heads ?q ?heads) (split_heads ?k ?heads) true)
                                                    ?scale)) (split_heads ?v ?heads) false))",
        right: "(attention (read ?q) (read ?k) (read ?v) ?heads ?scale end)",
        definitions: &[],
        conditions: &[],
        because: "This is the definition of multi-head attention (Vaswani et al., arXiv:1706.03762).",
        example: "q: I Q H*D, k: I T H*D, v: I T H*D, heads: dim H, scale: number",
    },
    Rule {
        name: "attention-without-scale",
        left: "(merge_heads (matmul (softmax (matmul (split_heads ?q ?heads) (split_heads ?k ?heads) true)) (split_heads ?v ?heads) false))",
        right: "(attention (read ?q) (read ?k) (read ?v) ?heads 1.0 end)",
        definitions: &[],
        conditions: &[],
        because: "This is the definition of multi-head attention, with a factor of one.",
        example: "q: I Q H*D, k: I T H*D, v: I T H*D, heads: dim H",
    },
    Rule {
        name: "attention-in-segments",
        left: "(merge_heads (matmul (softmax (mask_segments
                                        (scale (matmul (split_heads ?q ?heads) (split_heads ?k ?heads) true) ?scale)
                                        ?segments)) (split_heads ?v ?heads) false))",
        right: "(attention (read ?q) (read ?k) (read ?v) ?heads ?scale (list (read ?segments) end))",
        definitions: &[],
        conditions: &[],
        because: "This is the definition of multi-head attention; a masked score has the weight zero.",
        example: "q: I T H*D, k: I T H*D, v: I T H*D, heads: dim H, scale: number, segments: segments I T",
    },
    Rule {
        name: "attention-in-segments-without-scale",
        left: "(merge_heads (matmul (softmax (mask_segments
                                        (matmul (split_heads ?q ?heads) (split_heads ?k ?heads) true) ?segments)) (split_heads ?v ?heads) false))",
        right: "(attention (read ?q) (read ?k) (read ?v) ?heads 1.0 (list (read ?segments) end))",
        definitions: &[],
        conditions: &[],
        because: "This is the definition of multi-head attention, with a factor of one.",
        example: "q: I T H*D, k: I T H*D, v: I T H*D, heads: dim H, segments: segments I T",
    },
    Rule {
        name: "attention-with-scaled-queries",
        left: "(attention (read (scale ?q ?f)) ?k ?v ?heads ?scale ?mask)",
        right: "(attention (read ?q) ?k ?v ?heads (times ?scale ?f) ?mask)",
        definitions: &[],
        conditions: &[],
        because: "Scores are linear in the queries.",
        example: "q: I T H*D, f: number, k: operand I T H*D, v: operand I T H*D, heads: dim H, scale: number,
                  mask: mask I T",
    },
];
