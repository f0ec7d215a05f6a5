//! Masks by segments. Within a block of keys every pair of a query and a key is compared, so that any segments are right. A tile
//! visits the blocks from the first key to the last that its queries may share a segment with, so that segments which are runs of
//! tokens cost what they hold.

use super::Schedule;
use super::range::Range;
use super::schedule::SEGMENT;
use super::softmax::Softmax;
use super::tile::Tile;
use crate::WARP;
use crate::arguments::Placed;
use crate::entry::all_lanes;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::movement::SegmentsOperand;
use crate::nvidia::{Sums, Thread, barrier};
use ocellus_dialects::ElementType;

/// Segments that a thread asks for before it looks at them.
const AT_ONCE: i64 = 8;

/// The segments of an image, and those of a lane's queries.
pub(super) struct Segments {
    schedule: Schedule,
    /// Those of the image.
    start: Value,
    /// Those of the queries that the lane has scores of: of each 16, of a row and of the eighth behind it.
    own: Vec<[Value; 2]>,
    /// Where in a stage the lane reads those of its keys, in bytes.
    keys: Value,
}

impl Segments {
    pub(super) fn load(
        b: &mut Builder,
        block: Value,
        (schedule, thread, tile): (&Schedule, &Thread, &Tile),
        operand: &SegmentsOperand<Placed>,
    ) -> Self {
        let start = operand.start.load(b, block);
        let image_bytes = operand.image_stride.load_bytes(b, block, ElementType::I32);
        let image = b.mul(tile.image, image_bytes);
        let start = b.offset(start, image);
        let start = b.global_address(start);
        let (row, column) = thread.place_in_sums(b);
        let first = b.mul_constant(thread.warp, schedule.queries);
        let row = b.add(first, row);
        let own = (0..schedule.row_products() as i64)
            .map(|number| {
                [0, 1].map(|half| {
                    let row = b.add_constant(row, 16 * number + 8 * half);
                    of_query(b, start, tile, row)
                })
            })
            .collect();
        let keys = b.mul_constant(column, SEGMENT);
        let keys = b.add_constant(keys, schedule.segments_at());
        Segments { schedule: *schedule, start, own, keys }
    }

    /// Where those of keys lie, from a key on.
    pub(super) fn from(&self, b: &mut Builder, key: Value) -> Value {
        let bytes = b.mul_constant(key, SEGMENT);
        b.offset(self.start, bytes)
    }

    /// Scores of keys that are of other segments than their query weigh nothing.
    pub(super) fn mask(
        &self,
        b: &mut Builder,
        softmax: &Softmax,
        scores: &mut [Vec<Sums>],
        stage: Value,
    ) {
        let keys = b.offset(stage, self.keys);
        for number in 0..self.schedule.key_products() {
            let from = b.offset_constant(keys, 8 * SEGMENT * number as i64);
            let pair = b.load_aligned(from, Type::Vector(Scalar::I32, 2), 2 * SEGMENT);
            for lane in 0..2 {
                let key = b.lane(pair, lane as u32);
                for (row, own) in scores.iter_mut().zip(&self.own) {
                    for (half, own) in own.iter().enumerate() {
                        let shares = b.compare(Comparison::Equal, key, *own);
                        let score = &mut row[number][2 * half + lane];
                        *score = softmax.score_where(b, shares, *score);
                    }
                }
            }
        }
    }
}

/// The segment of a query of the tile, and of the last where there are fewer.
fn of_query(b: &mut Builder, start: Value, tile: &Tile, row: Value) -> Value {
    let row = b.extend_unsigned(row, Scalar::I64);
    let last = b.add_constant(tile.queries_left, -1);
    let row = b.min(row, last);
    let query = b.add(tile.first, row);
    let bytes = b.mul_constant(query, SEGMENT);
    let from = b.offset(start, bytes);
    b.load(from, Type::I32)
}

/// The blocks of keys in which a key may share a segment with a query of the tile. Shared memory is free behind it.
pub(super) fn range(
    b: &mut Builder,
    schedule: &Schedule,
    (thread, tile): (&Thread, &Tile),
    segments: &Segments,
    memory: Value,
) -> Range {
    let touched = Touched::of(b, schedule, (thread, tile), segments);
    let keys = b.truncate_integer(tile.keys, Scalar::I32);
    let last = b.add_constant(keys, -1);
    let step = schedule.threads() * AT_ONCE;
    let none = Extent::none(b);
    let found =
        b.for_loop((thread.number, keys, step), &[none.least, none.greatest], |b, first, found| {
            let mut found = Extent { least: found[0], greatest: found[1] };
            let keys: Vec<Value> = (0..AT_ONCE)
                .map(|number| {
                    let key = b.add_constant(first, number * schedule.threads());
                    b.min(key, last)
                })
                .collect();
            let read: Vec<Value> = keys
                .iter()
                .map(|key| {
                    let wide = b.extend_unsigned(*key, Scalar::I64);
                    let from = segments.from(b, wide);
                    b.load(from, Type::I32)
                })
                .collect();
            for (key, segment) in keys.into_iter().zip(read) {
                let may_share = touched.holds(b, segment);
                let least = b.select(may_share, key, none.least);
                let greatest = b.select(may_share, key, none.greatest);
                found = found.with(b, least, greatest);
            }
            vec![found.least, found.greatest]
        });
    let found = Extent { least: found[0], greatest: found[1] }.of_warp(b);
    let found = found.of_block(b, schedule, thread, memory);
    let keys = b.integer(schedule.keys, Type::I32);
    let (first, last) = (b.div(found.least, keys), b.div(found.greatest, keys));
    let count = b.sub(last, first);
    Range { last, count: b.add_constant(count, 1) }
}

