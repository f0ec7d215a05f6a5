//! The three dialects of Ocellus, from the mathematics to the host program, and what they share: tensor types whose
//! dimensions are expressions over symbols.

pub mod kernel;
pub mod symbolic;
pub mod syntax;
mod tensor;
pub mod venc;

pub use tensor::{ElementType, TensorType};
