//! MLIR holds a host program against the `plan` dialect.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_mlir::Context;

/// What the dialect's printer writes.
fn text(snapshot: &str) -> &str {
    snapshot.splitn(3, "---\n").nth(2).unwrap()
}

/// A gemm and a copy.
const PROGRAM: &str = include_str!("../../tests/filetests/plan/gemm_and_copy.mlir");

/// The same where numbers name what is not there.
const LYING: &str = include_str!(
    "../../dialects/src/plan/snapshots/ocellus_dialects__plan__print__tests__a_plan_whose_numbers_lie_is_still_shown.snap"
);

#[test]
fn the_host_program_is_checked_by_the_dialect() {
    let context = Context::new().unwrap();
    context.check(PROGRAM).unwrap();
    let damaged = PROGRAM.replace("tiles = ", "tile = ");
    let error = context.check(&damaged).unwrap_err().to_string();
    assert!(error.contains("plan.launch") && error.contains("tiles"), "{error}");
}

#[test]
fn a_plan_whose_numbers_lie_is_text_all_the_same() {
    Context::new().unwrap().check(text(LYING)).unwrap();
}
