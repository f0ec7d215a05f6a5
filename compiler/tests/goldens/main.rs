//! Every golden checkpoint against what `transformers` computed: by the reference interpreter, rewritten, and
//! compiled.

#![allow(clippy::print_stdout, reason = "tests print what they measure")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod activations;
mod compiled;
mod golden;
mod new_names;
mod reference;
mod rewritten;
mod schedules;
mod targets;
