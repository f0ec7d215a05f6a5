//! The reference interpreter of `venc`: it decides what a module means.
//!
//! It is plain on purpose: one operation after the other, nothing fused, f32 tensors, every sum accumulated in f64. What
//! an operation computes stands beside its declaration ([`venc::evaluate`](ocellus_dialects::venc::evaluate)).
//! Rewrite rules, compiled code and `ocellus verify` are all held against it, and it is the answer to "does it work
//! without compilation?".
//!
//! **Storage.** A tensor here is f32 whatever the module says about its storage. Numbers of the checkpoint are
//! rounded to the storage that the module gives them, since those are the weights of a bf16 or f16 program;
//! activations are not rounded, so that what is computed is the exact program that the rounded weights define.

mod bind;
mod error;
mod interpreter;

pub use bind::bind_inputs;
pub use error::ReferenceError;
pub use interpreter::{evaluate, evaluate_observed};
