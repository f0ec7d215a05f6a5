//! The mode of a thread in which instructions of vectors take results below the least normal number for zero. Without it each
//! of them costs a Sapphire Rapids some two hundred cycles.
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, section 10.2.3.

use crate::mlir::{Builder, Type, Value};

/// The bit of the control register that makes it so.
const FLUSH_TO_ZERO: i64 = 1 << 15;

/// Bytes of the control register.
const REGISTER: i64 = 4;

/// Takes small results for zero in `body`, and behind it does again what was done before. `modes` are eight bytes for the two.
pub(crate) fn with_subnormals_as_zero(
    b: &mut Builder,
    modes: Value,
    body: impl FnOnce(&mut Builder),
) {
    b.intrinsic_without_result("llvm.x86.sse.stmxcsr", &[modes]);
    let before = b.load(modes, Type::I32);
    let flush = b.integer(FLUSH_TO_ZERO, Type::I32);
    let here = b.or(before, flush);
    let place = b.offset_constant(modes, REGISTER);
    b.store(here, place);
    b.intrinsic_without_result("llvm.x86.sse.ldmxcsr", &[place]);
    body(b);
    b.intrinsic_without_result("llvm.x86.sse.ldmxcsr", &[modes]);
}
