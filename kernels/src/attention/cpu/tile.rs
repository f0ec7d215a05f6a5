//! Some queries of one head of one image: where their panels lie, and the walk over all blocks of keys.

use super::call::Call;
use super::operand::Operand;
use super::schedule::TILE_QUERIES;
use super::{Emitter, Functions};
use crate::mlir::{Builder, Comparison, Function, Type, Value};
use crate::vector::{CELL, element_pointer};
use ocellus_dialects::ElementType;

/// Some queries of one head of one image.
pub(super) struct Tile<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) queries: Operand,
    pub(super) keys: Operand,
    pub(super) values: Operand,
    pub(super) result: Operand,
    /// The segments of the image, where there is a mask.
    pub(super) segments: Option<Value>,
    /// The first query.
    pub(super) first: Value,
    pub(super) count: Value,
}

impl<'a> Tile<'a> {
    /// The tile of that number. Tiles go image by image, in those head by head, in those block of queries by block.
    pub(super) fn of(call: &'a Call<'a>, b: &mut Builder, tile: Value) -> Self {
        let blocks = b.ceil_div(call.query_count, TILE_QUERIES);
        let block = b.rem(tile, blocks);
        let pair = b.div(tile, blocks);
        let heads = b.i64(call.emitter.heads);
        let head = b.rem(pair, heads);
        let image = b.div(pair, heads);
        let head_size = call.emitter.schedule.head_size;
        let head_bytes = b.mul_constant(head, head_size * call.emitter.element.bytes());
        let first = b.mul_constant(block, TILE_QUERIES);
        let rest = b.sub(call.query_count, first);
        let full = b.i64(TILE_QUERIES);
        let mut head = |operand: &Operand| operand.at(operand.head(b, image, head_bytes));
        let (queries, keys) = (head(&call.queries), head(&call.keys));
        let (values, result) = (head(&call.values), head(&call.result));
        Tile {
            call,
            queries: queries.at(queries.row(b, first)),
            keys,
            values,
            result: result.at(result.row(b, first)),
            segments: call.segments.map(|segments| segments.image(b, image)),
            first,
            count: b.min(rest, full),
        }
    }
}

impl Tile<'_> {
    pub(super) fn emitter(&self) -> &Emitter<'_> {
        self.call.emitter
    }

    pub(super) fn part(&self, b: &mut Builder, offset: i64) -> Value {
        b.offset_constant(self.call.scratch, offset)
    }

    /// The address of a panel, by its first query.
    fn panel(&self, b: &mut Builder, part: i64, query: Value, panel_bytes: i64) -> Value {
        let base = self.part(b, part);
        let queries = b.i64(self.emitter().schedule.panel_queries());
        let panel = b.div(query, queries);
        let bytes = b.mul_constant(panel, panel_bytes);
        b.offset(base, bytes)
    }

    /// The address of a query's column in its panel.
    pub(super) fn column(
        &self,
        b: &mut Builder,
        part: i64,
        query: Value,
        panel_bytes: i64,
    ) -> Value {
        let panel = self.panel(b, part, query, panel_bytes);
        let queries = b.i64(self.emitter().schedule.panel_queries());
        let column = b.rem(query, queries);
        let bytes = b.mul_constant(column, CELL);
        b.offset(panel, bytes)
    }

    /// Calls `body` with the first query and the count of each vector of queries.
    pub(super) fn for_vectors(
        &self,
        b: &mut Builder,
        body: impl FnOnce(&mut Builder, Value, Value),
    ) {
        let lanes = self.emitter().schedule.lanes;
        let zero = b.i64(0);
        b.for_each((zero, self.count, lanes), |b, query| {
            let rest = b.sub(self.count, query);
            let full = b.i64(lanes);
            let count = b.min(rest, full);
            body(b, query, count);
        });
    }

    /// No score yet, all sums zero.
    pub(super) fn start_sums(&self, b: &mut Builder) {
        let emitter = self.emitter();
        let schedule = &emitter.schedule;
        self.for_vectors(b, |b, query, _| {
            let none = b.splat(0.0, Type::f32s(emitter.lanes()));
            let min = b.splat(emitter.least_score(), Type::f32s(emitter.lanes()));
            let state = self.column(b, emitter.scratch.states, query, schedule.state_panel());
            b.store(min, state);
            let sum = b.offset_constant(state, schedule.panel_row());
            b.store(none, sum);
            let sums = self.column(b, emitter.scratch.outputs, query, schedule.output_panel());
            let (zero, rows) = (b.i64(0), b.i64(schedule.padded_head));
            b.for_each((zero, rows, 1), |b, row| {
                let bytes = b.mul_constant(row, schedule.panel_row());
                let pointer = b.offset(sums, bytes);
                b.store(none, pointer);
            });
        });
    }

    /// Every block of keys that a query may attend to with every panel of queries.
    pub(super) fn attend(&self, b: &mut Builder, functions: &Functions) {
        let schedule = &self.emitter().schedule;
        let zero = b.i64(0);
        self.pack_segments(b);
        let extent = self.query_extent(b);
        b.for_each((zero, self.call.key_count, schedule.block_keys), |b, first| {
            let rest = b.sub(self.call.key_count, first);
            let full = b.i64(schedule.block_keys);
            let keys = b.min(rest, full);
            self.if_shared(b, extent, (first, keys), |b, segments| {
                self.copy_keys(b, functions, first, keys);
                self.copy_values(b, first, keys);
                b.for_each((zero, self.count, schedule.panel_queries()), |b, query| {
                    self.attend_panel(b, &functions.attend, query, (keys, segments));
                });
            });
        });
    }

    /// Calls the function that is written for as many vectors as the panel has queries for.
    fn attend_panel(
        &self,
        b: &mut Builder,
        attend: &[Function],
        query: Value,
        (keys, segments): (Value, Option<Value>),
    ) {
        let emitter = self.emitter();
        let (scratch, schedule) = (&emitter.scratch, &emitter.schedule);
        let queries = self.panel(b, scratch.queries, query, schedule.query_panel());
        let sums = self.panel(b, scratch.outputs, query, schedule.output_panel());
        let state = self.panel(b, scratch.states, query, schedule.state_panel());
        let mut arguments = vec![queries, self.call.scratch, keys, sums, state];
        if let Some(segments) = segments {
            let own = self.part(b, scratch.segments);
            arguments.extend([element_pointer(b, own, ElementType::I32, query), segments]);
        }
        let rest = b.sub(self.count, query);
        for (vectors, function) in attend.iter().enumerate() {
            let min = b.i64(vectors as i64 * schedule.lanes);
            let mut chosen = b.compare(Comparison::Less, min, rest);
            if vectors + 1 < attend.len() {
                let max = b.i64((vectors as i64 + 1) * schedule.lanes);
                let fits = b.compare(Comparison::LessOrEqual, rest, max);
                chosen = b.and(chosen, fits);
            }
            b.if_then(chosen, |b| b.call(function, &arguments));
        }
    }
}
