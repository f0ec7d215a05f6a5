//! Copies a run of elements.

use super::{Columns, Width, for_columns};
use crate::Target;
use crate::mlir::{Builder, Scalar, Type, Value};
use ocellus_dialects::ElementType;

/// Copies a run of elements from one address to another; the two runs do not overlap. Bits are bits: what they mean as
/// numbers is nobody's business here.
pub fn copy(
    b: &mut Builder,
    target: impl Into<Target>,
    element: ElementType,
    columns: impl Into<Columns>,
    (from, to): (Value, Value),
) {
    let piece = |b: &mut Builder, column: Value, lanes: u32| {
        copy_piece(b, element, (column, lanes), (from, to));
    };
    let (target, columns) = (target.into(), columns.into());
    match columns.width {
        Width::Static(width) if width < 1 => {}
        Width::Static(width) if target.threads() == 1 => {
            let lanes = lanes_of(width, target);
            let whole = width - width % i64::from(lanes);
            for_columns(b, target, Width::Static(whole), piece);
            // What is left over is written with some of what comes before it, once more.
            if whole < width {
                let column = b.i64(width - i64::from(lanes));
                piece(b, column, lanes);
            }
        }
        Width::Static(_) | Width::Dynamic(_) => for_columns(b, target, columns, piece),
    }
}

/// Copies some elements of a run, from a column on.
pub(crate) fn copy_piece(
    b: &mut Builder,
    element: ElementType,
    (column, lanes): (Value, u32),
    (from, to): (Value, Value),
) {
    let scalar = match element {
        ElementType::F32 | ElementType::I32 => Scalar::I32,
        ElementType::BF16 | ElementType::F16 => Scalar::I16,
    };
    let bytes = b.mul_constant(column, element.bytes());
    let from = b.offset(from, bytes);
    let elements = b.load(from, Type::Vector(scalar, lanes));
    let to = b.offset(to, bytes);
    b.store(elements, to);
}

/// The widest vector that fits in a run.
fn lanes_of(width: i64, target: Target) -> u32 {
    let mut lanes = target.lanes();
    while i64::from(lanes) > width {
        lanes /= 2;
    }
    lanes
}
