//! [`Visits`]: block after block of keys, from the last to the first, while the one behind the next is on its way.

use super::WarpAttention;
use super::copies::{Copies, Sources, There};
use super::preparation::{Block, Preparation};
use super::range::Range;
use super::scores::{Queries, Scores};
use super::segments::Segments;
use super::softmax::Softmax;
use super::state::State;
use super::tile::Tile;
use super::values::Values;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{barrier, commit, wait};

/// What the visits are made of.
pub(super) struct Visits<'a> {
    pub(super) attention: &'a WarpAttention,
    /// Shared memory.
    pub(super) memory: Value,
    pub(super) tile: &'a Tile,
    pub(super) range: Range,
    pub(super) copies: &'a Copies,
    pub(super) preparation: Preparation,
    pub(super) segments: Option<&'a Segments>,
    pub(super) scores: Scores,
    pub(super) softmax: Softmax,
    pub(super) values: Values,
}

/// What a visit hands on to the next.
struct Carried {
    /// The bytes at which the stage lies that is read.
    read: Value,
    /// The bytes at which the stage lies that was read before, and is copied to.
    write: Value,
    /// The block to be copied.
    sources: Sources,
    state: State,
}

impl Visits<'_> {
    /// What is known after all of them.
    pub(super) fn run(&self, b: &mut Builder) -> State {
        let schedule = &self.attention.schedule;
        let last = b.extend_unsigned(self.range.last, Scalar::I64);
        let first = b.mul_constant(last, schedule.keys);
        let there = b.sub(self.tile.keys, first);
        let most = b.i64(schedule.keys);
        let there = b.min(there, most);
        let there = b.truncate_integer(there, Scalar::I32);
        let stages = b.offset_constant(self.memory, schedule.stages_at());
        self.send_queries(b, stages);
        let mut sources = self.send(b, (first, there), stages);
        wait(b, schedule.stages - 1);
        barrier(b);
        if self.preparation.split.is_none() {
            self.prepare_queries(b, stages);
        }
        let block = Block { at: stages, first, there: Some(there) };
        let block = self.preparation.block(b, self.memory, block);
        if self.preparation.split.is_some() {
            let second = self.if_visited(b, 1);
            sources = self.send_block(b, (&sources, second), stages);
        }
        let queries = self.scores.queries(b);
        let state = self.visit(b, &queries, &block, None);
        let [first_stage, second_stage] =
            [0, 1].map(|number| b.integer(schedule.stages_in_turn().at(number), Type::I32));
        let start = Carried { read: second_stage, write: first_stage, sources, state };
        let one = b.integer(1, Type::I32);
        let end = b.for_loop((one, self.range.count, 1), &start.values(), |b, visit, carried| {
            self.next(b, &queries, (visit, first), start.with(carried)).values()
        });
        start.with(&end).state
    }

    /// Sends the queries on their way, with the first block. Those that are split go by way of its stage, before it.
    fn send_queries(&self, b: &mut Builder, stages: Value) {
        let queries = self.tile.queries(b, self.attention.tile_queries());
        let is_split = self.preparation.split.is_some();
        let to = if is_split { stages } else { self.memory };
        self.copies.queries(b, (self.tile.q, queries), to);
        if is_split {
            commit(b);
            wait(b, 0);
            barrier(b);
            self.prepare_queries(b, stages);
            barrier(b);
        }
    }

    fn prepare_queries(&self, b: &mut Builder, stages: Value) {
        let there = self.tile.queries(b, self.attention.tile_queries());
        self.preparation.queries(b, (stages, self.memory), (self.tile.first, there));
    }

    /// Sends the first blocks on their way. Gives the block to be copied next.
    fn send(&self, b: &mut Builder, (first, there): (Value, Value), stages: Value) -> Sources {
        let schedule = &self.attention.schedule;
        let (k, v) = (self.tile.k.from(b, first), self.tile.v.from(b, first));
        let segments = self.segments.map(|segments| segments.from(b, first));
        let mut sources = Sources { starts: [Some(k.start), Some(v.start), segments] };
        for number in 0..schedule.stages {
            let there = match number {
                0 => There::Some(there),
                _ => self.if_visited(b, number),
            };
            let stage = b.offset_constant(stages, number * schedule.stage_bytes());
            sources = self.send_block(b, (&sources, there), stage);
        }
        sources
    }

    /// Sends a block on its way. Gives the next.
    fn send_block(
        &self,
        b: &mut Builder,
        (sources, there): (&Sources, There),
        stage: Value,
    ) -> Sources {
        self.copies.block(b, sources, there, stage);
        commit(b);
        self.copies.before(b, sources)
    }

    /// The keys of the block of that visit, all of which are there if it is.
    fn if_visited(&self, b: &mut Builder, visit: i64) -> There {
        let visit = b.integer(visit, Type::I32);
        There::AllIf(b.compare(Comparison::Less, visit, self.range.count))
    }

    /// A visit behind the first. The block that is sent on its way goes to the stage that was multiplied before, or was split just
    /// now.
    fn next(
        &self,
        b: &mut Builder,
        queries: &Queries,
        (visit, first): (Value, Value),
        carried: Carried,
    ) -> Carried {
        let schedule = &self.attention.schedule;
        let Carried { read, write, mut sources, state } = carried;
        let is_split = self.preparation.split.is_some();
        wait(b, (schedule.stages - 2).max(0));
        barrier(b);
        let ahead = b.add_constant(visit, (schedule.stages - 1).max(1));
        let is_visited = There::AllIf(b.compare(Comparison::Less, ahead, self.range.count));
        let to = b.offset(self.memory, write);
        if !is_split {
            sources = self.send_block(b, (&sources, is_visited), to);
        }
        let wide = b.extend_unsigned(visit, Scalar::I64);
        let back = b.mul_constant(wide, schedule.keys);
        let at = b.offset(self.memory, read);
        let block = Block { at, first: b.sub(first, back), there: None };
        let block = self.preparation.block(b, self.memory, block);
        if is_split {
            sources = self.send_block(b, (&sources, is_visited), to);
        }
        let state = self.visit(b, queries, &block, Some(state));
        Carried { read: schedule.stages_in_turn().after(b, read), write: read, sources, state }
    }

    /// What is known after that block.
    fn visit(
        &self,
        b: &mut Builder,
        queries: &Queries,
        block: &Block,
        before: Option<State>,
    ) -> State {
        let mut scores = self.scores.of_block(b, queries, block.at);
        if let Some(there) = block.there {
            self.softmax.mask_end(b, &mut scores, there);
        }
        if let Some(segments) = self.segments {
            segments.mask(b, &self.softmax, &mut scores, block.at);
        }
        let weighed = self.softmax.apply(b, &scores, before.as_ref());
        let values = b.offset_constant(block.at, self.attention.schedule.values_at());
        self.values.add(b, weighed, values, before)
    }
}

impl Carried {
    fn values(&self) -> Vec<Value> {
        let mut values = vec![self.read, self.write];
        values.extend(self.sources.values());
        values.extend(self.state.values());
        values
    }

    /// The same with other values, in that order.
    fn with(&self, values: &[Value]) -> Self {
        let mut values = values.iter().copied();
        let mut take = |like: Value| values.next().unwrap_or(like);
        let (read, write) = (take(self.read), take(self.write));
        let sources = self.sources.with(&mut values);
        let state = self.state.with(&mut values);
        Carried { read, write, sources, state }
    }
}
