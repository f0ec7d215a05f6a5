//! Kernels, compiled and run, against plain loops in f64.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod aligned;
mod attention;
mod attention_in_segments;
mod back_to_back_gemm;
mod batched_gemm;
mod coalesced;
mod extremes;
mod gemm;
mod gemm_after_tokens;
mod guarded;
mod launch;
mod movement;
mod near;
mod patches;
mod rowwise;
mod shared_images;
mod simulated;
mod some_tokens;
mod staged_attention;
mod staged_gemm;
mod throughput;
