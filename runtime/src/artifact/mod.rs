//! The artifact: one file that holds all a model needs to run.
//!
//! It holds a [`Variant`] for each target that the model was compiled for, the least able first, of which a machine runs the most
//! able that it can.
//!
//! It is a valid safetensors file. The tensors are the packed weights, named as in
//! [`Plan::weights`](ocellus_dialects::plan::Plan::weights), and the code objects, `ocellus.code/` and the target's name: all U8,
//! of one dimension, and padded by zeros to a multiple of 64 bytes. Variants that pack a weight alike share its tensor. The header
//! is padded too, so every tensor starts at a multiple of 64 in the file, and in memory where the file is mapped. `__metadata__`
//! holds
//!
//! | key | text |
//! | --- | --- |
//! | `ocellus.targets` | the [`TargetRequirements`] of each variant, as JSON |
//! | `ocellus.plan/TARGET` | the [`Plan`](ocellus_dialects::plan::Plan) of the variant for that target, as JSON |
//! | `ocellus.provenance` | the [`Provenance`], as JSON |
//! | `ocellus.hashes` | the BLAKE3 hashes of each plan and of each tensor, as JSON |
//! | `ocellus.header_hash` | the BLAKE3 hash of all bytes before the data, where this hash itself reads as zeros |
//! | any other | an attachment, such as the preprocessor's config |
//!
//! The hashes find damage. They do not say who wrote a file: a code object is machine code, so run an artifact only if
//! you would run a program from the same hand. A code object says of each kernel what it does with its arguments (see
//! [`signature`](crate::signature)), so that a plan that was changed cannot lead it outside its memory.
//!
//! A file that is in use is replaced by moving another to its place. To write into it changes answers, or kills the
//! process that has it mapped; a session refuses further calls where it notices.

mod error;
mod header;
mod provenance;
mod reader;
#[cfg(test)]
mod tests;
mod variant;
mod writer;

pub use error::ArtifactError;
pub use header::FORMAT_VERSION;
pub use provenance::{DeclaredRange, Provenance};
pub use reader::Artifact;
pub use variant::{TargetRequirements, Variant};
pub use writer::{
    ArtifactContents, ArtifactMemory, ArtifactWriter, Destination, NewArtifactFile, VariantContents,
};
