//! `weight`: a tensor of the checkpoint.

use crate::HostTensor;
use crate::tensor::TensorType;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, Source, VencError};

operation! {
    /// A tensor of the checkpoint. Its type is that of its node, with sizes that are known.
    Weight = "weight" () {
        /// The tensor's name in the checkpoint.
        name: String,
    }
}

impl Weight {
    /// That it could be stored: each dimension is a size of at least 1.
    pub(in crate::venc) fn verify_type(
        app: &Application,
        ty: &TensorType,
    ) -> Result<(), VencError> {
        match ty.shape.iter().find(|dim| dim.as_constant().is_none_or(|size| size < 1)) {
            None => Ok(()),
            Some(dim) => {
                let reason = format!("is {ty}, and {dim} is no size of at least 1");
                Err(app.bad_attribute("name", reason))
            }
        }
    }
}

impl Semantics for Weight {
    fn source(&self) -> Source<'_> {
        Source::Checkpoint(&self.name)
    }

    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        Err(app.bad_attribute("name", "a weight has the type of its declaration"))
    }

    fn evaluate(&self, _: &[&HostTensor], _: &mut HostTensor) -> Result<(), EvaluationError> {
        Err(EvaluationError::NoValue { op: "weight", operands: 0 })
    }
}
