//! Calls of one session from several threads: each waits its turn, and no caller takes the next one's.

mod support;

use ocellus_runtime::Session;
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use support::*;

fn session() -> Session {
    load(artifact(contents(plan())), 1).expect("a valid artifact")
}

#[test]
fn callers_are_served_in_the_order_in_which_they_came() {
    let session = session();
    let order = Mutex::new(Vec::new());
    let served = |caller: &'static str| order.lock().expect("no caller panics").push(caller);
    // An observer holds the first call until all others wait.
    let (all_wait, wait) = mpsc::channel::<()>();
    let (session, served) = (&session, &served);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let x = input(1);
            let mut held = Some(wait);
            let mut observe = |label: &str, _| {
                if label == "scaled" {
                    served("first");
                    let _ = held.take().map(|wait| wait.recv());
                }
            };
            // The second call of this thread comes right behind its first, and after those who waited before.
            for _ in 0..2 {
                session.run_observed(&[("x", &x)], &mut observe).expect("a good call");
            }
        });
        for caller in ["second", "third", "fourth"] {
            std::thread::sleep(Duration::from_millis(100));
            scope.spawn(move || {
                let mut observe = |label: &str, _| {
                    if label == "scaled" {
                        served(caller);
                    }
                };
                session.run_observed(&[("x", &input(1))], &mut observe).expect("a good call");
            });
        }
        std::thread::sleep(Duration::from_millis(100));
        all_wait.send(()).expect("the first call waits");
    });
    let order = order.lock().expect("no caller panics");
    assert_eq!(*order, ["first", "second", "third", "fourth", "first"]);
}

#[test]
fn an_observer_that_panics_leaves_the_session_as_it_was() {
    let session = session();
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
