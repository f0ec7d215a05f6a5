//! A launch at run time.

use super::Emitter;
use super::operand::{Operand, Segments, Tables};
use crate::arguments::Placed;
use crate::attention::AttentionArguments;
use crate::mlir::{Builder, Value};
use ocellus_dialects::ElementType;

/// A launch at run time.
pub(super) struct Call<'a> {
    pub(super) emitter: &'a Emitter<'a>,
    pub(super) queries: Operand,
    pub(super) keys: Operand,
    pub(super) values: Operand,
    pub(super) result: Operand,
    pub(super) query_count: Value,
    pub(super) key_count: Value,
    pub(super) scratch: Value,
    pub(super) tables: Option<Tables>,
    pub(super) segments: Option<Segments>,
}

impl<'a> Call<'a> {
    /// The call whose argument block is given.
    pub(super) fn load(
        b: &mut Builder,
        emitter: &'a Emitter<'a>,
        scratch: Value,
        block: Value,
        arguments: &AttentionArguments<Placed>,
    ) -> Self {
        let element = emitter.element;
        let operand = |b: &mut Builder, operand| Operand::load(b, block, operand, element);
        Call {
            emitter,
            queries: operand(b, &arguments.q),
            keys: operand(b, &arguments.k),
            values: operand(b, &arguments.v),
            result: operand(b, &arguments.result),
            query_count: arguments.queries.load(b, block),
            key_count: arguments.keys.load(b, block),
            scratch,
            tables: arguments.tables.as_ref().map(|tables| Tables {
                cos: Operand::load_table(b, block, &tables.cos),
                sin: Operand::load_table(b, block, &tables.sin),
            }),
            segments: arguments.segments.as_ref().map(|segments| Segments {
                base: segments.start.load(b, block),
                image_bytes: segments.image_stride.load_bytes(b, block, ElementType::I32),
            }),
        }
    }
}
