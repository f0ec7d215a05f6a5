//! The loop over k: while the warps multiply a step, later ones are on their way to shared memory.
//!
//! ```text
//! stage 0    step 0 multiplied  | step 3 copied      |
//! stage 1    step 1 on its way  | step 1 multiplied  | step 4 copied
//! stage 2    step 2 on its way  | step 2 on its way  | step 2 multiplied
//! ```
//! A step's copies begin as soon as the stage that they go to has been multiplied by all warps, and are spread over the
//! products of another. Fragments are read one product along k ahead of their use, the first of a step at the end of the step
//! before it.

use super::Schedule;
use super::copies::{Copies, Sources, StepCopies};
use super::fragments::Fragments;
use crate::mlir::{Builder, Type, Value};
use crate::nvidia::{HeldChunk, Parts, Sums, barrier, commit, half_of_pair, wait};
use std::collections::VecDeque;

/// A thread that copies more rows of a step has no registers for the addresses of all.
const MOST_ADDRESSES: usize = 16;

/// Chunks that are read before the first of them is stored.
const MOST_HELD: usize = 2;

/// The sums of a warp: of 16 rows by 8 columns each, row by row.
pub(super) type WarpSums = Vec<Vec<Sums>>;

/// What the loop is made of.
pub(super) struct MainLoop<'a> {
    pub(super) schedule: &'a Schedule,
    /// Shared memory.
    pub(super) memory: Value,
    pub(super) copies: &'a Copies,
    pub(super) fragments: &'a Fragments,
    /// Steps along k.
    pub(super) steps: i64,
}

/// The fragments of a product along k, or of a part of it.
#[derive(Clone)]
struct Ready {
    /// Of x, for each 16 rows.
    x: Vec<Vec<Value>>,
    /// Of the weight, for each 16 columns: of all of them, or of those whose turn is next.
    weight: Vec<Vec<Value>>,
}

/// The same as tensor cores multiply it.
struct Operands {
    /// Of x, for each 16 rows.
    x: Vec<Parts>,
    /// Of the weight, for each 8 columns.
    weight: Vec<Parts>,
}

/// What a step hands on to the next.
struct State {
    /// The bytes at which the stage lies that is multiplied.
    read: Value,
    /// Where the stage lies that is copied to.
    write: Value,
    sources: Sources,
    ready: Ready,
    sums: WarpSums,
}

impl MainLoop<'_> {
    /// The sums over all steps.
    pub(super) fn run(&self, b: &mut Builder, sources: Sources) -> WarpSums {
        let start = self.start(b, sources);
        let at_once = self.steps_at_once();
        let whole = self.steps - self.steps % at_once;
        let [zero, end] = [0, whole].map(|step| b.integer(step, Type::I32));
        let last = b.for_loop((zero, end, at_once), &start.values(), |b, step, carried| {
            let mut state = start.with(carried);
            for further in 0..at_once {
                let step = b.add_constant(step, further);
                state = self.step(b, step, state);
            }
            state.values()
        });
        let mut state = start.with(&last);
        for step in whole..self.steps {
            let step = b.integer(step, Type::I32);
            state = self.step(b, step, state);
        }
        state.sums
    }

    /// Sends the first steps on their way, and reads the first fragments.
    fn start(&self, b: &mut Builder, sources: Sources) -> State {
        let stages = self.schedule.stages();
        let [zero, end] = [0, stages.count - 1].map(|stage| b.integer(stage, Type::I32));
        let values = b.for_loop((zero, end, 1), &sources.values(), |b, stage, values| {
            let sources = sources.with(values);
            let at = b.mul_constant(stage, stages.bytes);
            let to = b.offset(self.memory, at);
            self.copies.step(b, (to, stage), sources.clone()).all(b);
            commit(b);
            sources.next(b).values()
        });
        let sources = sources.with(&values);
        wait(b, stages.count - 2);
        barrier(b);
        let [rows, columns, _] = self.schedule.products();
        let ready = Ready {
            x: (0..rows).map(|row| self.fragments.x(b, self.memory, 0, row)).collect(),
            weight: (0..self.pairs_ready())
                .map(|pair| self.fragments.weight(b, self.memory, 0, pair))
                .collect(),
        };
        let none = b.splat(0.0, Type::F32);
        State {
            read: b.integer(0, Type::I32),
            write: b.integer(stages.at(stages.count - 1), Type::I32),
            sources,
            ready,
            sums: vec![vec![[none; 4]; columns as usize]; rows as usize],
        }
    }

    fn step(&self, b: &mut Builder, step: Value, state: State) -> State {
        let State { read, write, sources, ready, sums } = state;
        let ahead = b.add_constant(step, self.schedule.warps.stages - 1);
        let to = b.offset(self.memory, write);
        let copies = self.copies.step(b, (to, ahead), sources);
        let stage = b.offset(self.memory, read);
        let (copied, held) = (0, VecDeque::new());
        let mut products =
            Products { of: self, copies: &copies, copied, held, read, stage, ready, sums };
        match self.schedule.is_rolling() {
            true => products.rolling(b),
            false => products.by_depth(b),
        }
        let Products { read: next, ready, sums, .. } = products;
        let sources = copies.sources().next(b);
        State { read: next, write: read, sources, ready, sums }
    }

    /// Steps of a turn of the loop. An instruction that copies has room for a distance of 2 KiB from an address, so that a second
    /// step needs no addresses of its own; but those of the first must be kept for it.
    fn steps_at_once(&self) -> i64 {
        let has_room = !self.schedule.is_rolling() && self.copies.count() <= MOST_ADDRESSES;
        if has_room { 2 } else { 1 }
    }

    /// How many pairs of fragments of the weight are read ahead.
    fn pairs_ready(&self) -> i64 {
        let [_, columns, _] = self.schedule.products();
        if self.schedule.is_rolling() { 1 } else { columns / 2 }
    }
}

