//! Queries, keys and values are copied to scratch memory as tiles, filled with zeros where a product would sum over what is
//! not there. Where it would only make rows or columns that nobody reads, anything may stand.

use super::schedule::DEPTH;
use super::{Run, Writer};
use crate::attention::cpu::copies::NextRow;
use crate::attention::cpu::interleave;
use crate::mlir::{Builder, Function, Module, Scalar, Type, Value};
use crate::tile_registers::{TILE_BYTES, TILE_COLUMNS, TILE_ROW_BYTES, TILE_ROWS};
use crate::vector::{element_pointer, pieces};
use ocellus_dialects::ElementType::{BF16, I32};

impl Writer<'_> {
    /// `(source, row bytes, count, tiles)`: see [`define_pack`](crate::attention::cpu::Emitter::define_pack).
    pub(super) fn define_pack_keys(&self, symbol: &str, module: &mut Module) -> Function {
        self.emitter.define_pack(&format!("{symbol}_pack_keys"), TILE_ROW_BYTES, module)
    }

    /// Rows behind the head's last pair are zeros in each tile of keys. Nothing else is written there.
    pub(super) fn pad_keys(&self, b: &mut Builder, scratch: Value) {
        let schedule = &self.schedule;
        let padding = (schedule.head_size / 2)..(schedule.chunks() * TILE_ROWS);
        if padding.is_empty() {
            return;
        }
        let keys = b.offset_constant(scratch, self.scratch.keys);
        let zero = b.i64(0);
        let end = b.i64(schedule.block_keys / TILE_ROWS);
        b.for_each((zero, end, 1), |b, tile| {
            let bytes = b.mul_constant(tile, schedule.row_tile());
            let tile = b.offset(keys, bytes);
            for pair in padding {
                let to = b.offset_constant(tile, pair * TILE_ROW_BYTES);
                store_zeros(b, to, DEPTH as u32);
            }
        });
    }
}

