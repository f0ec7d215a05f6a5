//! Rotary embeddings of one head of one token.

use super::{Width, element_pointer, for_columns, load, pieces, store};
use crate::Target;
use crate::mlir::{Builder, Value};
use ocellus_dialects::ElementType;

/// All that the code of a rotation depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    /// How the head is stored.
    pub(crate) from: ElementType,
    /// How the rotated head is stored.
    pub(crate) to: ElementType,
    /// Elements of a head: an even number.
    pub(crate) head_size: i64,
}

impl Rotation {
    /// Writes `x * cos + concat(-x[d/2..], x[..d/2]) * sin` at `to`, in f32 until it is stored. `tables` are the rows of
    /// cos and sin, f32.
    pub(crate) fn emit(
        &self,
        b: &mut Builder,
        target: impl Into<Target>,
        x: Value,
        tables: [Value; 2],
        to: Value,
    ) {
        let (half, target) = (self.head_size / 2, target.into());
        if target.threads() == 1 {
            for (column, lanes) in pieces(0, half, target.lanes()) {
                self.rotate(b, target, (x, tables, to), (column, lanes));
            }
            return;
        }
        for_columns(b, target, Width::Static(half), |b, column, lanes| {
            let x = element_pointer(b, x, self.from, column);
            let tables = tables.map(|table| element_pointer(b, table, ElementType::F32, column));
            let to = element_pointer(b, to, self.to, column);
            self.rotate(b, target, (x, tables, to), (0, lanes));
        });
    }

    /// The columns from `column` on of the lower half, and those of the upper half that they are turned with.
    fn rotate(
        &self,
        b: &mut Builder,
        target: Target,
        (x, tables, to): (Value, [Value; 2], Value),
        (column, lanes): (i64, u32),
    ) {
        let columns = [column, self.head_size / 2 + column];
        let [lower, upper] = columns.map(|column| {
            let pointer = b.offset_constant(x, column * self.from.bytes());
            load(b, self.from, pointer, lanes)
        });
        let zero = b.splat(0.0, upper.ty());
        let minus_upper = b.sub(zero, upper);
        for (column, (x, other)) in columns.into_iter().zip([(lower, minus_upper), (upper, lower)])
        {
            let [cos, sin] = tables.map(|table| {
                let pointer = b.offset_constant(table, column * ElementType::F32.bytes());
                load(b, ElementType::F32, pointer, lanes)
            });
            let rotated = b.mul(x, cos);
            let rotated = b.fma(other, sin, rotated);
            let pointer = b.offset_constant(to, column * self.to.bytes());
            store(b, target, self.to, rotated, pointer);
        }
    }
}
