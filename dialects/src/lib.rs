//! The three dialects of Ocellus, from the mathematics to the host program, and what they share: tensor types whose
//! dimensions are expressions over symbols.

mod any_module;
mod any_tensor;
mod host_tensor;
pub mod kernel;
pub mod plan;
pub mod symbolic;
pub mod syntax;
mod tensor;
pub mod venc;

pub use any_module::{AnyModule, Dialect};
pub use any_tensor::{AnyTensor, Element, Elements};
pub use host_tensor::{HostTensor, MAX_INDEX, Tensor, element_count};
pub use tensor::{ElementType, TensorType};
