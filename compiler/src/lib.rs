//! Compiles a vision encoder, for every image size in a range, into one artifact.

pub mod codegen;
pub mod frontend;
pub mod reference;
pub mod weights;
