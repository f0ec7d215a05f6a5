//! Rotary embeddings: heads of queries and keys are rotated on their way into scratch memory.

use super::Emitter;
use super::operand::Operand;
use super::tile::Tile;
use crate::mlir::{Builder, Function, Linkage, Module, Type, Value};
use crate::vector::Rotation;

impl Emitter<'_> {
    /// `(head, cos, sin, to)`: one head of one token, rotated.
    pub(super) fn define_rotate(&self, symbol: &str, module: &mut Module) -> Function {
        let rotation = Rotation {
            from: self.element,
            to: self.row_element(),
            head_size: self.schedule.head_size,
        };
        let name = format!("{symbol}_rotate");
        module.define(&name, Linkage::Internal, &[Type::Pointer; 4], |b, parameters| {
            let &[head, cos, sin, to] = parameters else { return };
            rotation.emit(b, self.target, head, [cos, sin], to);
        })
    }
}

impl Tile<'_> {
    /// Writes `count` heads from `rows` on, the first of which is that of `token`, rotated, one after the other.
    pub(super) fn rotate_rows(
        &self,
        b: &mut Builder,
        rotate: &Function,
        rows: Operand,
        (token, count): (Value, Value),
        to: Value,
    ) {
        let Some(tables) = self.call.tables else { return };
        let row_bytes = self.emitter().schedule.head_row();
        let zero = b.i64(0);
        b.for_each((zero, count, 1), |b, row| {
            let token = b.add(token, row);
            let head = rows.row(b, row);
            let (cos, sin) = (tables.cos.row(b, token), tables.sin.row(b, token));
            let bytes = b.mul_constant(row, row_bytes);
            let to = b.offset(to, bytes);
            b.call(rotate, &[head, cos, sin, to]);
        });
    }
}
