//! [`Preparation`]: what happens to queries and keys between their copies and their products: nothing, a rotation where they lie, or
//! a split into parts on the way to where they are multiplied.

use super::Schedule;
use super::halves::HalfPieces;
use super::rotation::Rotation;
use super::split::{Rows, Split};
use crate::NvidiaTarget;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{Thread, barrier};

/// What happens to what was copied.
pub(super) struct Preparation {
    schedule: Schedule,
    pieces: HalfPieces,
    rotation: Option<Rotation>,
    /// Where numbers are sums of parts.
    pub(super) split: Option<Split>,
}

/// A block of keys in shared memory.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Where it lies: the stage that it was copied to, or where it is multiplied.
    pub(super) at: Value,
    /// Its first key, `i64`.
    pub(super) first: Value,
    /// How many keys it has, where that may be fewer than others have.
    pub(super) there: Option<Value>,
}

impl Preparation {
    pub(super) fn of(
        schedule: &Schedule,
        rotation: Option<Rotation>,
        (target, thread): (NvidiaTarget, Thread),
    ) -> Self {
        let split = (schedule.parts() > 1).then(|| Split::of(target, schedule, thread));
        let pieces = HalfPieces::of(schedule, thread);
        Preparation { schedule: *schedule, pieces, rotation, split }
    }

    /// Prepares the queries, which begin with that token and of which so many are there. They were copied to where they are
    /// multiplied, or else to `from`. Whoever reads them waits for the keys to be prepared, too.
    pub(super) fn queries(
        &self,
        b: &mut Builder,
        (from, memory): (Value, Value),
        (token, there): (Value, Value),
    ) {
        let count = self.schedule.tile_queries();
        let rotation = self.rotation.as_ref();
        match (&self.split, rotation) {
            (Some(split), _) => {
                let rotation = rotation.map(|rotation| (rotation, token));
                let rows = Rows { count, rotation, there };
                split.rows(b, &rows, (from, memory, self.schedule.queries_bytes()));
            }
            (None, Some(rotation)) => {
                rotation.rotate(b, &self.pieces, (memory, token), (count, there));
            }
            (None, None) => {}
        }
    }

    /// Prepares a block of keys and its values. Gives it where it is multiplied, when all threads are done.
    pub(super) fn block(&self, b: &mut Builder, memory: Value, block: Block) -> Block {
        let schedule = &self.schedule;
        let all = b.integer(schedule.keys, Type::I32);
        let there = block.there.unwrap_or(all);
        let rotation = self.rotation.as_ref();
        let Some(split) = &self.split else {
            if let Some(rotation) = rotation {
                let rows = (schedule.keys, there);
                rotation.rotate(b, &self.pieces, (block.at, block.first), rows);
                barrier(b);
            }
            return block;
        };
        let at = b.offset_constant(memory, schedule.block_at());
        let (count, behind) = (schedule.keys, schedule.keys_bytes());
        let rotation = rotation.map(|rotation| (rotation, block.first));
        split.rows(b, &Rows { count, rotation, there }, (block.at, at, behind));
        let from = b.offset_constant(block.at, schedule.copied_values_at());
        let to = b.offset_constant(at, schedule.values_at());
        split.rows(b, &Rows { count, rotation: None, there }, (from, to, behind));
        let from = b.offset_constant(block.at, schedule.copied_segments_at());
        let to = b.offset_constant(at, schedule.segments_at());
        split.segments(b, (from, to));
        barrier(b);
        Block { at, ..block }
    }
}
