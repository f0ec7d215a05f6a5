//! From a chosen `kernel` program to the host program. One pass a file; each opens with the IR before and after it.

mod buffers;
mod inline_calls;
mod offline;
mod pack_all;
mod plan;

pub use buffers::{AssignBuffers, BufferAssignment, assign_buffers, buffer_for_each};
pub use inline_calls::inline_calls;
pub use offline::{Packed, PackedWeight, WeightRecipe};
pub use pack_all::pack_all;
pub use plan::{HostProgram, PlanOptions, plan, plan_with};

use ocellus_dialects::venc::{EvaluationError, MAX_CALL_DEPTH};

/// A program that cannot become a host program.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// A call of a function that is not there, or that returns nothing.
    #[error("a call names @{0}, which the module lacks or which has no result")]
    UnknownFunction(String),
    /// Calls in a circle, or in a long chain.
    #[error("at @{0}, calls nest more than {MAX_CALL_DEPTH} deep")]
    CallDepth(String),
    /// A value that is used before it is made.
    #[error("in @{function}: %{value} is used before it is made")]
    Undefined {
        /// The function.
        function: String,
        /// The number of the value.
        value: u32,
    },
    /// A weight that no call gives.
    #[error(
        "@{function} is the entry and takes the weight `{weight}` as an argument, which no call gives it: name the tensor of the \
         checkpoint in its body, as in `%w = \"venc.weight\"() {{name = \"{weight}\"}}`"
    )]
    WeightArgument {
        /// The entry.
        function: String,
        /// The argument.
        weight: String,
    },
    /// Indices that a call could not check.
    #[error(transparent)]
    Indices(#[from] ocellus_dialects::venc::VencError),
    /// A view that strides cannot express.
    #[error(transparent)]
    View(#[from] ocellus_kernels::NotStrided),
    /// A dimension over a symbol that the module does not declare.
    #[error("the dimension {0} speaks of a symbol that the module does not declare")]
    UndeclaredSymbol(String),
    /// An input of a shape that a call could not bind.
    #[error("the input `{input}` has the dim {dim}: write a constant or one declared symbol")]
    InputDim {
        /// The input.
        input: String,
        /// The dimension.
        dim: String,
    },
    /// A kernel that no family implements.
    #[error(transparent)]
    Kernel(#[from] ocellus_kernels::Refusal),
    /// A weight that is not of the size that its kernel reads.
    #[error(transparent)]
    Pack(#[from] ocellus_kernels::gemm::PackError),
    /// A weight whose size is known only at run time.
    #[error("the weight {recipe} is {ty}: its size must be known at compile time")]
    WeightSize {
        /// What it is.
        recipe: String,
        /// Its type.
        ty: ocellus_dialects::TensorType,
    },
    /// No memory for a weight.
    #[error("the weight {recipe} needs {bytes} bytes of memory, and there are not as many")]
    OutOfMemory {
        /// What it is.
        recipe: String,
        /// How many bytes.
        bytes: u64,
    },
    /// Work on weights that failed.
    #[error("computing the weight {recipe} at compile time: {source}")]
    Offline {
        /// What was computed.
        recipe: String,
        /// Why it failed.
        source: EvaluationError,
    },
    /// A weight that the checkpoint lacks.
    #[error(transparent)]
    Weight(#[from] ocellus_checkpoint::WeightError),
}
