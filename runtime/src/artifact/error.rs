//! Why an artifact could not be written or read.

use super::FORMAT_VERSION;
use ocellus_dialects::plan::PlanError;
use std::path::PathBuf;

/// Why an artifact could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The artifact at this path is at fault.
    #[error("cannot read the artifact `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<ArtifactError>,
    },
    /// The artifact cannot be written to this path.
    #[error("cannot write the artifact `{}`", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Not a safetensors file, or a damaged one.
    #[error("the header is damaged, or this is not a safetensors file")]
    NotSafetensors(#[source] safetensors::SafeTensorError),
    /// A safetensors file of another kind.
    #[error(
        "this is a safetensors file but no artifact, as its metadata has no `{0}`: compile a model directory with \
         `ocellus compile MODEL -o ARTIFACT`"
    )]
    NotAnArtifact(&'static str),
    /// An artifact that another version wrote.
    #[error(
        "the artifact has format version {found} (written by ocellus {compiler}), and this runtime reads version \
         {FORMAT_VERSION}: compile the model again with this version of ocellus"
    )]
    Version {
        /// The version of the artifact.
        found: u32,
        /// The compiler that wrote it.
        compiler: String,
    },
    /// Bytes that are not what was written.
    #[error(
        "the section `{section}` is damaged, as its hash is another: copy or compile the artifact again"
    )]
    Damaged {
        /// `header`, the key of a plan, or the name of a tensor.
        section: String,
    },
    /// Metadata that is not what it should be.
    #[error("the metadata `{key}` cannot be understood")]
    Metadata {
        /// The key.
        key: String,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// A plan that cannot be run.
    #[error("the plan is not valid")]
    Plan(#[from] PlanError),
    /// Nothing that could run.
    #[error("the artifact is for no target: compile the model again")]
    NoVariant,
    /// Two variants for one target.
    #[error("the artifact has two variants for `{0}`: compile the model again")]
    TwoVariants(String),
    /// A variant without its plan.
    #[error(
        "the artifact has no plan for `{0}`, which is one of its targets: compile the model again"
    )]
    MissingPlan(String),
    /// A variant of another model.
    #[error(
        "the artifact's variant for `{target}` takes other inputs or gives other outputs than that for `{other}`: compile \
         the model again"
    )]
    OtherInterface {
        /// Its target.
        target: String,
        /// The target of the variant before.
        other: String,
    },
    /// A tensor that is not there.
    #[error("there is no tensor `{0}`")]
    MissingTensor(String),
    /// A tensor that was given and has no place.
    #[error("no plan has a weight `{0}`, or it was written before")]
    UnexpectedTensor(String),
    /// A tensor of the wrong size.
    #[error("the tensor `{name}` has {found} bytes, and the plan says {expected}")]
    TensorSize {
        /// The tensor.
        name: String,
        /// The size it has.
        found: u64,
        /// The size it should have.
        expected: u64,
    },
    /// A tensor that vector instructions cannot read.
    #[error("the tensor `{0}` does not start at a multiple of 64 bytes")]
    Misaligned(String),
    /// A name that the format needs for itself.
    #[error(
        "the name `{0}` is reserved: names that start with `ocellus.` or `__` belong to the format"
    )]
    ReservedName(String),
    /// More than a safetensors header may hold.
    #[error("the header would have {0} bytes, and safetensors allows 100000000")]
    HeaderTooLarge(usize),
}
