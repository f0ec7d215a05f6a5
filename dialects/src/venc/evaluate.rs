//! [`evaluate`]: an operation on concrete tensors, with the checks before and after what its
//! [`Semantics`](super::Semantics) compute.

use super::{EvaluationError, Op, infer};
use crate::HostTensor;
use crate::symbolic::{Bindings, Dim};
use crate::tensor::{ElementType, TensorType};

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
