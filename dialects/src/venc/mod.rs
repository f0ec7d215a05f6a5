//! `venc`: the mathematics of a vision encoder, on tensors with symbolic dimensions.
//!
//! Each of the [`operations`] is declared once, with its typing and its value: [`infer`] checks an application of one and
//! gives the type of its result, [`evaluate`] computes it. A [`Module`] holds functions of such applications, which a
//! [`FunctionBuilder`] makes.

mod activation;
mod application;
pub(crate) mod attribute;
mod attribute_type;
mod builder;
mod computation;
mod elementwise;
mod error;
mod evaluate;
mod evaluation;
#[cfg(test)]
mod examples;
mod index_bounds;
mod indices;
mod interpolation_filter;
pub(crate) mod irdl;
mod limits;
mod module;
mod op;
mod operand;
mod operation;
mod operations;
pub(crate) mod parse;
mod parse_error;
pub(crate) mod parts;
pub(crate) mod print;
#[cfg(test)]
pub(crate) mod random;
pub(crate) mod reader;
pub(crate) mod subset;
mod verify;

pub use activation::Activation;
pub use application::Application;
pub use attribute::{Attribute, AttributeKind};
pub use builder::FunctionBuilder;
pub use elementwise::Elementwise;
pub use error::VencError;
pub use evaluate::evaluate;
pub use evaluation::EvaluationError;
pub use index_bounds::IndexBounds;
pub use interpolation_filter::InterpolationFilter;
pub use irdl::irdl;
pub use limits::{MAX_CALL_DEPTH, MAX_OPERATIONS};
pub use module::{Argument, Function, Module, Node, Role, ValueId};
pub use op::infer;
pub use operand::{Holds, Operand, Times};
pub use operation::{
    AttributeDeclaration, AttributePlace, Declaration, Operation, Semantics, Source,
};
pub use operations::*;
pub use parse_error::ParseError;
pub use reader::Reader;
