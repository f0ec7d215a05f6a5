//! Loads and runs an Ocellus artifact. No LLVM, no Python, no compiler.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ocellus_runtime::{HostTensor, Options, Session};
//!
//! let path = "encoder.safetensors".as_ref();
//! // SAFETY: we compiled this file ourselves, and nobody writes into it.
//! let encoder = unsafe { Session::load(path, Options::default()) }?;
//! let pixels = HostTensor { shape: vec![1, 3, 224, 224], data: vec![0.0; 3 * 224 * 224] };
//! for (name, tensor) in encoder.run(&[("pixel_values", &pixels)])? {
//!     println!("{name}: {:?}", tensor.shape);
//! }
//! # Ok(())
//! # }
//! ```

// What tests of this crate share with its integration tests calls it so.
#[cfg(test)]
extern crate self as ocellus_runtime;

pub mod artifact;
mod device_tensor;
pub mod devices;
mod memory;
mod new_file;
mod non_finite;
mod options;
mod output;
mod pipe;
mod plan_sizes;
mod safetensors_bytes;
mod session;
pub mod signature;
mod size;
mod tensors_file;
pub mod terminal;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod test_support;
pub mod tuning;
pub mod unfinished;

pub use artifact::{
    Artifact, ArtifactContents, ArtifactError, ArtifactWriter, Provenance, TargetRequirements,
    Variant, VariantContents,
};
pub use device_tensor::{DeviceArray, DeviceTensor};
pub use new_file::free_bytes;
pub use non_finite::{NonFinite, Origin, first_non_finite};
pub use ocellus_dialects::{AnyTensor, Elements, HostTensor, Tensor};
pub use options::{MAX_THREADS, Options};
pub use output::{Output, write_file};
pub use pipe::{open_for_reading, open_regular, read_text};
pub use plan_sizes::{PlanSizes, SizeError};
pub use safetensors_bytes::repeated_key;
pub use session::{
    IoBinding, LaunchTime, LoadError, NoVariant, Outputs, Refused, RunError, Session, UnfitLaunch,
    variant_to_run,
};
pub use size::Size;
pub use tensors_file::{TensorsFileError, read_tensors, write_tensors, write_tensors_to};
