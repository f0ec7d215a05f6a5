//! Masks by segments. Within a block every pair of a query and a key is compared, so that any segments are right; a block
//! of keys is skipped where the least and the greatest segment of its keys lie beside those of the tile's queries, so that
//! segments which are runs of tokens cost what they hold.

use super::panel::Panel;
use super::tile::Tile;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::vector::element_pointer;
use ocellus_dialects::ElementType::I32;

/// The least and the greatest of some segments.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    min: Value,
    max: Value,
}

impl Extent {
    /// Whether a segment may be in both.
    fn meets(&self, b: &mut Builder, other: &Extent) -> Value {
        let starts = b.compare(Comparison::LessOrEqual, self.min, other.max);
        let ends = b.compare(Comparison::LessOrEqual, other.min, self.max);
        b.and(starts, ends)
    }
}

impl Panel<'_> {
    /// `values` of a row of scores, one a vector, where query and key share a segment; `otherwise` elsewhere.
    pub(super) fn where_shared(
        &self,
        b: &mut Builder,
        key: Value,
        values: Vec<Value>,
        otherwise: f64,
    ) -> Vec<Value> {
        let Some(segments) = &self.segments else { return values };
        let segment = element_pointer(b, segments.keys, I32, key);
        let segment = b.load(segment, Type::I32);
        let segment = b.broadcast(segment, self.emitter.lanes());
        let otherwise = b.splat(otherwise, self.vector_type());
        let pairs = values.into_iter().zip(&segments.queries);
        pairs
            .map(|(value, queries)| {
                let shared = b.compare(Comparison::Equal, segment, *queries);
                b.select(shared, value, otherwise)
            })
            .collect()
    }
}

impl Tile<'_> {
    /// The segments of the tile's queries, one a lane of its panels; lanes past the last query repeat it.
    pub(super) fn pack_segments(&self, b: &mut Builder) {
        let Some(segments) = self.segments else { return };
        let emitter = self.emitter();
        let own = element_pointer(b, segments, I32, self.first);
        let copy = self.part(b, emitter.scratch.segments);
        let last = b.add_constant(self.count, -1);
        let vectors = b.ceil_div(self.count, emitter.schedule.lanes);
        let end = b.mul_constant(vectors, emitter.schedule.lanes);
        let zero = b.i64(0);
        b.for_each((zero, end, 1), |b, lane| {
            let query = b.min(lane, last);
            let from = element_pointer(b, own, I32, query);
            let segment = b.load(from, Type::I32);
            let to = element_pointer(b, copy, I32, lane);
            b.store(segment, to);
        });
    }

    /// The extent of the queries' segments, where there is a mask.
    pub(super) fn query_extent(&self, b: &mut Builder) -> Option<Extent> {
        let segments = self.segments?;
        let own = element_pointer(b, segments, I32, self.first);
        Some(self.extent(b, own, self.count))
    }

    /// Runs `body` with the address of the block's segments, unless no key of it can share one with a query.
    pub(super) fn if_shared(
        &self,
        b: &mut Builder,
        queries: Option<Extent>,
        (first, keys): (Value, Value),
        body: impl FnOnce(&mut Builder, Option<Value>),
    ) {
        let (Some(segments), Some(queries)) = (self.segments, queries) else {
            return body(b, None);
        };
        let block = element_pointer(b, segments, I32, first);
        let extent = self.extent(b, block, keys);
        let may_share = queries.meets(b, &extent);
        b.if_then(may_share, |b| body(b, Some(block)));
    }

    /// The least and the greatest of `count` segments, at least one.
    fn extent(&self, b: &mut Builder, segments: Value, count: Value) -> Extent {
        let lanes = self.emitter().schedule.lanes;
        let vector = Type::Vector(Scalar::I32, lanes as u32);
        let lanes_value = b.i64(lanes);
        let full = b.div(count, lanes_value);
        let full = b.mul(full, lanes_value);
        let zero = b.i64(0);
        let start = [f64::from(i32::MAX), f64::from(i32::MIN)].map(|value| b.splat(value, vector));
        let folded = b.for_loop((zero, full, lanes), &start, |b, position, so_far| {
            let pointer = element_pointer(b, segments, I32, position);
            let segments = b.load(pointer, vector);
            vec![b.min(so_far[0], segments), b.max(so_far[1], segments)]
        });
        let min = b.fold_lanes(folded[0], Builder::min);
        let max = b.fold_lanes(folded[1], Builder::max);
        let folded = b.for_loop((full, count, 1), &[min, max], |b, position, so_far| {
            let pointer = element_pointer(b, segments, I32, position);
            let segment = b.load(pointer, Type::I32);
            vec![b.min(so_far[0], segment), b.max(so_far[1], segment)]
        });
        Extent { min: folded[0], max: folded[1] }
    }
}
