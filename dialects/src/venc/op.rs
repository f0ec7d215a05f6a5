//! What is asked of an [`Op`], whichever operation it is.

use super::application::Application;
use super::operand::{Holds, Operand};
use super::{Op, Source, VencError};
use crate::symbolic::Dim;
use crate::tensor::TensorType;

impl Op {
    /// The operation's name, without its dialect.
    pub fn name(&self) -> &'static str {
        self.operation().name()
    }

    /// Where its result comes from.
    pub fn source(&self) -> Source<'_> {
        self.operation().source()
    }

    /// The operand that holds indices, where one does: it is stored as `i32`, and no other operand is.
    pub fn index_operand(&self) -> Option<usize> {
        let operands = self.operation().declaration().operands;
        operands.iter().position(|Operand { holds, .. }| *holds == Holds::Indices)
    }

    /// Its attributes as MLIR writes them, by name: what the types of operands and result do not say.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        self.operation().dictionary()
    }

    /// The same in words, for listings: `axis 0`.
    pub fn attribute_words(&self) -> Vec<String> {
        let word = |(name, value): (&str, String)| format!("{name} {}", value.trim_matches('"'));
        self.attributes().into_iter().map(word).collect()
    }

    /// The dimensions among its attributes.
    pub fn dims_mut(&mut self) -> Vec<&mut Dim> {
        self.operation_mut().dims_mut()
    }

    /// The operation with `map` applied to each dimension among its attributes.
    pub fn map_dims(&self, map: impl Fn(&Dim) -> Dim) -> Op {
        let mut op = self.clone();
        op.dims_mut().into_iter().for_each(|dim| *dim = map(dim));
        op
    }

    /// The operation applied to operands of those types, for its checks.
    pub(crate) fn applied_to<'a>(&self, operands: &'a [&'a TensorType]) -> Application<'a> {
        let declared = self.operation().declaration().operands;
        Application { op: self.name(), declared, operands }
    }
}

/// The type of `op` applied to `operands`. A [`Weight`](super::Weight) has no operands to infer from and a
/// [`Call`](super::Call) needs the module: both are errors here; [`Module::verify`](super::Module::verify) and the builder
/// handle them.
///
/// # Errors
///
/// Operands that it does not take, attributes that do not go with them: the message names the operation, the operand and
/// the dimensions that disagree.
pub fn infer(op: &Op, operands: &[&TensorType]) -> Result<TensorType, VencError> {
    let app = op.applied_to(operands);
    app.as_declared()?;
    op.operation().infer(&app)
}
