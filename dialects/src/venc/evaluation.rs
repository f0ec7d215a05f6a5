//! [`EvaluationError`]: why an operation on concrete tensors has no value.

use super::VencError;
use crate::HostTensor;

/// Why an operation has no value for the operands it was given.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// It does not take such operands.
    #[error(transparent)]
    Type(#[from] VencError),
    /// Its value does not follow from its operands.
    #[error("venc.{op} with {operands} operand(s) has no value by itself")]
    NoValue {
        /// The operation.
        op: &'static str,
        /// How many operands it was given.
        operands: usize,
    },
    /// A dimension that has no size of at least 1 in this call.
    #[error("venc.{op}: the dim `{dim}` is {size} in this call, and must be at least 1")]
    EmptyDim {
        /// The operation.
        op: &'static str,
        /// The dimension.
        dim: String,
        /// Its size.
        size: String,
    },
    /// A result that is not what the module says.
    #[error("venc.{op} gives the dims {given:?}, and the module says {declared}")]
    ResultShape {
        /// The operation.
        op: &'static str,
        /// The dimensions of the result.
        given: Vec<usize>,
        /// The dimensions in the module.
        declared: String,
    },
    /// An index that is not there, or is no index.
    #[error("venc.{op}: the index at position {position} is {value}, and must be {wanted}")]
    Index {
        /// The operation.
        op: &'static str,
        /// Which of the indices, in order.
        position: usize,
        /// The index.
        value: f32,
        /// What it should be.
        wanted: String,
    },
    /// A tensor that does not fit in memory.
    #[error(
        "venc.{op}: a tensor of the dims {shape:?} does not fit in memory, {bytes} bytes are needed"
    )]
    TooLarge {
        /// The operation.
        op: &'static str,
        /// The dimensions.
        shape: Vec<usize>,
        /// How much is needed; the greatest number there is where that has no name.
        bytes: usize,
    },
}

impl EvaluationError {
    /// No memory for a tensor of elements of that many bytes.
    pub fn too_large(op: &'static str, shape: &[usize], element_bytes: usize) -> Self {
        let bytes = shape.iter().fold(element_bytes, |bytes, dim| bytes.saturating_mul(*dim));
        EvaluationError::TooLarge { op, shape: shape.to_vec(), bytes }
    }
}

/// The operands, of which [`infer`](super::infer) has seen that they are so many.
pub(super) fn take<'t, const N: usize>(
    op: &'static str,
    operands: &[&'t HostTensor],
) -> Result<[&'t HostTensor; N], EvaluationError> {
    let operands_given = operands.len();
    operands.try_into().map_err(|_| EvaluationError::NoValue { op, operands: operands_given })
}
