//! `gelu`, `silu` and the other [activations](Activation): a function of each element. In text each is an operation of its
//! own name.

use crate::HostTensor;
use crate::symbolic::Dim;
use crate::tensor::TensorType;
use crate::venc::attribute::{Attribute, AttributeKind};
use crate::venc::computation::element::each_element;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::{AttributeDeclaration, AttributePlace, Declaration, Operation};
use crate::venc::{Activation, Application, EvaluationError, Semantics, VencError};

/// A function of each element.
///
/// The relu of `[-1, 2]` is `[0, 2]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Activate {
    /// The function.
    pub function: Activation,
}

// By hand, since its name is an attribute.
impl Activate {
    /// What is declared of it.
    pub const DECLARATION: Declaration = Declaration {
        name: "activate",
        operands: &[numbers("x")],
        attributes: &[AttributeDeclaration {
            name: "function",
            kind: AttributeKind::Activation,
            place: AttributePlace::Name,
        }],
        with_attributes: |attributes| match attributes {
            [Attribute::Activation(function)] => Some(Activate { function: *function }.into()),
            _ => None,
        },
        parse: |reader, _| match Activation::from_name(reader.operation()) {
            Some(function) => Ok(Activate { function }.into()),
            None => Err(reader.unknown_operation()),
        },
    };
}

impl Operation for Activate {
    fn declaration(&self) -> &'static Declaration {
        &Self::DECLARATION
    }

    fn name(&self) -> &'static str {
        self.function.name()
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![Attribute::Activation(self.function)]
    }

    fn dictionary(&self) -> Vec<(&'static str, String)> {
        vec![]
    }

    fn dims_mut(&mut self) -> Vec<&mut Dim> {
        vec![]
    }
}

impl Semantics for Activate {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [x] = app.take()?;
        Ok(x.clone())
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [x] = take(self.function.name(), operands)?;
        each_element(x, |x| self.function.value(x), out);
        Ok(())
    }
}
