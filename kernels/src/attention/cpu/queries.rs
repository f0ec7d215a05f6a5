//! Queries become columns of panels, so that a query has a lane.

use super::tile::Tile;
use super::{Emitter, Functions};
use crate::mlir::{Builder, Function, Linkage, Module, Type, Value};
use crate::vector::{CELL, transpose};

impl Emitter<'_> {
    /// [`define_pack`](Self::define_pack) for panels of queries.
    pub(super) fn define_pack_queries(&self, symbol: &str, module: &mut Module) -> Function {
        self.define_pack(&format!("{symbol}_pack_queries"), self.schedule.panel_row(), module)
    }

    /// `(source, row bytes, count, panel)`: `count` rows of queries or keys, at least one and at most a vector, become
    /// columns of a panel, whose rows are so many bytes apart. Lanes past the last row repeat it.
    pub(super) fn define_pack(&self, name: &str, panel_row: i64, module: &mut Module) -> Function {
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        module.define(name, Linkage::Internal, &parameters, |b, parameters| {
            let &[source, row_bytes, count, panel] = parameters else { return };
            let last = b.add_constant(count, -1);
            let rows: Vec<Value> = (0..self.schedule.lanes)
                .map(|lane| {
                    let lane = b.i64(lane);
                    let row = b.min(lane, last);
                    let bytes = b.mul(row, row_bytes);
                    b.offset(source, bytes)
                })
                .collect();
            let cells = self.schedule.head_cells;
            let cell_bytes = self.schedule.cell.elements() * self.row_element().bytes();
            match self.overlapping(cells) {
                Some(starts) => {
                    for start in starts {
                        let mut load = |row: &Value| {
                            let pointer = b.offset_constant(*row, start * cell_bytes);
                            self.load_cells(b, pointer, self.lanes())
                        };
                        let loaded: Vec<Value> = rows.iter().map(&mut load).collect();
                        for (cell, column) in transpose(b, &loaded).into_iter().enumerate() {
                            let row = (start + cell as i64) * panel_row;
                            let pointer = b.offset_constant(panel, row);
                            b.store(column, pointer);
                        }
                    }
                }
                None => {
                    for (lane, row) in rows.iter().enumerate() {
                        for cell in 0..cells {
                            let pointer = b.offset_constant(*row, cell * cell_bytes);
                            let value = self.load_cells(b, pointer, 1);
                            let place = cell * panel_row + lane as i64 * CELL;
                            let pointer = b.offset_constant(panel, place);
                            b.store(value, pointer);
                        }
                    }
                }
            }
        })
    }
}

impl Tile<'_> {
    pub(super) fn pack_queries(&self, b: &mut Builder, functions: &Functions) {
        let emitter = self.emitter();
        self.for_vectors(b, |b, query, count| {
            let mut source = self.queries.row(b, query);
            let mut row_bytes = self.queries.row_bytes;
            if let Some(rotate) = &functions.rotate {
                let token = b.add(self.first, query);
                let rotated = self.part(b, emitter.scratch.rotated);
                self.rotate_rows(b, rotate, self.queries.at(source), (token, count), rotated);
                source = rotated;
                row_bytes = b.i64(emitter.schedule.head_row());
            }
            let (part, bytes) = (emitter.scratch.queries, emitter.schedule.query_panel());
            let column = self.column(b, part, query, bytes);
            b.call(&functions.pack, &[source, row_bytes, count, column]);
        });
    }
}
