//! Compiles a vision encoder, for every image size in a range, into one artifact.

pub mod calibrate;
mod compiler;
mod configuration;
mod encoder;
mod error;
mod explain;
mod flops;
pub mod opt;
pub mod passes;
mod shared_weights;
mod stages;
mod switches;
pub mod verify;

pub use compiler::{
    Compiler, FLOPS_ATTACHMENT, PREPROCESSOR_ATTACHMENT, Stage, explanation_attachment,
};
pub use configuration::CompilationConfig;
pub use encoder::Encoder;
pub use error::CompileError;
pub use flops::matrix_flops;
pub use ocellus_explain::Explanation;
pub use ocellus_kernels::{CpuTarget, NvidiaTarget, Target, TargetError};
pub use stages::Stages;
pub use switches::{Pass, Switches};
