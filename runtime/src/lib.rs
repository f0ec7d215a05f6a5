//! Loads and runs an Ocellus artifact. No LLVM, no Python, no compiler.

pub mod plan;
mod tensor;

pub use tensor::HostTensor;
