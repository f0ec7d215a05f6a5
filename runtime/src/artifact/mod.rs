//! The artifact: one file that holds all a model needs to run.
//!
//! It is a valid safetensors file. The tensors are the packed weights, named as in
//! [`Plan::weights`](ocellus_dialects::plan::Plan::weights), and the code object, named [`CODE`]: all U8, of one dimension, and
//! padded by zeros to a multiple of 64 bytes. The header is padded too, so every tensor starts at a multiple of 64 in the
//! file, and in memory where the file is mapped. `__metadata__` holds
//!
//! | key | text |
//! | --- | --- |
//! | `ocellus.plan` | the [`Plan`](ocellus_dialects::plan::Plan), as JSON |
//! | `ocellus.provenance` | the [`Provenance`], as JSON |
//! | `ocellus.hashes` | the BLAKE3 hashes of the plan and of each tensor, as JSON |
//! | `ocellus.header_hash` | the BLAKE3 hash of all bytes before the data, where this hash itself reads as zeros |
//! | any other | an attachment, such as the preprocessor's config |
//!
//! The hashes find damage. They do not say who wrote a file: the code object is machine code, so run an artifact only if
//! you would run a program from the same hand. The code object says of each kernel what it does with its arguments (see
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
mod writer;

pub use error::ArtifactError;
pub use header::{CODE, FORMAT_VERSION};
pub use provenance::{DeclaredRange, Provenance, TargetRequirements};
pub use reader::Artifact;
pub use writer::{ArtifactContents, ArtifactMemory, ArtifactWriter, Destination, NewArtifactFile};
