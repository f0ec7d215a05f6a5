//! Columns of sums, divided by what their weights sum to, become rows of the result.

use super::Emitter;
use super::tile::Tile;
use crate::mlir::{Builder, Comparison, Function, Linkage, Module, Type, Value};
use crate::vector::{self, transpose};

impl Emitter<'_> {
    /// `(sums, divisors, destination, row bytes, count)`: a vector of columns of a panel of sums, divided, becomes
    /// `count` rows of the result.
    pub(super) fn define_store_outputs(&self, symbol: &str, module: &mut Module) -> Function {
        let parameters = [Type::Pointer, Type::Pointer, Type::Pointer, Type::I64, Type::I64];
        let name = format!("{symbol}_store_outputs");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[sums, divisors, destination, row_bytes, count] = parameters else { return };
            let one = b.splat(1.0, Type::f32s(self.lanes()));
            let divisors = b.load(divisors, Type::f32s(self.lanes()));
            let factors = b.div(one, divisors);
            match self.overlapping(self.schedule.head_size) {
                Some(starts) => {
                    for start in starts {
                        let mut load = |column: i64| {
                            let row = (start + column) * self.schedule.panel_row();
                            let pointer = b.offset_constant(sums, row);
                            let sum = b.load(pointer, Type::f32s(self.lanes()));
                            b.mul(sum, factors)
                        };
                        let columns: Vec<Value> = (0..self.schedule.lanes).map(&mut load).collect();
                        for (lane, row) in transpose(b, &columns).into_iter().enumerate() {
                            self.store_row(b, (destination, row_bytes, count), lane, start, row);
                        }
                    }
                }
                None => {
                    for column in 0..self.schedule.head_size {
                        let row = column * self.schedule.panel_row();
                        let pointer = b.offset_constant(sums, row);
                        let sum = b.load(pointer, Type::f32s(self.lanes()));
                        let value = b.mul(sum, factors);
                        for lane in 0..self.lanes() {
                            let value = b.lanes(value, lane, 1);
                            let rows = (destination, row_bytes, count);
                            self.store_row(b, rows, lane as usize, column, value);
                        }
                    }
                }
            }
        })
    }

    /// Writes elements of one row from a column on, where there is such a row.
    fn store_row(
        &self,
        b: &mut Builder,
        (destination, row_bytes, count): (Value, Value, Value),
        row: usize,
        column: i64,
        value: Value,
    ) {
        let row = b.i64(row as i64);
        let exists = b.compare(Comparison::Less, row, count);
        b.if_then(exists, |b| {
            let bytes = b.mul(row, row_bytes);
            let pointer = b.offset(destination, bytes);
            let pointer = b.offset_constant(pointer, column * self.element.bytes());
            vector::store(b, self.target, self.element, value, pointer);
        });
    }
}

impl Tile<'_> {
    pub(super) fn store_outputs(&self, b: &mut Builder, store: &Function) {
        let emitter = self.emitter();
        let (scratch, schedule) = (&emitter.scratch, &emitter.schedule);
        self.for_vectors(b, |b, query, count| {
            let sums = self.column(b, scratch.outputs, query, schedule.output_panel());
            let state = self.column(b, scratch.states, query, schedule.state_panel());
            let divisors = b.offset_constant(state, schedule.panel_row());
            let to = self.result.row(b, query);
            b.call(store, &[sums, divisors, to, self.result.row_bytes, count]);
        });
    }
}
