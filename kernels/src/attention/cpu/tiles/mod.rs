//! Attention in AMX tiles. Queries lie in rows: scores are `queries keys^T`, whose weights, rounded and left where they are,
//! are already the left side of the second product, `weights values`, whose rows are those of the result. So only keys are
//! transposed, and rows of values put in pairs.
//!
//! The softmax takes longer than the products. While the vectors work on the scores of one block of queries, the tiles
//! multiply those of the next and weigh the values of the one before: see [`turns`].

mod copies;
mod outputs;
mod products;
mod schedule;
mod softmax;
mod turns;

use super::schedule::TILE_QUERIES;
use super::{Call, Emitter, Tile};
use crate::CpuTarget;
use crate::arguments::place;
use crate::attention::Attention;
use crate::entry::{Entry, Worker};
use crate::mlir::{Builder, Comparison, Function, Module, Value};
use crate::subnormals::with_subnormals_as_zero;
use crate::tile_registers::{self, with_registers};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::Mask;
use schedule::{Schedule, Scratch};

/// How an attention is done in tiles: one of bf16, in whole pairs, where there are tiles.
pub(super) fn schedule_of(spec: &Attention, target: &CpuTarget) -> Option<Schedule> {
    let fits = target.amx_bf16 && spec.element == ElementType::BF16 && spec.head_size % 2 == 0;
    let masked = spec.mask == Mask::Segments;
    fits.then(|| Schedule::new(spec.head_size, TILE_QUERIES, masked))
}

/// Bytes of scratch memory that a worker needs, where the attention is done in tiles.
pub(super) fn scratch_bytes(spec: &Attention, target: &CpuTarget) -> Option<i64> {
    schedule_of(spec, target).map(|schedule| schedule.scratch().bytes)
}

/// Writes the kernel.
pub(super) fn define(
    emitter: &Emitter<'_>,
    (spec, schedule): (&Attention, Schedule),
    module: &mut Module,
    entry: Entry<'_>,
) {
    let symbol = entry.symbol;
    tile_registers::define_configuration(module);
    let writer = Writer { emitter, schedule, scratch: schedule.scratch() };
    let functions = Functions {
        rotate: spec.rotary.then(|| emitter.define_rotate(symbol, module)),
        pack_keys: writer.define_pack_keys(symbol, module),
        find_greatest: writer.define_find_greatest(symbol, module),
        weigh: writer.define_weigh(symbol, module),
    };
    entry.define(module, |b, Worker { block, first, end, scratch }| {
        let arguments = place(spec.arguments());
        let call = Call::load(b, emitter, scratch, block, &arguments);
        let modes = b.offset_constant(scratch, writer.scratch.modes);
        with_registers(b, |b| {
            with_subnormals_as_zero(b, modes, |b| {
                writer.pad_keys(b, scratch);
                b.for_loop((first, end, 1), &[first], |b, number, next| {
                    let is_next = b.compare(Comparison::Equal, number, next[0]);
                    b.if_else(
                        is_next,
                        |b| {
                            let (queries, tiles) = writer.together(b, &call, (number, end));
                            let run = Run { writer: &writer, functions: &functions, queries };
                            run.attend(b);
                            vec![b.add(number, tiles)]
                        },
                        |_| vec![next[0]],
                    )
                });
            });
        });
    });
}

/// The functions of one kernel.
struct Functions {
    /// Of a rotary one: rotates one head of one token.
    rotate: Option<Function>,
    /// Rows of keys become the columns of tiles.
    pack_keys: Function,
    /// The greatest scores of a block of queries.
    find_greatest: Function,
    /// Scores of some rows become weights.
    weigh: Function,
}

/// What all functions of one kernel share.
struct Writer<'a> {
    emitter: &'a Emitter<'a>,
    schedule: Schedule,
    scratch: Scratch,
}

/// Queries of one head of one image, and the functions that attend to its keys.
struct Run<'a> {
    writer: &'a Writer<'a>,
    functions: &'a Functions,
    queries: Tile<'a>,
}

impl Writer<'_> {
    /// The queries of the tile of that number and of those behind it, up to `end`, that are of the same head and fit; and how
    /// many tiles those are.
    fn together<'a>(
        &self,
        b: &mut Builder,
        call: &'a Call<'a>,
        (number, end): (Value, Value),
    ) -> (Tile<'a>, Value) {
        let tile = Tile::of(call, b, number);
        if self.schedule.together == 1 {
            let one = b.i64(1);
            return (tile, one);
        }
        let rest = b.sub(call.query_count, tile.first);
        let of_head = b.ceil_div(rest, TILE_QUERIES);
        let of_call = b.sub(end, number);
        let max = b.i64(self.schedule.together);
        let tiles = b.min(of_head, of_call);
        let tiles = b.min(tiles, max);
        let queries = b.mul_constant(tiles, TILE_QUERIES);
        (Tile { count: b.min(rest, queries), ..tile }, tiles)
    }
}

impl Run<'_> {
    fn part(&self, b: &mut Builder, offset: i64) -> Value {
        self.queries.part(b, offset)
    }

    /// Whether the first keys of the image may not be the first that are attended to.
    fn may_skip_keys(&self) -> bool {
        self.writer.emitter.mask == Mask::Segments
    }

    fn attend(&self, b: &mut Builder) {
        let schedule = &self.writer.schedule;
        self.copy_queries(b);
        self.start_sums(b);
        let extent = self.queries.query_extent(b);
        let zero = b.i64(0);
        let all = self.queries.call.key_count;
        b.for_each((zero, all, schedule.block_keys), |b, first| {
            let rest = b.sub(all, first);
            let full = b.i64(schedule.block_keys);
            let keys = b.min(rest, full);
            let is_first = match self.may_skip_keys() {
                true => b.i1(false),
                false => b.compare(Comparison::Equal, first, zero),
            };
            self.queries.if_shared(b, extent, (first, keys), |b, segments| {
                self.copy_keys(b, first, keys);
                self.copy_values(b, first, keys);
                self.copy_segments(b, segments, keys);
                self.take_turns(b, (is_first, keys));
            });
        });
        self.store_outputs(b);
    }
}
