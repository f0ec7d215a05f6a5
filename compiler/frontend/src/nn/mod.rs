//! What a model author writes a module with.
//!
//! A [`Module`] maps a [`Tensor`] to a [`Tensor`]; running it once records a `venc` program. Weights are declared
//! where they are used, under the name that the [`Scope`] gives them, which is the name in a PyTorch state dict:
//!
//! ```
//! use ocellus_frontend::nn::{self, Activation, ElementType, Linear, Module, Scope, Tensor};
//!
//! struct Mlp;
//!
//! impl Module for Mlp {
//!     fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
//!         let hidden = nn.apply("fc1", &Linear::new(256), x)?.activate(Activation::Gelu)?;
//!         nn.apply("fc2", &Linear::new(64), &hidden)
//!     }
//! }
//!
//! let module = nn::build(ElementType::F32, |nn| {
//!     let rows = nn.symbol("rows", 1..=4096)?;
//!     let [x] = nn.inputs([("x", vec![rows, 64.into()])])?;
//!     nn.result("y", &nn.apply("mlp", &Mlp, &x)?)
//! })?;
//! assert_eq!(module.entry_function().map(|f| f.arguments.len()), Some(1));
//! # Ok::<(), nn::NnError>(())
//! ```
//!
//! Layers are written in primitive operations; what to fuse is the rewriter's decision.

mod attention;
mod error;
mod grid;
mod linear;
mod mlp;
mod norm;
mod outline;
mod patch_embed;
mod position_table;
mod scope;
mod tensor;
mod transformer_block;
mod weight_names;

// What an author needs beside layers, so that one `use` is enough.
pub use ocellus_dialects::ElementType;
pub use ocellus_dialects::symbolic::{Dim, SymbolRange};
pub use ocellus_dialects::venc::Activation;

pub use attention::Attention;
pub(crate) use attention::attend;
pub use error::{NnError, Result};
pub use grid::Grid;
pub use linear::Linear;
pub use mlp::{GatedMlp, Mlp};
pub use norm::{LayerNorm, RmsNorm};
pub use patch_embed::PatchEmbed;
pub use position_table::PositionTable;
pub(crate) use scope::build_with_names;
pub use scope::{Scope, build};
pub use tensor::Tensor;
pub use transformer_block::TransformerBlock;
pub(crate) use weight_names::WeightNames;

/// A part of a model: a function of one tensor, with weights of its own.
pub trait Module {
    /// Records the module applied to `x`; weights are named under `nn`.
    fn forward(&self, nn: &Scope, x: &Tensor) -> Result<Tensor>;
}
