//! Compiles a vision encoder, for every image size in a range, into one artifact.

pub mod codegen;
mod configuration;
pub mod frontend;
pub mod passes;
pub mod preprocess;
pub mod reference;
pub mod rewrite;
mod target;
pub mod verify;
pub mod weights;

pub use configuration::CompilationConfig;
pub use target::{Target, TargetError};
