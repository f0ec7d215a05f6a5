//! Writes the attention for an NVIDIA GPU.

use super::WarpAttention;
use super::answer::Answer;
use super::copies::Copies;
use super::preparation::Preparation;
use super::range::Range;
use super::rotation::Rotation;
use super::scores::Scores;
use super::segments::{self, Segments};
use super::softmax::Softmax;
use super::tile::Tile;
use super::values::Values;
use super::visits::Visits;
use crate::arguments::place;
use crate::attention::{Attention, AttentionArguments};
use crate::entry::{Entry, define_tiles, special_register};
use crate::mlir::{Builder, GpuThreads, Module, Value};
use crate::nvidia::{Thread, wait};

impl WarpAttention {
    /// Writes the kernel into a module.
    pub(in crate::attention) fn define(
        &self,
        attention: &Attention,
        module: &mut Module,
        entry: Entry<'_>,
    ) {
        let threads = GpuThreads {
            of_block: self.schedule.threads(),
            blocks_at_once: self.schedule.blocks_at_once(attention.rotary),
        };
        define_tiles(&entry, module, threads, |b, tile, memory| {
            self.tile(b, attention, tile, memory);
        });
    }

    /// Computes the tile of that number.
    fn tile(
        &self,
        b: &mut Builder,
        attention: &Attention,
        (block, number): (Value, Value),
        memory: Value,
    ) {
        let schedule = &self.schedule;
        let arguments: AttentionArguments<_> = place(attention.arguments());
        let thread = special_register(b, "tid.x");
        let thread = Thread::of(b, thread);
        let tile = Tile::of(b, (self, attention), (block, number), &arguments);
        let segments = arguments
            .segments
            .as_ref()
            .map(|segments| Segments::load(b, block, (schedule, &thread, &tile), segments));
        let range = match &segments {
            None => Range::all(b, schedule, &tile),
            Some(segments) => segments::range(b, schedule, (&thread, &tile), segments, memory),
        };
        let rotation = arguments
            .tables
            .as_ref()
            .map(|tables| Rotation::load(b, block, (self, attention.element), tables));
        let copies = Copies::of(b, self, (&thread, &tile));
        let visits = Visits {
            attention: self,
            memory,
            tile: &tile,
            range,
            copies: &copies,
            preparation: Preparation::of(schedule, rotation, (self.target, thread)),
            segments: segments.as_ref(),
            scores: Scores::of(b, schedule, (&thread, memory)),
            softmax: Softmax::of(attention.scale.get(), thread, (self.target, schedule.arithmetic)),
            values: Values::of(b, schedule, &thread),
        };
        let state = visits.run(b);
        // Nothing may still be on its way to memory when the block ends.
        wait(b, 0);
        let answer = Answer { attention: self, element: attention.element, tile, thread };
        answer.write(b, memory, &state);
    }
}
