//! Where programs come from: a module written with [`nn`], or a checkpoint.

pub mod nn;
