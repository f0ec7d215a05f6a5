//! How long a caller waits for a session that several threads call at once. Run with `cargo bench`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use ocellus_runtime::{HostTensor, Session};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{artifact, contents, input, load, plan};

const LONG: Duration = Duration::from_secs(2);

/// What a call had to wait for.
struct Wait {
    time: Duration,
    /// The calls that were begun between its own and its turn.
    calls: usize,
}

fn main() {
    let session = load(artifact(contents(plan())), 1).expect("a valid artifact");
    for callers in [1, 2, 4, 8] {
        let mut waits = call_for_a_while(&session, callers);
        let max = waits.iter().map(|wait| wait.calls).max().unwrap_or(0);
        waits.sort_by_key(|wait| wait.time);
        let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].time;
        println!(
            "{callers} callers: {:>8} calls, median {:>9.3?}, 99.9 % {:>9.3?}, worst {:>9.3?}, behind {max} calls",
            waits.len(),
            at(0.5),
            at(0.999),
            at(1.0)
        );
    }
}

fn call_for_a_while(session: &Session, callers: usize) -> Vec<Wait> {
    let (start, begun) = (Barrier::new(callers), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|_| scope.spawn(|| call(session, &input(64), &start, &begun)))
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("no panic")).collect()
    })
}

fn call(session: &Session, x: &HostTensor, start: &Barrier, begun: &AtomicUsize) -> Vec<Wait> {
    start.wait();
    let begin = Instant::now();
    let mut waits = Vec::new();
    while begin.elapsed() < LONG {
        let call = Instant::now();
        let before = begun.load(Ordering::SeqCst);
        let mut turn = None;
        let mut observe = |_: &str, _| {
            turn.get_or_insert_with(|| begun.fetch_add(1, Ordering::SeqCst));
        };
        session.run_observed(&[("x", x)], &mut observe).expect("a good call");
        let calls = turn.map_or(0, |turn| turn - before);
        waits.push(Wait { time: call.elapsed(), calls });
    }
    waits
}
