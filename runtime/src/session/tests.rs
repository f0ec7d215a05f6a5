//! Calls in which one step fails, each step in turn: the session must answer rightly afterwards.

mod detached;

use super::*;
use crate::memory::faults::with_fault_behind;
use crate::test_support::{artifact, contents, expected, input, load, plan};

fn session() -> Session {
    load(artifact(contents(plan())), 3).unwrap()
}

fn assert_right(session: &Session, rows: usize) {
    let x = input(rows);
    let outputs = session.run(&[("x", &x)]).unwrap();
    assert_eq!(outputs[0].1.data, expected(&x).1, "{rows} rows");
}

fn with_copied_weights(artifact: Artifact) -> Result<Session, LoadError> {
    let options = Options { threads: 1, copies_weights: true, ..Options::default() };
    // SAFETY: the kernels are what their signatures say.
    unsafe { Session::new(artifact, options) }
}

#[test]
fn copied_weights_lie_outside_of_the_artifact_and_give_the_same_answers() {
    let lie_in_artifact = |session: &Session| {
        let bytes = session.artifact.bytes().as_ptr_range();
        let addresses = session.programs.weights.extents().iter().map(|extent| extent.start);
        addresses.map(|start| start as *const u8).any(|start| bytes.contains(&start))
    };
    assert!(lie_in_artifact(&session()));
    let copied = with_copied_weights(artifact(contents(plan()))).unwrap();
    assert!(!lie_in_artifact(&copied));
    assert_right(&copied, 5);
}

#[test]
fn without_room_for_a_copy_of_the_weights_loading_is_an_error() {
    let failing = |steps| {
        let artifact = artifact(contents(plan()));
        with_fault_behind(steps, || with_copied_weights(artifact)).0.err()
    };
    let errors: Vec<LoadError> = (0..).map_while(failing).collect();
    assert!(matches!(errors.as_slice(), [.., LoadError::Weights(_)]), "{errors:?}");
}

#[test]
fn whichever_step_of_a_call_fails_the_next_answers_are_right() {
    // The largest size needs another arena and more scratch memory, the same size nothing but outputs.
    for (before, failing) in [(5, 64), (64, 5), (5, 5)] {
        let mut failed = 0;
        loop {
            let (session, other) = (session(), session());
            assert_right(&session, before);
            let x = input(failing);
            let (result, was_met) = with_fault_behind(failed, || session.run(&[("x", &x)]));
            assert_eq!(result.is_err(), was_met, "step {failed}");
            if !was_met {
                break;
            }
            // Another session takes memory that the first may have given back.
            for rows in [before, 64, failing, before] {
                assert_right(&other, 64);
                assert_right(&session, rows);
            }
            failed += 1;
        }
        // Two outputs; and before those an arena and scratch memory.
        assert_eq!(failed, if failing > before { 4 } else { 2 }, "{before} rows, then {failing}");
    }
}
