//! [`Copies`]: how a thread copies its share of the queries, and of the keys and the values of a block.

use super::schedule::SEGMENT;
use super::tile::{Head, Tile};
use super::{Schedule, WarpAttention};
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{Piece, RowCopies, Thread, copy};

/// What a thread copies.
pub(super) struct Copies {
    schedule: Schedule,
    element_bytes: i64,
    runs: [i64; 4],
    queries: RowCopies,
    keys: RowCopies,
    /// Where pieces of keys lie behind the first key of a block, and those of values.
    offsets: [Vec<Value>; 2],
    /// Bytes from a block of keys to the one before it, and of values.
    back: [Value; 2],
    /// The thread.
    thread: Value,
}

/// Where a block of keys lies.
#[derive(Clone, Copy)]
pub(super) struct Sources {
    /// Its first key, its first value, and the first of its segments where there are any.
    pub(super) starts: [Option<Value>; 3],
}

/// How many keys of a block there are.
#[derive(Clone, Copy)]
pub(super) enum There {
    /// So many, `i32`.
    Some(Value),
    /// All of them, where that holds, and else none.
    AllIf(Value),
}

impl Copies {
    pub(super) fn of(
        b: &mut Builder,
        attention: &WarpAttention,
        (thread, tile): (&Thread, &Tile),
    ) -> Self {
        let schedule = attention.schedule;
        let threads = schedule.threads();
        let shared = (thread.number, threads);
        let queries = RowCopies::of(b, schedule.copied_rows(), schedule.tile_queries(), shared);
        let keys = RowCopies::of(b, schedule.copied_rows(), schedule.keys, shared);
        let offsets = [tile.k, tile.v].map(|head| keys.offsets(b, head.row_bytes));
        let back = [tile.k, tile.v].map(|head| b.mul_constant(head.row_bytes, -schedule.keys));
        let element_bytes = schedule.arithmetic.element().bytes();
        Copies {
            schedule,
            element_bytes,
            runs: attention.runs,
            queries,
            keys,
            offsets,
            back,
            thread: thread.number,
        }
    }

    /// Copies the queries, of which so many are there.
    pub(super) fn queries(&self, b: &mut Builder, (head, there): (Head, Value), to: Value) {
        let offsets = self.queries.offsets(b, head.row_bytes);
        let run = self.runs[0];
        let size = |b: &mut Builder, piece: &Piece, _| {
            let is_there = b.compare(Comparison::Less, piece.row, there);
            bytes_if(b, is_there, self.element_bytes * run)
        };
        self.queries.copy(b, (run, self.element_bytes), (head.start, &offsets, to), size);
    }

    /// Copies a block to the stage that begins there.
    pub(super) fn block(&self, b: &mut Builder, sources: &Sources, there: There, stage: Value) {
        for (part, place) in [0, self.schedule.copied_values_at()].into_iter().enumerate() {
            let Some(from) = sources.starts[part] else { continue };
            let run = self.runs[1 + part];
            let to = b.offset_constant(stage, place);
            let size = |b: &mut Builder, piece: &Piece, _| {
                there.bytes(b, piece.row, self.element_bytes * run)
            };
            self.keys.copy(b, (run, self.element_bytes), (from, &self.offsets[part], to), size);
        }
        if let Some(from) = sources.starts[2] {
            self.segments(b, from, there, stage);
        }
    }

    /// Copies the segments of a block's keys.
    fn segments(&self, b: &mut Builder, from: Value, there: There, stage: Value) {
        let stage = b.offset_constant(stage, self.schedule.copied_segments_at());
        let keys = b.integer(self.schedule.keys, Type::I32);
        for pass in 0..self.schedule.segment_passes() {
            let key = b.add_constant(self.thread, pass * self.schedule.threads());
            let size = there.bytes(b, key, SEGMENT);
            let none = b.integer(0, Type::I32);
            let is_key = b.compare(Comparison::Less, key, keys);
            let size = b.select(is_key, size, none);
            let bytes = b.mul_constant(key, SEGMENT);
            let to = b.offset(stage, bytes);
            let bytes = b.extend_unsigned(bytes, Scalar::I64);
            let from = b.offset(from, bytes);
            copy(b, SEGMENT, size, (from, to));
        }
    }

    /// The block before that one.
    pub(super) fn before(&self, b: &mut Builder, sources: &Sources) -> Sources {
        let [k, v, segments] = sources.starts;
        let back = |b: &mut Builder, start: Option<Value>, bytes: Value| {
            start.map(|start| b.offset(start, bytes))
        };
        let segment_bytes = b.i64(-SEGMENT * self.schedule.keys);
        let starts =
            [back(b, k, self.back[0]), back(b, v, self.back[1]), back(b, segments, segment_bytes)];
        Sources { starts }
    }
}

impl There {
    /// The bytes that are there of so many of a key.
    fn bytes(&self, b: &mut Builder, key: Value, bytes: i64) -> Value {
        let is_there = match *self {
            There::Some(keys) => b.compare(Comparison::Less, key, keys),
            There::AllIf(holds) => holds,
        };
        bytes_if(b, is_there, bytes)
    }
}

fn bytes_if(b: &mut Builder, is_there: Value, bytes: i64) -> Value {
    let [all, none] = [bytes, 0].map(|bytes| b.integer(bytes, Type::I32));
    b.select(is_there, all, none)
}

impl Sources {
    /// Their addresses, as many as there are.
    pub(super) fn values(&self) -> Vec<Value> {
        self.starts.iter().flatten().copied().collect()
    }

    /// The same with other addresses, as many.
    pub(super) fn with(&self, values: &mut impl Iterator<Item = Value>) -> Self {
        Sources { starts: self.starts.map(|start| start.and_then(|_| values.next())) }
    }
}
