//! One operation on concrete tensors.

use super::{
    ReferenceError, arrangement, contraction, elementwise, indices, interpolation, normalization,
};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{Op, infer};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_runtime::HostTensor;

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

/// `result` has the right dimensions and zeros.
fn compute(
    op: &Op,
    operands: &[&HostTensor],
    mut result: HostTensor,
) -> Result<HostTensor, ReferenceError> {
    let out = &mut result;
    match (op, operands) {
        (Op::Linear, [x, weight]) => contraction::linear(x, weight, out)?,
        (Op::LinearSlices { slices }, [x, weight]) => {
            contraction::linear_slices(x, weight, *slices as usize, out)?
        }
        (Op::SumSlices { .. }, [x]) => contraction::sum_slices(x, out)?,
        (Op::Matmul { transpose_rhs }, [a, b]) => contraction::matmul(a, b, *transpose_rhs, out)?,
        (Op::Add, [a, b]) => elementwise::combine(a, b, |a, b| a + b, out),
        (Op::Multiply, [a, b]) => elementwise::combine(a, b, |a, b| a * b, out),
        (Op::Scale { factor }, [x]) => elementwise::map(x, |x| x * factor, out),
        (Op::Activate(function), [x]) => {
            elementwise::map(x, |x| elementwise::activate(*function, x), out)
        }
        (Op::Cast { to }, [x]) => {
            out.data.copy_from_slice(&x.data);
            elementwise::round_in_place(*to, &mut out.data);
        }
        (Op::LayerNorm { eps }, [x, gain, bias]) => {
            normalization::layer_norm(x, Some((gain, bias)), *eps, out)
        }
        (Op::LayerNorm { eps }, [x]) => normalization::layer_norm(x, None, *eps, out),
        (Op::RmsNorm { eps }, [x, gain]) => normalization::rms_norm(x, Some(gain), *eps, out),
        (Op::RmsNorm { eps }, [x]) => normalization::rms_norm(x, None, *eps, out),
        (Op::NormScale { centred, eps }, [x]) => normalization::norm_scale(x, *centred, *eps, out),
        (Op::Centre, [x]) => normalization::centre(x, out),
        (Op::Softmax, [x]) => normalization::softmax(x, out),
        (Op::Patchify { height, width, .. }, [image]) => {
            arrangement::patchify(image, *height as usize, *width as usize, out)?
        }
        (Op::Rope { .. }, [x, cos, sin]) => elementwise::rope(x, cos, sin, out),
        (Op::GatherRows, [x, index]) => indices::gather_rows(x, index, out)?,
        (Op::InversePermutation, [index]) => indices::inverse_permutation(index, out)?,
        (Op::MaskSegments, [scores, segments]) => indices::mask_segments(scores, segments, out)?,
        (Op::SplitHeads { .. }, [x]) => arrangement::split_heads(x, out),
        (Op::MergeHeads, [x]) => arrangement::merge_heads(x, out),
        (Op::Concat { axis }, parts) => arrangement::concat(parts, *axis, out),
        (Op::Columns { start, .. }, [x]) => arrangement::columns(x, *start as usize, out),
        (Op::Tokens { start, .. }, [x]) => arrangement::tokens(x, *start as usize, out),
        (Op::SelectToken { index }, [x]) => arrangement::tokens(x, *index as usize, out),
        (Op::MeanTokens, [x]) => arrangement::mean_tokens(x, out),
        (Op::Expand { .. }, [x]) => arrangement::expand(x, out),
        (Op::Reshape { .. }, [x]) => out.data.copy_from_slice(&x.data),
        (
            Op::InterpolatePositions {
                native_rows,
                native_cols,
                rows,
                cols,
                filter,
                antialias,
                ..
            },
            [table],
        ) => {
            let axis = |native: &i64, wanted: &Dim| interpolation::Axis {
                native: *native as usize,
                wanted: wanted.as_constant().unwrap_or(0) as usize,
                filter: *filter,
                antialias: *antialias,
            };
            interpolation::interpolate(table, axis(native_rows, rows), axis(native_cols, cols), out)
        }
        // The module knows the value of the first two; `infer` has refused every other number of operands.
        (
            Op::Weight { .. }
            | Op::Call { .. }
            | Op::Linear
            | Op::LinearSlices { .. }
            | Op::SumSlices { .. }
            | Op::Matmul { .. }
            | Op::Add
            | Op::Multiply
            | Op::Scale { .. }
            | Op::Activate(_)
            | Op::Cast { .. }
            | Op::LayerNorm { .. }
            | Op::RmsNorm { .. }
            | Op::NormScale { .. }
            | Op::Centre
            | Op::Softmax
            | Op::Patchify { .. }
            | Op::Rope { .. }
            | Op::GatherRows
            | Op::InversePermutation
            | Op::MaskSegments
            | Op::SplitHeads { .. }
            | Op::MergeHeads
            | Op::Columns { .. }
            | Op::Tokens { .. }
            | Op::SelectToken { .. }
            | Op::MeanTokens
            | Op::Expand { .. }
            | Op::Reshape { .. }
            | Op::InterpolatePositions { .. },
            _,
        ) => {
            let operands = operands.len();
            return Err(ReferenceError::NoEvaluation { op: op.name(), operands });
        }
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
