//! Rotary embeddings of the heads of one token.

use super::{element_pointer, for_each_column, load, pieces, store};
use crate::mlir::{Builder, Value};
use crate::{CpuTarget, Target};
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
        target: &CpuTarget,
        x: Value,
        tables: [Value; 2],
        to: Value,
    ) {
        for (column, lanes) in pieces(0, self.half(), target.lanes()) {
            self.rotate(b, target.into(), (x, tables, to), (column, lanes));
        }
    }

    /// The same of so many heads, one after the other. The threads of a worker share them, each with `at_once` columns of both
    /// halves of a head, which half a head is a multiple of; on a CPU it does not matter.
    pub(crate) fn emit_heads(
        &self,
        b: &mut Builder,
        target: Target,
        (heads, at_once): (i64, u32),
        (x, tables, to): (Value, [Value; 2], Value),
    ) {
        let zero = b.i64(0);
        match target {
            Target::Cpu(cpu) => {
                let heads = b.i64(heads);
                b.for_each((zero, heads, 1), |b, head| {
                    let (x, to) = self.head(b, head, (x, to));
                    self.emit(b, &cpu, x, tables, to);
                });
            }
            Target::Nvidia(_) => {
                // So that short heads leave no thread idle.
                let of_head = self.half() / i64::from(at_once);
                let (count, of_head) = (b.i64(heads * of_head), b.i64(of_head));
                for_each_column(b, target, (zero, count), |b, piece| {
                    let head = b.div(piece, of_head);
                    let (x, to) = self.head(b, head, (x, to));
                    let piece = b.rem(piece, of_head);
                    let column = b.mul_constant(piece, i64::from(at_once));
                    let x = element_pointer(b, x, self.from, column);
                    let tables =
                        tables.map(|table| element_pointer(b, table, ElementType::F32, column));
                    let to = element_pointer(b, to, self.to, column);
                    self.rotate(b, target, (x, tables, to), (0, at_once));
                });
            }
        }
    }

    fn half(&self) -> i64 {
        self.head_size / 2
    }

    /// Where a head is read and written.
    fn head(&self, b: &mut Builder, head: Value, (x, to): (Value, Value)) -> (Value, Value) {
        let from_bytes = b.mul_constant(head, self.head_size * self.from.bytes());
        let to_bytes = b.mul_constant(head, self.head_size * self.to.bytes());
        (b.offset(x, from_bytes), b.offset(to, to_bytes))
    }

    /// The columns from `column` on of the lower half, and those of the upper half that they are turned with.
    fn rotate(
        &self,
        b: &mut Builder,
        target: Target,
        (x, tables, to): (Value, [Value; 2], Value),
        (column, lanes): (i64, u32),
    ) {
        let columns = [column, self.half() + column];
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
