//! Copies a run of elements.

use super::{Width, for_columns};
use crate::CpuTarget;
use crate::mlir::{Builder, Scalar, Type, Value};
use ocellus_dialects::ElementType;

/// Copies `width` elements from one address to another. Bits are bits: what they mean as numbers is nobody's business
/// here.
pub fn copy(
    b: &mut Builder,
    target: &CpuTarget,
    element: ElementType,
    width: Width,
    (from, to): (Value, Value),
) {
    let scalar = match element {
        ElementType::F32 | ElementType::I32 => Scalar::I32,
        ElementType::BF16 | ElementType::F16 => Scalar::I16,
    };
    for_columns(b, target, width, |b, column, lanes| {
        let bytes = b.mul_constant(column, element.bytes());
        let from = b.offset(from, bytes);
        let elements = b.load(from, Type::Vector(scalar, lanes));
        let to = b.offset(to, bytes);
        b.store(elements, to);
    });
}
