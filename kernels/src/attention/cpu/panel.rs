//! One panel of queries and one block of keys: the function that is written for each width of a panel, and where the
//! rows lie.

use super::Emitter;
use crate::mlir::{Builder, Function, Linkage, Module, Scalar, Type, Value};
use crate::vector::CELL;
use ocellus_dialects::ElementType::I32;
use ocellus_dialects::kernel::Mask;

impl Emitter<'_> {
    /// `(queries, scratch, keys, sums, state)`, and of a masked one the segments of queries and keys: the scores of one block of keys with one panel of queries, their
    /// softmax so far, and the values weighed with them. `keys` is how many the block has.
    pub(super) fn define_attend(
        &self,
        symbol: &str,
        vectors: i64,
        module: &mut Module,
    ) -> Function {
        let mut parameters =
            vec![Type::Pointer, Type::Pointer, Type::I64, Type::Pointer, Type::Pointer];
        if self.mask == Mask::Segments {
            parameters.extend([Type::Pointer; 2]);
        }
        let name = format!("{symbol}_attend_{vectors}");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[queries, scratch, keys, sums, state, ref segments @ ..] = parameters else {
                return;
            };
            let segments = match *segments {
                [queries, keys] => {
                    let size = (vectors, self.schedule.lanes);
                    Some(PanelSegments::read(b, (queries, keys), size))
                }
                _ => None,
            };
            let panel = Panel {
                emitter: self,
                vectors,
                keys: b.offset_constant(scratch, self.scratch.keys),
                values: b.offset_constant(scratch, self.scratch.values),
                scores: b.offset_constant(scratch, self.scratch.scores),
                segments,
            };
            panel.score(b, queries, keys);
            let decay = panel.exponentials(b, state, keys);
            panel.weigh_values(b, sums, keys, &decay);
        })
    }
}

/// One panel of queries and one block of keys.
pub(super) struct Panel<'a> {
    pub(super) emitter: &'a Emitter<'a>,
    pub(super) vectors: i64,
    pub(super) keys: Value,
    pub(super) values: Value,
    pub(super) scores: Value,
    pub(super) segments: Option<PanelSegments>,
}

/// What one panel of queries compares: the segments of its queries, a lane each, and those of the block's keys.
pub(super) struct PanelSegments {
    pub(super) queries: Vec<Value>,
    pub(super) keys: Value,
}

impl PanelSegments {
    /// `queries` holds a segment for each lane of the panel.
    pub(super) fn read(
        b: &mut Builder,
        (queries, keys): (Value, Value),
        (vectors, lanes): (i64, i64),
    ) -> Self {
        let vector = Type::Vector(Scalar::I32, lanes as u32);
        let queries = (0..vectors).map(|position| {
            let pointer = b.offset_constant(queries, position * lanes * I32.bytes());
            b.load(pointer, vector)
        });
        PanelSegments { queries: queries.collect(), keys }
    }
}

impl Panel<'_> {
    pub(super) fn vector_type(&self) -> Type {
        Type::f32s(self.emitter.lanes())
    }

    /// The address of each vector of a panel's row.
    pub(super) fn row(&self, b: &mut Builder, base: Value, row: Value) -> Vec<Value> {
        let bytes = b.mul_constant(row, self.emitter.schedule.panel_row());
        let row = b.offset(base, bytes);
        self.row_at(b, row)
    }

    pub(super) fn row_at(&self, b: &mut Builder, row: Value) -> Vec<Value> {
        let bytes = self.emitter.schedule.lanes * CELL;
        (0..self.vectors).map(|vector| b.offset_constant(row, vector * bytes)).collect()
    }

    pub(super) fn load_row(&self, b: &mut Builder, row: &[Value]) -> Vec<Value> {
        row.iter().map(|pointer| b.load(*pointer, self.vector_type())).collect()
    }
}