/// Which segments the queries of a tile are of: that of the first, that of the last, and of the others all between the least and
/// the greatest. So a tile that lies in two runs of tokens has no key of any other, whatever the numbers of these.
struct Touched {
    first: Value,
    last: Value,
    others: Extent,
}

impl Touched {
    fn of(
        b: &mut Builder,
        schedule: &Schedule,
        (thread, tile): (&Thread, &Tile),
        segments: &Segments,
    ) -> Self {
        let [first, last] = [0, schedule.tile_queries() - 1].map(|row| {
            let row = b.integer(row, Type::I32);
            of_query(b, segments.start, tile, row)
        });
        let none = Extent::none(b);
        let mut others = none;
        for lane in (0..schedule.tile_queries()).step_by(WARP as usize) {
            let row = b.add_constant(thread.lane, lane);
            let segment = of_query(b, segments.start, tile, row);
            let is_known = [first, last].map(|end| b.compare(Comparison::Equal, segment, end));
            let is_known = b.or(is_known[0], is_known[1]);
            let least = b.select(is_known, none.least, segment);
            let greatest = b.select(is_known, none.greatest, segment);
            others = others.with(b, least, greatest);
        }
        Touched { first, last, others: others.of_warp(b) }
    }

    /// Whether a query may be of a segment.
    fn holds(&self, b: &mut Builder, segment: Value) -> Value {
        let ends = [self.first, self.last].map(|end| b.compare(Comparison::Equal, segment, end));
        let is_end = b.or(ends[0], ends[1]);
        let is_other = self.others.holds(b, segment);
        b.or(is_end, is_other)
    }
}

/// The least and the greatest of some numbers, `i32`.
#[derive(Clone, Copy)]
struct Extent {
    least: Value,
    greatest: Value,
}

impl Extent {
    /// That of no numbers.
    fn none(b: &mut Builder) -> Self {
        let [least, greatest] =
            [i32::MAX, i32::MIN].map(|number| b.integer(i64::from(number), Type::I32));
        Extent { least, greatest }
    }

    /// With numbers that may be the least and the greatest.
    fn with(&self, b: &mut Builder, least: Value, greatest: Value) -> Self {
        Extent { least: b.min(self.least, least), greatest: b.max(self.greatest, greatest) }
    }

    /// Whether a number lies between them.
    fn holds(&self, b: &mut Builder, number: Value) -> Value {
        let starts = b.compare(Comparison::LessOrEqual, self.least, number);
        let ends = b.compare(Comparison::LessOrEqual, number, self.greatest);
        b.and(starts, ends)
    }

    /// That of all lanes.
    fn of_warp(&self, b: &mut Builder) -> Self {
        let all = all_lanes(b);
        let least = b.intrinsic("llvm.nvvm.redux.sync.min", &[self.least, all], Type::I32);
        let greatest = b.intrinsic("llvm.nvvm.redux.sync.max", &[self.greatest, all], Type::I32);
        Extent { least, greatest }
    }

    /// That of all warps, through shared memory.
    fn of_block(
        &self,
        b: &mut Builder,
        schedule: &Schedule,
        thread: &Thread,
        memory: Value,
    ) -> Self {
        const PAIR: i64 = 8;
        let own = b.mul_constant(thread.warp, PAIR);
        let own = b.offset(memory, own);
        let zero = b.integer(0, Type::I32);
        let is_first = b.compare(Comparison::Equal, thread.lane, zero);
        b.if_then(is_first, |b| {
            let pair = b.vector(&[self.least, self.greatest]);
            b.store_aligned(pair, own, PAIR);
        });
        barrier(b);
        let mut extent = Extent::none(b);
        for warp in 0..schedule.warps {
            let from = b.offset_constant(memory, PAIR * warp);
            let pair = b.load_aligned(from, Type::Vector(Scalar::I32, 2), PAIR);
            let (least, greatest) = (b.lane(pair, 0), b.lane(pair, 1));
            extent = extent.with(b, least, greatest);
        }
        barrier(b);
        extent
    }
}
