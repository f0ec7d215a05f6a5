//! MLIR holds a program of `kernel` against the dialect.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_mlir::Context;

/// A program with every kind of value, prologues and epilogues, as the dialect's printer writes it.
const PROGRAM: &str = include_str!("../../tests/filetests/kernel/block.mlir");

#[test]
fn launches_are_checked_by_the_dialect() {
    let context = Context::new().unwrap();
    let text = PROGRAM;
    context.check(text).unwrap();
    for (from, to, message) in [
        ("%8 = \"kernel.attention\"", "%8 = \"kernel.attend\"", "kernel.attend"),
        ("heads = 4", "heads = 4.0", "builtin.integer"),
        ("{broadcast = \"full\"}", "{broadcast = \"some\"}", "kernel.add"),
        ("{activation = \"silu\"}", "{activation = \"swish\"}", "kernel.gate"),
        ("-> !kernel.fused", "-> tensor<2xf32>", "kernel.fused"),
    ] {
        assert!(text.contains(from));
        let error = context.check(&text.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(message), "{from} -> {to}: {error}");
    }
}
