//! How many calls a session answers, and how long each takes, when several threads call it at once. Run with `cargo bench`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use ocellus_dialects::plan::Plan;
use ocellus_runtime::{HostTensor, Session};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use support::{artifact, contents, input, load, plan};

const LONG: Duration = Duration::from_secs(1);

/// How often the launches of the test's plan are repeated where a call is to take as long as a small model's.
const REPEATED: usize = 40;

fn main() {
    for (what, plan) in [("short", plan()), ("long", plan_of_many())] {
        for threads in [1, 2] {
            let session = load(artifact(contents(plan.clone())), threads);
            let session = session.expect("a valid artifact");
            for callers in [1, 2, 4, 8] {
                let mut times = call_for_a_while(&session, callers);
                times.sort();
                let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
                println!(
                    "{what} calls, {threads} threads, {callers} callers: {:>8} calls/s, median {:>9.3?}, 99.9 % {:>9.3?}, worst \
                     {:>9.3?}",
                    (times.len() as f64 / LONG.as_secs_f64()) as u64,
                    at(0.5),
                    at(0.999),
                    at(1.0)
                );
            }
        }
    }
}

fn plan_of_many() -> Plan {
    let mut plan = plan();
    for program in &mut plan.programs {
        let launches = std::mem::take(&mut program.launches);
        let count = launches.len() * REPEATED;
        program.launches = launches.into_iter().cycle().take(count).collect();
    }
    plan
}

fn call_for_a_while(session: &Session, callers: usize) -> Vec<Duration> {
    let start = Barrier::new(callers);
    std::thread::scope(|scope| {
        let callers: Vec<_> =
            (0..callers).map(|_| scope.spawn(|| call(session, &input(64), &start))).collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("no panic")).collect()
    })
}

fn call(session: &Session, x: &HostTensor, start: &Barrier) -> Vec<Duration> {
    start.wait();
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < LONG {
        let call = Instant::now();
        session.run(&[("x", x)]).expect("a good call");
        times.push(call.elapsed());
    }
    times
}
