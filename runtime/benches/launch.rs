//! What a launch costs beside its kernel: a call of 60 launches whose kernels do nothing. Run with `cargo bench`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use ocellus_dialects::plan::{Launch, PieceRange};
use ocellus_runtime::Session;
use std::time::Instant;
use support::{artifact, constant, contents, input, load, plan};

const LAUNCHES: usize = 60;
const CALLS: u32 = 2000;

fn main() {
    for threads in [1, 2] {
        for tiles in [1, 2, 64] {
            println!(
                "{threads} threads, {tiles:>2} tiles: {:6.3} us a launch",
                microseconds_a_launch(threads, tiles)
            );
        }
    }
    println!("another size each call: {:6.3} us more a launch", rebinding_microseconds());
}

/// `tiles` empty tiles, [`LAUNCHES`] times.
fn empty_launches(tiles: i64) -> ocellus_dialects::plan::Plan {
    let mut plan = plan();
    plan.kernels[0].symbol = "nothing".to_string();
    let mut launch = plan.programs[0].launches[0].clone();
    launch.schedule.tiles = constant(tiles);
    let launch = Launch { arguments: vec![], result: None, ..launch };
    // What writes the outputs is gone, so there are none, and no other program that would write them.
    plan.outputs.clear();
    plan.pieces.truncate(1);
    plan.programs.truncate(1);
    plan.pieces[0].ranges = vec![PieceRange { symbol: 0, min: 1, max: 64 }];
    plan.programs[0].launches = vec![launch; LAUNCHES];
    plan
}

/// The median over the calls.
fn microseconds_a_launch(threads: usize, tiles: i64) -> f64 {
    let session = load(artifact(contents(empty_launches(tiles))), threads);
    let session = session.expect("a valid artifact");
    median(|_| 8, &session) / LAUNCHES as f64
}

fn rebinding_microseconds() -> f64 {
    let session = load(artifact(contents(plan_of_many())), 1);
    let session = session.expect("a valid artifact");
    let same = median(|_| 8, &session);
    let other = median(|call| 8 + call as usize % 2, &session);
    (other - same) / LAUNCHES as f64
}

/// The test's launches, twenty times over, so that arguments are as many and as varied as a model's.
fn plan_of_many() -> ocellus_dialects::plan::Plan {
    let mut plan = plan();
    for program in &mut plan.programs {
        let launches = std::mem::take(&mut program.launches);
        program.launches = launches.into_iter().cycle().take(LAUNCHES).collect();
    }
    plan
}

fn median(rows: impl Fn(u32) -> usize, session: &Session) -> f64 {
    let inputs = [input(8), input(9)];
    let mut times: Vec<f64> = (0..CALLS)
        .map(|call| {
            let start = Instant::now();
            let outputs = session.run(&[("x", &inputs[rows(call) - 8])]);
            let time = start.elapsed().as_secs_f64() * 1e6;
            assert!(outputs.is_ok());
            time
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
