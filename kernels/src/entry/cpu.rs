//! A kernel for a CPU: whoever runs it says which tiles.
//!
//! ```c
//! void symbol(const int64_t *arguments, int64_t first_tile, int64_t end_tile, uint8_t *scratch);
//! ```

use super::{Entry, Worker};
use crate::mlir::{Builder, Linkage, Module, Type, Value};

/// Writes the kernel.
pub(super) fn define(
    entry: &Entry<'_>,
    module: &mut Module,
    body: impl FnOnce(&mut Builder, Worker),
) {
    let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
    module.define(entry.symbol, Linkage::Exported, &parameters, |b, parameters: &[Value]| {
        let &[block, first, end, scratch] = parameters else { return };
        body(b, Worker { block, first, end, scratch });
    });
}
