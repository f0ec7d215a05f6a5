//! The reference interpreter of `venc`: it decides what a module means.
//!
//! It is plain on purpose: one operation after the other, nothing fused, f32 tensors, every sum accumulated in f64.
//! Rewrite rules, compiled code and `ocellus verify` are all held against it, and it is the answer to "does it work
//! without compilation?".
//!
//! **Storage.** A tensor here is f32 whatever the module says about its storage. Numbers of the checkpoint are
//! rounded to the storage that the module gives them, since those are the weights of a bf16 or f16 program;
//! activations are not rounded, so that what is computed is the exact program that the rounded weights define.

mod arrangement;
mod bind;
mod contraction;
mod elementwise;
mod error;
mod evaluate_op;
mod indices;
mod interpolation;
mod interpreter;
mod normalization;

pub use bind::bind_inputs;
pub use elementwise::round_in_place;
pub use error::ReferenceError;
pub use evaluate_op::evaluate_op;
pub use interpreter::{evaluate, evaluate_observed};