impl Run<'_> {
    /// Queries, row after row of their tiles.
    pub(super) fn copy_queries(&self, b: &mut Builder) {
        let queries = &self.queries;
        let zero = b.i64(0);
        let Some(rotate) = &self.functions.rotate else {
            return b.for_each((zero, queries.count, 1), |b, query| {
                let from = queries.queries.row(b, query);
                self.copy_query(b, from, query);
            });
        };
        b.for_each((zero, queries.count, TILE_ROWS), |b, first| {
            let count = self.tile_rows(b, first, queries.count);
            let token = b.add(queries.first, first);
            let source = queries.queries.at(queries.queries.row(b, first));
            let rotated = self.part(b, self.writer.scratch.rotated);
            queries.rotate_rows(b, rotate, source, (token, count), rotated);
            b.for_each((zero, count, 1), |b, row| {
                let bytes = b.mul_constant(row, queries.emitter().schedule.head_row());
                let from = b.offset(rotated, bytes);
                let query = b.add(first, row);
                self.copy_query(b, from, query);
            });
        });
    }

    fn copy_query(&self, b: &mut Builder, from: Value, query: Value) {
        let schedule = &self.writer.schedule;
        let (head, padded) = (schedule.head_size, schedule.chunks() * DEPTH);
        let rows = b.i64(TILE_ROWS);
        let (tile, row) = (b.div(query, rows), b.rem(query, rows));
        let to = self.part(b, self.writer.scratch.queries);
        let bytes = b.mul_constant(tile, schedule.row_tile());
        let to = b.offset(to, bytes);
        let bytes = b.mul_constant(row, TILE_ROW_BYTES);
        let to = b.offset(to, bytes);
        let place = |column: i64| column / DEPTH * TILE_BYTES + column % DEPTH * BF16.bytes();
        for (column, lanes) in pieces(0, head, DEPTH as u32) {
            let from = b.offset_constant(from, column * BF16.bytes());
            let value = b.load(from, Type::Vector(Scalar::I16, lanes));
            let to = b.offset_constant(to, place(column));
            b.store(value, to);
        }
        for (column, lanes) in pieces(head, padded, DEPTH as u32) {
            let to = b.offset_constant(to, place(column));
            store_zeros(b, to, lanes);
        }
    }

    /// Rows of a tile that begins at `first`, of `count` in all.
    fn tile_rows(&self, b: &mut Builder, first: Value, count: Value) -> Value {
        let rest = b.sub(count, first);
        let full = b.i64(TILE_ROWS);
        b.min(rest, full)
    }

    /// Keys, transposed; those of the last tile that are not there repeat the last key.
    pub(super) fn copy_keys(&self, b: &mut Builder, first: Value, keys: Value) {
        let queries = &self.queries;
        let source = queries.keys.at(queries.keys.row(b, first));
        let copy = self.part(b, self.writer.scratch.keys);
        let zero = b.i64(0);
        b.for_each((zero, keys, TILE_ROWS), |b, key| {
            let count = self.tile_rows(b, key, keys);
            let mut rows = source.row(b, key);
            let mut row_bytes = source.row_bytes;
            if let Some(rotate) = &self.functions.rotate {
                let token = b.add(first, key);
                let rotated = self.part(b, self.writer.scratch.rotated);
                queries.rotate_rows(b, rotate, source.at(rows), (token, count), rotated);
                rows = rotated;
                row_bytes = b.i64(queries.emitter().schedule.head_row());
            }
            let tile = b.shift_right(key, TILE_ROWS.ilog2().into());
            let bytes = b.mul_constant(tile, self.writer.schedule.row_tile());
            let to = b.offset(copy, bytes);
            b.call(&self.functions.pack_keys, &[rows, row_bytes, count, to]);
        });
    }

    /// Values, two rows together, and zeros for the keys that the last tile lacks: their weights are zeros, and what those are
    /// multiplied by must be numbers.
    pub(super) fn copy_values(&self, b: &mut Builder, first: Value, keys: Value) {
        let schedule = &self.writer.schedule;
        let source = self.queries.values.at(self.queries.values.row(b, first));
        let columns = pieces(0, schedule.head_size, TILE_COLUMNS as u32);
        let place = |column: i64| column / TILE_COLUMNS * TILE_BYTES + column % TILE_COLUMNS * 4;
        let zero = b.i64(0);
        b.for_each((zero, keys, 2), |b, key| {
            let row = source.row(b, key);
            let next = NextRow::after(b, &source, key, keys);
            let to = self.value_pair(b, key);
            for (column, lanes) in &columns {
                let offset = column * BF16.bytes();
                let from = b.offset_constant(row, offset);
                let even = b.load(from, Type::Vector(Scalar::I16, *lanes));
                let odd = next.load(b, offset, *lanes);
                let pairs = interleave(b, even, odd);
                let to = b.offset_constant(to, place(*column));
                b.store(pairs, to);
            }
        });
        let pairs = b.ceil_div(keys, 2);
        let start = b.mul_constant(pairs, 2);
        let chunks = b.ceil_div(keys, DEPTH);
        let end = b.mul_constant(chunks, DEPTH);
        b.for_each((start, end, 2), |b, key| {
            let to = self.value_pair(b, key);
            for tile in 0..schedule.column_tiles() {
                let to = b.offset_constant(to, tile * TILE_BYTES);
                store_zeros(b, to, DEPTH as u32);
            }
        });
    }

    /// Where the values of a key and of the next lie.
    fn value_pair(&self, b: &mut Builder, key: Value) -> Value {
        let depth = b.i64(DEPTH);
        let (chunk, within) = (b.div(key, depth), b.rem(key, depth));
        let values = self.part(b, self.writer.scratch.values);
        let bytes = b.mul_constant(chunk, self.writer.schedule.value_chunk());
        let chunk = b.offset(values, bytes);
        let bytes = b.mul_constant(within, TILE_ROW_BYTES / 2);
        b.offset(chunk, bytes)
    }

    /// The segments of the block's keys, where there is a mask: they are read by whole vectors.
    pub(super) fn copy_segments(&self, b: &mut Builder, segments: Option<Value>, keys: Value) {
        let Some(segments) = segments else { return };
        let copy = self.part(b, self.writer.scratch.key_segments);
        let zero = b.i64(0);
        b.for_each((zero, keys, 1), |b, key| {
            let from = element_pointer(b, segments, I32, key);
            let segment = b.load(from, Type::I32);
            let to = element_pointer(b, copy, I32, key);
            b.store(segment, to);
        });
    }
}

fn store_zeros(b: &mut Builder, to: Value, lanes: u32) {
    let zeros = b.splat(0.0, Type::Vector(Scalar::I16, lanes));
    b.store(zeros, to);
}
