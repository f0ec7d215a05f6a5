//! Calls of one session from several threads at once: none waits for another, disturbs it, or leaves too much behind.

mod support;

use ocellus_runtime::{Outputs, Session};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, mpsc};
use std::time::Duration;
use support::*;

fn session(threads: usize) -> Session {
    load(artifact(contents(plan())), threads).expect("a valid artifact")
}

#[test]
fn a_call_that_takes_long_keeps_nobody_waiting() {
    for threads in [1, 2, 3] {
        let session = session(threads);
        let (done, all_done) = mpsc::channel();
        std::thread::scope(|scope| {
            let session = &session;
            // The first call goes on when the others are over.
            scope.spawn(move || {
                let mut observe = |label: &str, _| {
                    if label == "scaled" {
                        for _ in 0..3 {
                            let other = all_done.recv_timeout(Duration::from_secs(60));
                            other.expect("a call that does not wait for the first");
                        }
                    }
                };
                let x = input(64);
                let outputs =
                    session.run_observed(&[("x", &x)], &mut observe).expect("a good call");
                assert_eq!(outputs[0].1.data, expected(&x).1);
            });
            for rows in [64, 1, 33] {
                let done = done.clone();
                scope.spawn(move || {
                    let x = input(rows);
                    let outputs = session.run(&[("x", &x)]).expect("a good call");
                    assert_eq!(outputs[0].1.data, expected(&x).1);
                    done.send(()).expect("the first call waits");
                });
            }
        });
    }
}

#[test]
fn an_observer_may_call_the_session() {
    let session = session(2);
    let x = input(20);
    let mut answers = Vec::new();
    let mut observe = |_: &str, _| {
        answers.push(session.run(&[("x", &x)]).expect("a good call"));
    };
    let outputs = session.run_observed(&[("x", &x)], &mut observe).expect("a good call");
    assert_eq!(answers, [outputs.clone(), outputs]);
}

#[test]
fn memory_that_calls_no_longer_need_is_given_back() {
    let session = session(2);
    let x = input(64);
    let run = || session.run(&[("x", &x)]).expect("a good call");
    let arena = 64 * WIDTH * (4 + 2);
    let mut observe = |_: &str, _| drop(run());
    session.run_observed(&[("x", &x)], &mut observe).expect("a good call");
    assert_eq!(session.arena_bytes(), 2 * arena, "two calls at once");
    (0..990).for_each(|_| drop(run()));
    assert_eq!(session.arena_bytes(), 2 * arena);
    (0..20).for_each(|_| drop(run()));
    assert_eq!(session.arena_bytes(), arena);
}

/// Random numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[test]
fn answers_do_not_depend_on_who_else_calls() {
    for (threads, callers) in [(1, 4), (2, 2), (2, 8), (4, 3), (5, 9)] {
        let session = session(threads);
        let one_by_one: Vec<Outputs> = (1..=64)
            .map(|rows| session.run(&[("x", &input(rows))]).expect("a good call"))
            .collect();
        let start = Barrier::new(callers);
        std::thread::scope(|scope| {
            for caller in 0..callers {
                let (session, one_by_one, start) = (&session, &one_by_one, &start);
                scope.spawn(move || {
                    let mut numbers = Numbers(caller as u64);
                    start.wait();
                    for _ in 0..300 {
                        call_somehow(session, one_by_one, &mut numbers);
                    }
                });
            }
        });
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let largest = 64 * WIDTH * (4 + 2);
        let kept = session.arena_bytes();
        assert!(kept <= threads.max(cores) * largest, "{kept} bytes are kept");
    }
}

/// A call of a random size: a good one, one that is observed, one that is refused, or one whose observer panics.
fn call_somehow(session: &Session, one_by_one: &[Outputs], numbers: &mut Numbers) {
    let rows = 1 + numbers.below(64);
    let x = input(rows);
    let mut seen = 0;
    match numbers.below(10) {
        0 => assert!(session.run(&[("x", &input(65))]).is_err()),
        1 => {
            let panics = AssertUnwindSafe(|| {
                let mut observe = |_: &str, _| std::panic::resume_unwind(Box::new("on purpose"));
                session.run_observed(&[("x", &x)], &mut observe)
            });
            assert!(catch_unwind(panics).is_err());
        }
        2 => {
            let mut observe = |_: &str, tensor: ocellus_runtime::HostTensor| {
                seen += usize::from(tensor.shape == [rows, WIDTH]);
            };
            let outputs = session.run_observed(&[("x", &x)], &mut observe).expect("a good call");
            assert_eq!((&outputs, seen), (&one_by_one[rows - 1], 2));
        }
        _ => {
            let outputs = session.run(&[("x", &x)]).expect("a good call");
            assert_eq!(outputs, one_by_one[rows - 1]);
        }
    }
}

#[test]
fn an_observer_that_panics_leaves_the_session_as_it_was() {
    let session = session(1);
    let x = input(5);
    for label in ["scaled", "added"] {
        let call = std::panic::AssertUnwindSafe(|| {
            let mut observe =
                |seen: &str, _| assert_ne!(seen, label, "what the observer waits for");
            let _ = session.run_observed(&[("x", &x)], &mut observe);
        });
        assert!(std::panic::catch_unwind(call).is_err());
        let outputs = std::thread::scope(|scope| scope.spawn(|| session.run(&[("x", &x)])).join());
        let outputs = outputs.expect("no panic").expect("a good call");
        assert_eq!(outputs[0].1.data, expected(&x).1);
    }
}
