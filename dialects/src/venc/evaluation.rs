//! An operation on concrete tensors: the checks before and after what its [`Semantics`](super::Semantics) compute.

use super::{Op, VencError, infer};
use crate::HostTensor;
use crate::symbolic::{Bindings, Dim};
use crate::tensor::{ElementType, TensorType};

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

/// What `op` gives for these operands, where dimensions in its attributes have the sizes of `bindings`. The operands
/// are checked first, as [`infer`] does. A [`Cast`](super::Cast) rounds: this is how work on weights is done at compile
/// time. Every sum is accumulated in f64.
pub fn evaluate(
    op: &Op,
    operands: &[&HostTensor],
    bindings: &Bindings,
) -> Result<HostTensor, EvaluationError> {
    let op = &with_sizes(op, bindings)?;
    let types: Vec<TensorType> = operands
        .iter()
        .enumerate()
        .map(|(position, x)| match op.index_operand() == Some(position) {
            true => TensorType { element: ElementType::I32, ..type_of(x) },
            false => type_of(x),
        })
        .collect();
    let result = infer(op, &types.iter().collect::<Vec<_>>())?;
    let empty = types.iter().chain([&result]).flat_map(|ty| &ty.shape).find(|dim| !is_size(dim));
    if let Some(dim) = empty {
        return Err(EvaluationError::EmptyDim {
            op: op.name(),
            dim: dim.to_string(),
            size: dim.to_string(),
        });
    }
    let shape = result.shape.iter().filter_map(Dim::as_constant).map(|dim| dim as usize).collect();
    let mut out = allocate(op, shape)?;
    op.operation().evaluate(operands, &mut out)?;
    Ok(out)
}

/// The operands, of which [`infer`] has seen that they are so many.
pub(super) fn take<'t, const N: usize>(
    op: &'static str,
    operands: &[&'t HostTensor],
) -> Result<[&'t HostTensor; N], EvaluationError> {
    let operands_given = operands.len();
    operands.try_into().map_err(|_| EvaluationError::NoValue { op, operands: operands_given })
}

/// The operation with the dimensions in its attributes replaced by their sizes.
fn with_sizes(op: &Op, bindings: &Bindings) -> Result<Op, EvaluationError> {
    let size = |dim: &mut Dim| match dim.evaluate(bindings) {
        Some(size) if size >= 1 => {
            *dim = Dim::from(size);
            Ok(())
        }
        size => Err(EvaluationError::EmptyDim {
            op: op.name(),
            dim: dim.to_string(),
            size: size.map_or("unknown".to_string(), |size| size.to_string()),
        }),
    };
    let mut sized = op.clone();
    sized.dims_mut().into_iter().try_for_each(size)?;
    Ok(sized)
}

fn type_of(tensor: &HostTensor) -> TensorType {
    let dims = tensor.shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX));
    TensorType::new(ElementType::F32, dims)
}

fn is_size(dim: &Dim) -> bool {
    dim.as_constant().is_some_and(|size| size >= 1)
}

fn allocate(op: &Op, shape: Vec<usize>) -> Result<HostTensor, EvaluationError> {
    let too_large = EvaluationError::too_large(op.name(), &shape, size_of::<f32>());
    HostTensor::zeros(shape).ok_or(too_large)
}
