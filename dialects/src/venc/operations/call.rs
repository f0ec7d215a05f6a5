//! `call`: the result of a function of the module. Its text is MLIR's own `func.call`.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, Source, VencError};

operation! {
    /// The result of a function of the module, which gives exactly one.
    Call = "call" (numbers("argument").repeated()) {
        /// The function's name.
        callee: String,
    }
}

impl Semantics for Call {
    fn source(&self) -> Source<'_> {
        Source::Function(&self.callee)
    }

    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        Err(app.bad_attribute("callee", "the type of a call is known where its module is"))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        _: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        Err(EvaluationError::NoValue { op: "call", operands: operands.len() })
    }
}
