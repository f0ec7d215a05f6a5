//! Every golden checkpoint against what `transformers` computed: by the reference interpreter, rewritten, and
//! compiled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod compiled;
mod golden;
mod reference;
mod rewritten;
