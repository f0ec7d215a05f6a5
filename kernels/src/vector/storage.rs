//! Elements in memory, f32 in registers.

use crate::Target;
use crate::mlir::{Builder, Scalar, Type, Value};
use ocellus_dialects::ElementType;

/// The address of an element.
pub fn element_pointer(b: &mut Builder, base: Value, element: ElementType, index: Value) -> Value {
    let bytes = b.mul_constant(index, element.bytes());
    b.offset(base, bytes)
}

/// Reads `lanes` elements as f32.
pub fn load(b: &mut Builder, element: ElementType, pointer: Value, lanes: u32) -> Value {
    let stored = b.load(pointer, Type::Vector(storage(element), lanes));
    widen(b, element, stored)
}

/// Rounds f32 to the nearest element, halves to even, and writes them.
pub fn store(
    b: &mut Builder,
    target: impl Into<Target>,
    element: ElementType,
    value: Value,
    to: Value,
) {
    let stored = narrow(b, target, element, value);
    b.store(stored, to);
}

/// How an element is read. bf16 travels as `i16`: LLVM has no arithmetic on it without calls into a library.
pub(crate) fn storage(element: ElementType) -> Scalar {
    match element {
        ElementType::F32 => Scalar::F32,
        ElementType::BF16 => Scalar::I16,
        ElementType::F16 => Scalar::F16,
        ElementType::I32 => Scalar::I32,
    }
}

/// Stored elements as f32.
pub fn widen(b: &mut Builder, element: ElementType, stored: Value) -> Value {
    match element {
        ElementType::F32 => stored,
        ElementType::F16 => b.extend_float(stored, Scalar::F32),
        ElementType::I32 => b.to_float(stored),
        ElementType::BF16 => {
            let bits = b.extend_unsigned(stored, Scalar::I32);
            let bits = b.shift_left(bits, 16);
            b.bitcast(bits, stored.ty().with_scalar(Scalar::F32))
        }
    }
}

/// f32 as stored elements.
pub fn narrow(
    b: &mut Builder,
    target: impl Into<Target>,
    element: ElementType,
    value: Value,
) -> Value {
    match element {
        ElementType::F32 => value,
        ElementType::F16 => b.truncate_float(value, Scalar::F16),
        ElementType::I32 => b.to_integer(value),
        ElementType::BF16 if target.into().rounds_to_bf16(value.lanes()) => {
            let narrow = b.truncate_float(value, Scalar::BF16);
            b.bitcast(narrow, value.ty().with_scalar(Scalar::I16))
        }
        ElementType::BF16 => round_to_bf16(b, value),
    }
}

/// Adds just under half of the last kept bit, one more where that bit is odd, and drops the lower half. A NaN keeps its
/// upper half and becomes quiet, for the addition could make it an infinity.
fn round_to_bf16(b: &mut Builder, value: Value) -> Value {
    let integers = value.ty().with_scalar(Scalar::I32);
    let bits = b.bitcast(value, integers);
    let upper = b.shift_right(bits, 16);
    let one = b.splat(1.0, integers);
    let odd = b.and(upper, one);
    let half = b.splat(f64::from(0x7fff), integers);
    let bias = b.add(odd, half);
    let rounded = b.add(bits, bias);
    let rounded = b.shift_right(rounded, 16);
    let quiet_bit = b.splat(f64::from(0x40), integers);
    let quiet = b.or(upper, quiet_bit);
    let nan = b.is_nan(value);
    let bits = b.select(nan, quiet, rounded);
    b.truncate_integer(bits, Scalar::I16)
}
