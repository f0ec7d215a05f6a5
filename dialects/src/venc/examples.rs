//! Tensors and types that can be checked by eye, for the tests of operations.

use super::{EvaluationError, Op, evaluate};
use crate::HostTensor;
use crate::symbolic::{Dim, Symbol};
use crate::tensor::{ElementType, TensorType};

/// A tensor of those elements.
pub(super) fn tensor(shape: &[usize], data: &[f32]) -> HostTensor {
    HostTensor::new(shape.to_vec(), data.to_vec()).unwrap()
}

/// A tensor of 0, 1, 2 …, so that a result says where each element came from.
pub(super) fn counted(shape: &[usize]) -> HostTensor {
    let elements: usize = shape.iter().product();
    tensor(shape, &(0..elements).map(|x| x as f32).collect::<Vec<_>>())
}

/// The result of an operation.
pub(super) fn run(op: impl Into<Op>, operands: &[&HostTensor]) -> HostTensor {
    try_run(op, operands).unwrap()
}

/// The result of an operation, or why there is none.
pub(super) fn try_run(
    op: impl Into<Op>,
    operands: &[&HostTensor],
) -> Result<HostTensor, EvaluationError> {
    evaluate(&op.into(), operands, &Default::default())
}

/// That an operation gives those elements but for one rounding to f32 on each side.
pub(super) fn assert_close(op: impl Into<Op>, operands: &[&HostTensor], expected: &[f32]) {
    let given = run(op, operands).data;
    for (given, expected) in given.iter().zip(expected) {
        assert!((given - expected).abs() <= 2.0 * f32::EPSILON * expected.abs(), "{given}");
    }
    assert_eq!(given.len(), expected.len());
}

/// `[images, rows*cols + 1, width] x f32`.
pub(super) fn tokens_of(width: i64) -> TensorType {
    let dim = |name| Dim::symbol(&Symbol::new(name));
    let tokens = dim("rows") * dim("cols") + Dim::from(1);
    TensorType::new(ElementType::F32, [dim("images"), tokens, Dim::from(width)])
}
