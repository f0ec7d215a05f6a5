//! The three dialects of Ocellus, from the mathematics to the host program, and what they share: tensor types whose
//! dimensions are expressions over symbols.

mod host_tensor;
pub mod kernel;
pub mod plan;
pub mod symbolic;
pub mod syntax;
mod tensor;
pub mod venc;

pub use host_tensor::{HostTensor, MAX_INDEX, element_count};
pub use tensor::{ElementType, TensorType};
