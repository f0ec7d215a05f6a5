//! How many instructions of threads a second the simulator runs, on a gemm and an attention of this project.
//!
//! `cargo bench -p ocellus-sim`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use ocellus_sim::{Launch, Memory, Module, Settings, launch};
use std::time::Instant;
use support::{Parameters, Run, numbers, ptx, upload};

/// The seconds that this thread was given a CPU, where Linux says it.
fn busy() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn measure(label: &str, kernel: &str, run: &Run, memory: &Memory) {
    let text = ptx(kernel);
    let start = busy();
    let module = Module::load(&text).unwrap();
    println!("{label}: loaded in {:.1} ms", (busy() - start) * 1e3);
    let what = Launch {
        kernel: &module.kernels()[0],
        globals: &module.place(memory).unwrap(),
        blocks: run.blocks,
        threads: [run.threads, 1, 1],
        dynamic_shared: run.shared,
        parameters: &run.parameters.0,
        unfinished: None,
    };
    let plain = Settings {
        finds_races: false,
        finds_uninitialized: false,
        counts_memory: false,
        ..Settings::default()
    };
    let one = |settings: &Settings| Settings { workers: 1, ..settings.clone() };
    let no_races = Settings { finds_races: false, ..Settings::default() };
    for (how, settings) in [
        ("everything, all CPUs", Settings::default()),
        ("everything, one CPU", one(&Settings::default())),
        ("no races, one CPU", one(&no_races)),
        ("nothing looked for, one CPU", one(&plain)),
    ] {
        let start = (Instant::now(), busy());
        let report = launch(&what, memory, &settings).unwrap();
        let wall = start.0.elapsed().as_secs_f64();
        // On a machine that others use as well, the time of the one thread that works tells more.
        let seconds = if settings.workers == 1 { busy() - start.1 } else { wall };
        let products: u64 = report.multiplications.values().sum();
        println!(
            "{label}, {how}: {:.3} s, {:.0} M instructions of threads a second, {:.2} M mma.sync a second",
            seconds,
            report.total.threads as f64 / seconds / 1e6,
            products as f64 / seconds / 1e6
        );
    }
}

fn main() {
    let memory = Memory::new(1 << 30);
    let (m, n, k) = (197, 768, 768);
    let [a, b] =
        [(m * k, 1), (n * k, 2)].map(|(count, seed)| upload(&memory, &numbers(count, seed)));
    let c = memory.allocate((m * n * 2) as u64).unwrap();
    let parameters = Parameters::default().long(a).long(b).long(c).long(b);
    let parameters = parameters.word(m as u32).word(n as u32).word(k as u32).word(k as u32);
    let blocks = [(m.div_ceil(64) * n.div_ceil(64)) as u32, 1, 1];
    let gemm = Run { blocks, threads: 128, shared: 65536, parameters };
    measure("gemm 197x768x768", "gemm_64x64x64_2x2_s4", &gemm, &memory);
    let (tokens, heads, head_dim) = (197, 12, 64);
    let qkv = upload(&memory, &numbers(tokens * heads * head_dim * 3, 4));
    let out = memory.allocate((tokens * heads * head_dim * 2) as u64).unwrap();
    let parameters = Parameters::default()
        .long(qkv)
        .long(out)
        .word(tokens as u32)
        .word(heads as u32)
        .float(0.18);
    let attention = Run {
        blocks: [tokens.div_ceil(64) as u32, heads as u32, 1],
        threads: 128,
        shared: 46080,
        parameters,
    };
    measure("attention 197x12x64", "attention_64_q16x4_k64_s2_v", &attention, &memory);
}
