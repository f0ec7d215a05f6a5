//! Calls on a device whose memory is not the host's: the answers are those of one whose is, to the bit.

use super::*;
use crate::devices::detached::{DetachedDevice, Log};
use crate::test_support::code;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn detached() -> (Session, Arc<Log>) {
    let log = Arc::new(Log::default());
    let artifact = artifact(contents(plan()));
    let variant = artifact.variants()[0].clone();
    let (device, signatures) = DetachedDevice::load(code(), &variant.plan, log.clone());
    let chosen = Chosen { variant, device, signatures, notes: vec![] };
    (Session::on(chosen, artifact, false).unwrap(), log)
}

/// Sizes of both programs, with some that come again.
const SIZES: [usize; 12] = [5, 40, 5, 6, 64, 1, 33, 5, 64, 64, 32, 40];

fn try_answers(session: &Session) -> Result<Vec<Outputs>, RunError> {
    SIZES.iter().map(|rows| session.run(&[("x", &input(*rows))])).collect()
}

fn answers(session: &Session) -> Vec<Outputs> {
    try_answers(session).unwrap()
}

fn attached() -> Vec<Outputs> {
    answers(&session())
}

#[test]
fn tensors_are_copied_and_weights_once() {
    let (detached, log) = detached();
    let weights = log.uploaded.load(Ordering::Relaxed);
    assert_eq!(weights, 16);
    assert_eq!(answers(&detached), attached());
    let bytes = |rows: usize| 16 * rows;
    let inputs: usize = SIZES.into_iter().map(bytes).sum();
    assert_eq!(log.uploaded.load(Ordering::Relaxed) - weights, inputs);
    let outputs: usize = SIZES.into_iter().map(|rows| bytes(rows) + 4 * rows.div_ceil(2)).sum();
    assert_eq!(log.downloaded.load(Ordering::Relaxed), outputs);
}

#[test]
fn a_graph_serves_all_sizes_of_its_program() {
    let (detached, log) = detached();
    assert_eq!(answers(&detached), attached());
    // One for each of the two programs, as one caller has one stream.
    assert_eq!(log.graphs.load(Ordering::Relaxed), 2);
    let patched = || log.patched_words.load(Ordering::Relaxed);
    let x = input(40);
    detached.run(&[("x", &x)]).unwrap();
    let before = patched();
    detached.run(&[("x", &x)]).unwrap();
    assert_eq!(patched(), before, "nothing of the same size has changed");
}

/// Leaves out one change of a graph, each in turn: a fault of the device, or a wrong answer. Those that show in neither
/// are addresses and sizes of what only observers see, and of which more is computed than is needed.
#[test]
fn a_change_that_is_forgotten_shows() {
    let right = attached();
    let (mut forgotten, mut shown) = (0, 0);
    loop {
        let (detached, log) = detached();
        *log.forgotten.lock().unwrap() = Some(forgotten);
        let wrong = try_answers(&detached).ok().as_ref() != Some(&right);
        if log.forgotten.lock().unwrap().is_some_and(|left| left < usize::MAX / 2) {
            break;
        }
        forgotten += 1;
        shown += usize::from(wrong);
    }
    println!("{shown} of {forgotten} changes show in an answer when they are forgotten");
    assert!(forgotten > 20 && shown > forgotten / 2, "{shown} of {forgotten}");
}

#[test]
fn observers_see_what_lies_on_the_device() {
    let seen = |session: &Session| {
        let mut seen = Vec::new();
        let mut observe = |label: &str, tensor| seen.push((label.to_string(), tensor));
        let outputs = session.run_observed(&[("x", &input(33))], &mut observe).unwrap();
        (seen, outputs)
    };
    let (detached, _) = detached();
    assert_eq!(seen(&detached), seen(&session()));
    let (outputs, times) = detached.run_profiled(&[("x", &input(33))]).unwrap();
    assert_eq!((outputs.len(), times.len()), (2, 3));
}

#[test]
fn an_observer_that_panics_takes_its_stream_with_it() {
    let (detached, log) = detached();
    let x = input(20);
    let panics = std::panic::AssertUnwindSafe(|| {
        let mut observe = |_: &str, _| std::panic::resume_unwind(Box::new("on purpose"));
        detached.run_observed(&[("x", &x)], &mut observe)
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(detached.run(&[("x", &x)]).unwrap()[0].1.data, expected(&x).1);
    // That of the weights, and one for each call.
    assert_eq!(log.streams.load(Ordering::Relaxed), 3);
}

#[test]
fn calls_of_several_threads_have_streams_of_their_own() {
    let (detached, log) = detached();
    let right = attached();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(answers(&detached), right)));
        }
    });
    assert!(detached.arena_bytes() > 0);
    assert!(log.streams.load(Ordering::Relaxed) > 1);
}

#[test]
fn a_device_that_fails_takes_one_call_with_it() {
    let (detached, log) = detached();
    let x = input(20);
    let run = || detached.run(&[("x", &x)]);
    run().unwrap();
    let streams = log.streams.load(Ordering::Relaxed);
    *log.fails.lock().unwrap() = true;
    assert!(matches!(run(), Err(RunError::Device(_))));
    assert_eq!(run().unwrap()[0].1.data, expected(&x).1);
    assert_eq!(log.streams.load(Ordering::Relaxed), streams + 1, "the stream that failed is gone");
}

#[test]
fn a_device_without_memory_says_what_for() {
    let (detached, log) = detached();
    let run = |rows| detached.run(&[("x", &input(rows))]);
    run(5).unwrap();
    *log.memory.lock().unwrap() = Some(1000);
    let error = run(64).unwrap_err().to_string();
    assert!(error.starts_with("cannot allocate") && error.contains("the arena"), "{error}");
    assert_eq!(run(5).unwrap()[0].1.data, expected(&input(5)).1);
}
