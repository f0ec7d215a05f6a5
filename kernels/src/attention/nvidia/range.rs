//! [`Range`]: which blocks of keys a tile visits.

use super::Schedule;
use super::tile::Tile;
use crate::mlir::{Builder, Scalar, Value};

/// Which blocks of keys are visited.
#[derive(Clone, Copy)]
pub(super) struct Range {
    /// The last of them, which is the first to be visited: its number, `i32`.
    pub(super) last: Value,
    /// How many there are, `i32`: at least one, which may have no keys.
    pub(super) count: Value,
}

impl Range {
    /// All blocks.
    pub(super) fn all(b: &mut Builder, schedule: &Schedule, tile: &Tile) -> Self {
        let count = b.ceil_div(tile.keys, schedule.keys);
        let one = b.i64(1);
        let count = b.max(count, one);
        let count = b.truncate_integer(count, Scalar::I32);
        Range { last: b.add_constant(count, -1), count }
    }
}
