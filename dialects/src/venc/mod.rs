//! `venc`: the mathematics of a vision encoder, on tensors with symbolic dimensions.
//!
//! [`Op`] says what each operation means, once; [`infer`] checks an application of one and gives the type of its
//! result; a [`Module`] holds functions of such applications, which a [`FunctionBuilder`] makes.

mod activation;
mod builder;
mod error;
mod indices;
mod infer;
mod module;
mod op;
mod parse;
pub(crate) mod print;
#[cfg(test)]
pub(crate) mod random;
mod verify;

pub use activation::Activation;
pub use builder::FunctionBuilder;
pub use error::VencError;
pub use indices::IndexBounds;
pub use infer::infer;
pub use module::{Argument, Function, Module, Node, Role, ValueId};
pub use op::{InterpolationFilter, Op};
pub use parse::ParseError;
pub use verify::{MAX_CALL_DEPTH, MAX_OPERATIONS};
