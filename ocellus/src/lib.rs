//! Ocellus compiles vision encoders ahead of time, for every image size in a declared range at once.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pixels = ocellus::HostTensor::default();
//! let model = ocellus::hf::load("path/to/checkpoint")?;
//! let encoder = ocellus::Compiler::new(ocellus::Target::host()?)
//!     .tag("siglip.vision")
//!     .range("images", 1..=32)
//!     .compile(&model)?;
//! for (name, tensor) in encoder.run(&[("pixel_values", &pixels)])? {
//!     println!("{name}: {:?}", tensor.shape);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A model of one's own is written with [`nn`], and becomes a [`Model`] with its weights. An artifact that was compiled
//! before is loaded as a [`Session`]; a program that does nothing else needs only the `ocellus-runtime` crate, which has
//! no LLVM in it.
//!
//! What is compiled and run in one process is safe. To load an artifact from a file ([`Session::load`]) is `unsafe`: it
//! holds machine code, so the caller says that it comes from a compiler that they trust, and that nobody writes into the
//! file while it is in use. What else an artifact says, its plan above all, is checked and need not be trusted.

pub use ocellus_compiler::{
    CompilationConfig, CompileError, Compiler, CpuTarget, Encoder, Explanation, FLOPS_ATTACHMENT,
    PREPROCESSOR_ATTACHMENT, Pass, Stage, Stages, Switches, Target, TargetError,
    explanation_attachment,
};
pub use ocellus_dialects::ElementType;
pub use ocellus_dialects::symbolic::{Dim, SymbolRange};
pub use ocellus_dialects::venc::Activation;
pub use ocellus_frontend::{Model, nn};
pub use ocellus_preprocess::Preprocessor;
pub use ocellus_runtime::{AnyTensor, HostTensor, Session, Tensor};

/// Where a model's weights come from.
pub use ocellus_checkpoint as weights;
/// What is done with a compiled program, or with a program's text, beside running it.
pub use ocellus_compiler::{calibrate, opt, verify};
/// The programs as data: symbolic dimensions, and the dialects `venc`, `kernel` and `plan`.
pub use ocellus_dialects as dialects;
/// What was compiled and why: the data of an [`Explanation`].
pub use ocellus_explain as explain;
/// From a file with an image in it to what an encoder takes.
pub use ocellus_preprocess as preprocess;
/// The interpreter that everything else is held against.
pub use ocellus_reference as reference;
/// Rules, the targets that they are chosen for, and equality saturation.
pub use ocellus_rewrite as rewrite;
/// Artifacts, and how they are run: the crate that a program takes alone which does not compile.
pub use ocellus_runtime as runtime;

/// Checkpoints of Hugging Face.
pub mod hf {
    pub use ocellus_frontend::hugging_face::{LoadError, Options, load, load_with};
    pub use ocellus_frontend::init;
    /// Models by their name on the hub, with the feature `hub`: `load(&fetch("owner/name", &Unobserved)?)`.
    #[cfg(feature = "hub")]
    pub use ocellus_hub::{HubError, Observer, Unobserved, cache_folder, fetch, is_name};
}

/// What of NVIDIA's tools there is, for a program that compiles.
pub mod nvidia {
    pub use ocellus_codegen::Assembler;
}

/// What of LLVM there is, for a program that compiles.
pub mod llvm {
    pub use ocellus_codegen::{find_linker, llvm_version};
}
