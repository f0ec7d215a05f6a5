//! One operation on concrete tensors.

use super::{
    ReferenceError, arrangement, contraction, elementwise, indices, interpolation, normalization,
};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{Op, infer};
use ocellus_dialects::{ElementType, HostTensor, TensorType};

/// What `op` gives for these operands, where dimensions in its attributes have the sizes of `bindings`. The operands
/// are checked first, as [`infer`] does. A [`Op::Cast`] rounds: this is how work on weights is done at compile time.
pub fn evaluate_op(
    op: &Op,
    operands: &[&HostTensor],
    bindings: &Bindings,
) -> Result<HostTensor, ReferenceError> {
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
        return Err(ReferenceError::EmptyDim {
            op: op.name(),
            dim: dim.to_string(),
            size: dim.to_string(),
        });
    }
    let shape = result.shape.iter().filter_map(Dim::as_constant).map(|dim| dim as usize).collect();
    compute(op, operands, allocate(op, shape)?)
}

/// The operands, of which `infer` has seen that they are so many.
fn take<'t, const N: usize>(
    op: &Op,
    operands: &[&'t HostTensor],
) -> Result<[&'t HostTensor; N], ReferenceError> {
    operands.try_into().map_err(|_| no_value(op, operands))
}

fn no_value(op: &Op, operands: &[&HostTensor]) -> ReferenceError {
    ReferenceError::NoEvaluation { op: op.name(), operands: operands.len() }
}

/// `result` has the right dimensions and zeros.
fn compute(
    op: &Op,
    operands: &[&HostTensor],
    mut result: HostTensor,
) -> Result<HostTensor, ReferenceError> {
    let out = &mut result;
    let one = || take::<1>(op, operands).map(|[x]| x);
    let two = || take::<2>(op, operands);
    match op {
        Op::Linear => {
            let [x, weight] = two()?;
            contraction::linear(x, weight, out)?
        }
        Op::LinearSlices { slices } => {
            let [x, weight] = two()?;
            contraction::linear_slices(x, weight, *slices as usize, out)?
        }
        Op::SumSlices { .. } => contraction::sum_slices(one()?, out)?,
        Op::Matmul { transpose_rhs } => {
            let [a, b] = two()?;
            contraction::matmul(a, b, *transpose_rhs, out)?
        }
        Op::Add => {
            let [a, b] = two()?;
            elementwise::combine(a, b, |a, b| a + b, out)
        }
        Op::Multiply => {
            let [a, b] = two()?;
            elementwise::combine(a, b, |a, b| a * b, out)
        }
        Op::Scale { factor } => elementwise::map(one()?, |x| x * factor, out),
        Op::Activate(function) => {
            elementwise::map(one()?, |x| elementwise::activate(*function, x), out)
        }
        Op::Cast { to } => {
            out.data.copy_from_slice(&one()?.data);
            elementwise::round_in_place(*to, &mut out.data);
        }
        Op::LayerNorm { eps } => match operands {
            [x, gain, bias] => normalization::layer_norm(x, Some((gain, bias)), *eps, out),
            _ => normalization::layer_norm(one()?, None, *eps, out),
        },
        Op::RmsNorm { eps } => match operands {
            [x, gain] => normalization::rms_norm(x, Some(gain), *eps, out),
            _ => normalization::rms_norm(one()?, None, *eps, out),
        },
        Op::NormScale { centred, eps } => normalization::norm_scale(one()?, *centred, *eps, out),
        Op::Centre => normalization::centre(one()?, out),
        Op::Softmax => normalization::softmax(one()?, out),
        Op::Patchify { height, width, .. } => {
            arrangement::patchify(one()?, *height as usize, *width as usize, out)?
        }
        Op::Rope { .. } => {
            let [x, cos, sin] = take(op, operands)?;
            elementwise::rope(x, cos, sin, out)
        }
        Op::GatherRows => {
            let [x, index] = two()?;
            indices::gather_rows(x, index, out)?
        }
        Op::InversePermutation => indices::inverse_permutation(one()?, out)?,
        Op::MaskSegments => {
            let [scores, segments] = two()?;
            indices::mask_segments(scores, segments, out)?
        }
        Op::SplitHeads { .. } => arrangement::split_heads(one()?, out),
        Op::MergeHeads => arrangement::merge_heads(one()?, out),
        Op::Concat { axis } => arrangement::concat(operands, *axis, out),
        Op::Columns { start, .. } => arrangement::columns(one()?, *start as usize, out),
        Op::Tokens { start, .. } => arrangement::tokens(one()?, *start as usize, out),
        Op::SelectToken { index } => arrangement::tokens(one()?, *index as usize, out),
        Op::MeanTokens => arrangement::mean_tokens(one()?, out),
        Op::Expand { .. } => arrangement::expand(one()?, out),
        Op::Reshape { .. } => out.data.copy_from_slice(&one()?.data),
        Op::InterpolatePositions { native_rows, native_cols, rows, cols, filter, antialias } => {
            let axis = |native: &i64, wanted: &Dim| interpolation::Axis {
                native: *native as usize,
                wanted: wanted.as_constant().unwrap_or(0) as usize,
                filter: *filter,
                antialias: *antialias,
            };
            let (rows, cols) = (axis(native_rows, rows), axis(native_cols, cols));
            interpolation::interpolate(one()?, rows, cols, out)
        }
        // The module knows their values.
        Op::Weight { .. } | Op::Call { .. } => return Err(no_value(op, operands)),
    }
    Ok(result)
}

/// The operation with the dimensions in its attributes replaced by their sizes.
fn with_sizes(op: &Op, bindings: &Bindings) -> Result<Op, ReferenceError> {
    let size = |dim: &mut Dim| match dim.evaluate(bindings) {
        Some(size) if size >= 1 => {
            *dim = Dim::from(size);
            Ok(())
        }
        size => Err(ReferenceError::EmptyDim {
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

fn allocate(op: &Op, shape: Vec<usize>) -> Result<HostTensor, ReferenceError> {
    let mut data = vec![];
    let elements = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    match elements.map(|elements| (elements, data.try_reserve_exact(elements))) {
        Some((elements, Ok(()))) => {
            data.resize(elements, 0.0);
            Ok(HostTensor { shape, data })
        }
        _ => Err(ReferenceError::too_large(op.name(), &shape, size_of::<f32>())),
    }
}
