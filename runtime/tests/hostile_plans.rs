//! Plans whose numbers are anything, run by honest kernels: an error, or a run that stays inside its memory and leaves
//! what it was lent as it was.

mod support;

use ocellus_dialects::plan::Plan;
use ocellus_runtime::{Artifact, ArtifactWriter, HostTensor};
use proptest::prelude::*;
use support::replace_numbers::replace_numbers;
use support::{WEIGHT, contents, input, load, plan};

/// Numbers near the bounds of what a plan may say, and far outside.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -2i64..70,
        1 => prop::sample::select(vec![
            i64::MIN, i64::MAX, i64::MAX - 63, 1 << 31, 1 << 32, 1 << 40, 1 << 60, u32::MAX as i64,
        ]),
    ]
}

/// Plan and artifact, where the writer takes them.
fn artifact(plan: Plan) -> Option<Artifact> {
    let mut writer = ArtifactWriter::in_memory(contents(plan)).ok()?;
    writer.write_weight("weight", WEIGHT.map(f32::to_le_bytes)).ok()?;
    writer.finish().ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn run_or_give_an_error(
        edits in prop::collection::vec((any::<prop::sample::Index>(), number()), 1..5),
        (rows, others) in (1usize..66, 1usize..66),
    ) {
        let plan = plan();
        let text = serde_json::to_string(&plan).expect("a plan is JSON");
        let Ok(plan) = serde_json::from_str(&replace_numbers(&text, &edits)) else { return Ok(()) };
        let Some(artifact) = artifact(plan) else { return Ok(()) };
        let Ok(session) = load(artifact, 2) else { return Ok(()) };
        // Two sizes in turn: what a failed call leaves behind must not be used by the next.
        for rows in [rows, others, rows, others] {
            let x = input(rows);
            let mut seen = 0;
            let mut read = |_: &str, tensor: HostTensor| seen += tensor.data.len();
            if let Ok(outputs) = session.run_observed(&[("x", &x)], &mut read) {
                prop_assert_eq!(outputs.len(), 2);
            }
            prop_assert_eq!(x, input(rows));
        }
    }
}
