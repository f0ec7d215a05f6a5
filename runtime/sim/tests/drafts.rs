//! The gemm and attention kernels of this project's own generators: right answers, nothing found, what is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_sim::{MatrixShape, Settings, WarpOrder};
use support::{Attention, Gemm, ptx, run_kernel};

/// Kernel, tile, threads, bytes of shared memory.
const GEMMS: [(&str, [usize; 2], u32, u32); 4] = [
    ("gemm_32x64x32_1x2_s3", [32, 64], 64, 18432),
    ("gemm_32x64x32_1x2_s3_b", [32, 64], 64, 18432),
    ("gemm_32x64x32_1x2_s3_m", [32, 64], 64, 18432),
    ("gemm_32x32x32_1x1x2_s3", [32, 32], 64, 12288),
];

#[test]
fn a_gemm_gives_the_right_answer_on_every_size() {
    for (name, tile, threads, shared) in GEMMS {
        for (m, n, k) in [(32, 64, 32), (33, 72, 40), (1, 8, 8), (70, 136, 200)] {
            let gemm = Gemm::new(m, n, k);
            let run = gemm.run(tile, threads, shared);
            if let Err(error) = run_kernel(&ptx(name), &run, &gemm.memory, &Settings::default()) {
                panic!("{name}, {m}x{n}x{k}: {error}");
            }
            let worst = gemm.worst(name.ends_with("_b"));
            assert!(worst <= 1.0, "{name}, {m}x{n}x{k}: {worst}");
        }
    }
}

#[test]
fn the_order_of_warps_and_the_number_of_workers_make_no_difference() {
    let gemm = Gemm::new(70, 136, 200);
    let run = gemm.run([32, 64], 64, 18432);
    let mut answers = vec![];
    for order in [WarpOrder::Forward, WarpOrder::Backward, WarpOrder::Shuffled(7)] {
        for workers in [1, 3] {
            gemm.forget();
            let settings = Settings { order, workers, ..Settings::default() };
            let report =
                run_kernel(&ptx("gemm_32x64x32_1x2_s3"), &run, &gemm.memory, &settings).unwrap();
            answers.push((support::download(&gemm.memory, gemm.c, gemm.m * gemm.n), report));
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Kernel, head dim, queries of a block, threads, bytes of shared memory.
const ATTENTIONS: [(&str, usize, usize, u32, u32); 4] = [
    ("attention_64_q16x2_k32_s2", 64, 32, 64, 23040),
    ("attention_72_q16x2_k32_s2", 72, 32, 64, 23040),
    ("attention_72_q16x4_k64_s3_p", 72, 64, 128, 64512),
    ("attention_64_q16x4_k64_s2_v", 64, 64, 128, 46080),
];

#[test]
fn an_attention_gives_the_right_answer_on_every_size() {
    for (name, head_dim, queries, threads, shared) in ATTENTIONS {
        for (batch, tokens, heads) in [(1, 1, 1), (2, 33, 2), (1, 150, 1)] {
            let attention = Attention::new(batch, tokens, heads, head_dim);
            let run = attention.run(queries, threads, shared);
            if let Err(error) =
                run_kernel(&ptx(name), &run, &attention.memory, &Settings::default())
            {
                panic!("{name}, {batch}x{tokens}x{heads}: {error}");
            }
            let worst = attention.worst();
            assert!(worst <= 1.0, "{name}, {batch}x{tokens}x{heads}: {worst}");
        }
    }
}

#[test]
fn what_a_gemm_does_is_counted() {
    let (m, n, k) = (64, 128, 128);
    let gemm = Gemm::new(m, n, k);
    let run = gemm.run([32, 64], 64, 18432);
    let report =
        run_kernel(&ptx("gemm_32x64x32_1x2_s3"), &run, &gemm.memory, &Settings::default()).unwrap();
    let products = (m / 16) * (n / 8) * (k / 16);
    assert_eq!(report.multiplications[&MatrixShape::Bf16K16], products as u64);
    // Each of four blocks reads its rows of A and W once.
    assert_eq!(report.total.global_loaded, (4 * (32 + 64) * k * 2) as u64);
    assert_eq!(report.total.global_stored, (m * n * 2) as u64);
    assert_eq!(report.total.sectors, report.total.ideal_sectors);
    // Once before the loop, once in each step of it, once before the answer is put together.
    assert_eq!(report.barriers, 4 * (1 + (k / 32) as u64 + 1));
    let conflicts: Vec<_> = report.lines.iter().filter(|line| line.counts.conflicts > 0).collect();
    assert!(conflicts.iter().all(|line| !line.opcode.starts_with("ldmatrix")), "{conflicts:?}");
}