/// The products of a step being written.
struct Products<'a> {
    of: &'a MainLoop<'a>,
    copies: &'a StepCopies<'a>,
    /// How many of the copies are written.
    copied: usize,
    /// Of these, what is still in registers.
    held: VecDeque<HeldChunk>,
    /// The bytes at which the stage lies that fragments are read from.
    read: Value,
    /// That stage.
    stage: Value,
    ready: Ready,
    sums: WarpSums,
}

impl Products<'_> {
    /// All fragments of a product along k are read while those before it are multiplied.
    fn by_depth(&mut self, b: &mut Builder) {
        let [rows, columns, steps] = self.of.schedule.products();
        let turns = (steps - 1).max(1) * columns;
        for step in 0..steps {
            let is_last = step == steps - 1;
            if is_last {
                self.copy(b, usize::MAX);
                self.next_stage(b);
            }
            let operands = self.operands(b);
            let next = ((step + 1) % steps) as usize;
            let (fragments, stage) = (self.of.fragments, self.stage);
            let ahead = Ready {
                x: (0..rows).map(|row| fragments.x(b, stage, next, row)).collect(),
                weight: (0..columns / 2)
                    .map(|pair| fragments.weight(b, stage, next, pair))
                    .collect(),
            };
            for column in 0..columns {
                if !is_last {
                    self.copy(b, self.share(turns));
                }
                self.column(b, column, &operands);
            }
            self.ready = ahead;
        }
    }

    /// A pair of fragments of the weight is read while the pair before it is multiplied, and those of x for the next product
    /// along k as the last pair frees their registers.
    fn rolling(&mut self, b: &mut Builder) {
        let [rows, columns, steps] = self.of.schedule.products();
        let pairs = columns / 2;
        let turns = steps * pairs;
        for turn in 0..turns {
            if turn == turns - 1 {
                self.copy(b, usize::MAX);
                self.next_stage(b);
            }
            let pair = turn % pairs;
            let next = (turn + 1) % turns;
            let (fragments, stage) = (self.of.fragments, self.stage);
            let next_step = (next / pairs) as usize;
            let ahead = fragments.weight(b, stage, next_step, next % pairs);
            // All at once: the assembler puts three empty instructions before each group of copies.
            self.copy(b, usize::MAX);
            let operands = self.operands(b);
            for row in 0..rows {
                for half in 0..2 {
                    let (x, weight) = (&operands.x[row as usize], &operands.weight[half as usize]);
                    self.product(b, (row, 2 * pair + half), (&x[0], &weight[0]));
                }
                if pair == pairs - 1 {
                    let x = fragments.x(b, stage, next_step, row);
                    if let Some(ready) = self.ready.x.get_mut(row as usize) {
                        *ready = x;
                    }
                }
            }
            self.ready.weight = vec![ahead];
        }
    }

    /// How many rows are copied in one of so many turns.
    fn share(&self, turns: i64) -> usize {
        self.of.copies.count().div_ceil(turns.max(1) as usize)
    }

    /// Writes the copies of the next so many rows, or as many as are left.
    fn copy(&mut self, b: &mut Builder, rows: usize) {
        let left = self.of.copies.count() - self.copied;
        for _ in 0..rows.min(left) {
            self.held.extend(self.copies.row(b, self.copied));
            self.copied += 1;
            self.store_held(b, MOST_HELD);
        }
    }

    /// Stores what is held, the first first, until no more than so many chunks are.
    fn store_held(&mut self, b: &mut Builder, most: usize) {
        while self.held.len() > most {
            if let Some(first) = self.held.pop_front() {
                first.store(b);
            }
        }
    }

    /// All copies are on their way: waits for the next step's, and for the warps that still read the stage to be filled.
    fn next_stage(&mut self, b: &mut Builder) {
        let stages = self.of.schedule.stages();
        self.store_held(b, 0);
        commit(b);
        wait(b, stages.count - 2);
        barrier(b);
        self.read = stages.after(b, self.read);
        self.stage = b.offset(self.of.memory, self.read);
    }

    /// What is ready, as tensor cores multiply it.
    fn operands(&self, b: &mut Builder) -> Operands {
        let arithmetic = self.of.schedule.arithmetic;
        let x = self.ready.x.iter().map(|fragment| arithmetic.parts(b, fragment)).collect();
        let mut weight = vec![];
        for pair in &self.ready.weight {
            for half in 0..2 {
                weight.push(arithmetic.parts(b, &half_of_pair(pair, half)));
            }
        }
        Operands { x, weight }
    }

    /// All rows by one column, there and back, so that the fragment that was multiplied last is the next one's first.
    fn column(&mut self, b: &mut Builder, column: i64, operands: &Operands) {
        let products = self.of.schedule.arithmetic.products();
        let mut forth = column % 2 == 0;
        for (of_x, of_weight) in products {
            let rows = 0..operands.x.len();
            let rows: Vec<usize> = if forth { rows.collect() } else { rows.rev().collect() };
            for row in rows {
                let weight = &operands.weight[column as usize][*of_weight];
                self.product(b, (row as i64, column), (&operands.x[row][*of_x], weight));
            }
            forth = !forth;
        }
    }

    fn product(
        &mut self,
        b: &mut Builder,
        (row, column): (i64, i64),
        operands: (&[Value], &[Value]),
    ) {
        let (row, column) = (row as usize, column as usize);
        let sums = self.sums[row][column];
        self.sums[row][column] = self.of.schedule.arithmetic.multiply(b, operands, sums);
    }
}

impl State {
    fn values(&self) -> Vec<Value> {
        let mut values = vec![self.read, self.write];
        values.extend(self.sources.values());
        values.extend(self.ready.x.iter().flatten());
        values.extend(self.ready.weight.iter().flatten());
        values.extend(self.sums.iter().flatten().flatten());
        values
    }

    /// The same with other values, in that order.
    fn with(&self, values: &[Value]) -> State {
        let mut values = values.iter().copied();
        let mut take = |like: &Value| values.next().unwrap_or(*like);
        let (read, write) = (take(&self.read), take(&self.write));
        let sources: Vec<Value> = self.sources.values().iter().map(&mut take).collect();
        let mut fragments = |all: &[Vec<Value>]| -> Vec<Vec<Value>> {
            all.iter().map(|fragment| fragment.iter().map(&mut take).collect()).collect()
        };
        let ready = Ready { x: fragments(&self.ready.x), weight: fragments(&self.ready.weight) };
        let mut sums = self.sums.clone();
        for sum in sums.iter_mut().flatten().flatten() {
            *sum = take(sum);
        }
        State { read, write, sources: self.sources.with(&sources), ready, sums }
    }
}
