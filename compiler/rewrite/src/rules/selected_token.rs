//! One token of each image is all that is wanted: what computes each row by itself computes that one alone. So a
//! pooled class token makes most of what follows the last attention dead code.

use super::Condition::*;
use super::Rule;
use ocellus_dialects::kernel::Broadcast::Columns;

/// The rules of this group.
pub const RULES: &[Rule] = &[
    Rule {
        name: "select-token-before-linear",
        left: "(select_token (linear ?x ?w) ?index)",
        right: "(linear (select_token ?x ?index) ?w)",
        definitions: &[],
        conditions: &[],
        because: "Each row is multiplied by itself.",
        example: "x: I T+2 K, w: weight N K, index: 1",
    },
    Rule {
        name: "select-token-before-add",
        left: "(select_token (add ?a ?b) ?index)",
        right: "(add (select_token ?a ?index) (select_token ?b ?index))",
        definitions: &[],
        conditions: &[SameShape("?a", "?b")],
        because: "Each row is computed by itself.",
        example: "a: I T+2 K, b: I T+2 K, index: 1",
    },
    Rule {
        name: "select-token-before-add-columns",
        left: "(select_token (add ?a ?b) ?index)",
        right: "(add (select_token ?a ?index) ?b)",
        definitions: &[],
        conditions: &[Meets(Columns, "?a", "?b")],
        because: "Each row is computed by itself.",
        example: "a: I T+2 K, b: K, index: 1",
    },
    Rule {
        name: "select-token-before-multiply-columns",
        left: "(select_token (multiply ?a ?b) ?index)",
        right: "(multiply (select_token ?a ?index) ?b)",
        definitions: &[],
        conditions: &[Meets(Columns, "?a", "?b")],
        because: "Each row is computed by itself.",
        example: "a: I T+2 K, b: K, index: 1",
    },
    Rule {
        name: "select-token-before-activation",
        left: "(select_token (activate ?x ?f) ?index)",
        right: "(activate (select_token ?x ?index) ?f)",
        definitions: &[],
        conditions: &[],
        because: "Each element is computed by itself.",
        example: "x: I T+2 K, f: activation, index: 1",
    },
    Rule {
        name: "select-token-before-plain-layer-norm",
        left: "(select_token (layer_norm ?x ?eps) ?index)",
        right: "(layer_norm (select_token ?x ?index) ?eps)",
        definitions: &[],
        conditions: &[],
        because: "Each row is normalized by itself.",
        example: "x: I T+2 K, eps: 1e-6, index: 1",
    },
    Rule {
        name: "select-token-before-layer-norm",
        left: "(select_token (layer_norm ?x ?norm_weight ?bias ?eps) ?index)",
        right: "(layer_norm (select_token ?x ?index) ?norm_weight ?bias ?eps)",
        definitions: &[],
        conditions: &[],
        because: "Each row is normalized by itself.",
        example: "x: I T+2 K, norm_weight: weight K, bias: weight K, eps: 1e-6, index: 1",
    },
    Rule {
        name: "select-token-before-rms-norm",
        left: "(select_token (rms_norm ?x ?norm_weight ?eps) ?index)",
        right: "(rms_norm (select_token ?x ?index) ?norm_weight ?eps)",
        definitions: &[],
        conditions: &[],
        because: "Each row is normalized by itself.",
        example: "x: I T+2 K, norm_weight: weight K, eps: 1e-6, index: 1",
    },
];
