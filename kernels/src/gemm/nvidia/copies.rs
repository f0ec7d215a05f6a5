//! [`Copies`]: how a thread copies its share of a step of x and of the weight to shared memory, by `cp.async`.
//!
//! A thread has one chunk of every so many rows. What is past the end of the rows or of k is not read: a copy of no bytes
//! fills its place with zeros. Where rows begin at multiples of less than 16 bytes, a chunk takes several copies.

use super::thread::{Thread, Tile};
use super::{Schedule, StagedGemm};
use crate::gemm::Product;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::{CHUNK_BYTES, copy};
use crate::rows::BoundRows;

/// What a thread knows of its copies, whatever the step.
pub(super) struct Copies {
    schedule: Schedule,
    /// Columns of a slice of k.
    depth: i64,
    /// Its place in a stage, for the first of its rows.
    place: Value,
    /// Its column in a step.
    column: Value,
    x: Share,
    weight: Share,
}

/// A thread's rows of one operand.
struct Share {
    /// Elements of a copy.
    run: i64,
    /// Where in a stage the operand's rows begin.
    stage_at: i64,
    rows: Vec<SharedRow>,
    /// How many rows there are from the first of the thread's on; `None` where all are there.
    there: Option<Value>,
}

/// One of a thread's rows.
struct SharedRow {
    /// Which of the pointers leads to it.
    pointer: usize,
    /// How many bytes behind that it begins.
    bytes: i64,
    /// It is there where more rows are than this.
    number: i64,
}

/// Where a thread reads what it copies: what a loop over the steps carries.
#[derive(Clone)]
pub(super) struct Sources {
    x: Vec<Value>,
    weight: Vec<Value>,
}

impl Sources {
    pub(super) fn values(&self) -> Vec<Value> {
        [self.x.clone(), self.weight.clone()].concat()
    }

    /// The same with other values, as many.
    pub(super) fn with(&self, values: &[Value]) -> Self {
        let (x, weight) = values.split_at(self.x.len());
        Sources { x: x.to_vec(), weight: weight.to_vec() }
    }

    /// So many steps further on.
    pub(super) fn ahead(&self, b: &mut Builder, schedule: &Schedule, steps: i64) -> Self {
        let bytes = steps * schedule.row_bytes();
        let all: Vec<Value> =
            self.values().iter().map(|pointer| b.offset_constant(*pointer, bytes)).collect();
        self.with(&all)
    }
}

impl Copies {
    /// What a thread copies of a tile, and where it begins.
    pub(super) fn of(
        b: &mut Builder,
        gemm: &StagedGemm,
        product: &Product,
        (thread, tile): (&Thread, &Tile),
        (x, weight): (&BoundRows, Value),
    ) -> (Self, Sources) {
        let schedule = gemm.schedule;
        let chunks = b.integer(schedule.chunks(), Type::I32);
        let row = b.div(thread.number, chunks);
        let chunk = b.rem(thread.number, chunks);
        let place = schedule.chunk_rows().at(b, row, chunk);
        let column = b.mul_constant(chunk, schedule.chunk());
        let element = schedule.arithmetic.element().bytes();
        let slice_at = b.mul_constant(tile.slice, element * product.slice_depth());
        let chunk_at = b.mul_constant(chunk, CHUNK_BYTES);
        let chunk_at = b.extend_unsigned(chunk_at, Scalar::I64);
        let at = b.add(slice_at, chunk_at);
        let (x, x_pointers) = Share::of_x(b, gemm, (tile, row), x);
        let (weight, weight_pointers) = Share::of_weight(b, gemm, product, (tile, row), weight);
        let sources = Sources { x: x_pointers, weight: weight_pointers };
        let all: Vec<Value> = sources
            .values()
            .iter()
            .map(|pointer| {
                let pointer = b.offset(*pointer, at);
                b.global_address(pointer)
            })
            .collect();
        let sources = sources.with(&all);
        (Copies { schedule, depth: product.slice_depth(), place, column, x, weight }, sources)
    }

    /// How many there are in a step.
    pub(super) fn count(&self) -> usize {
        self.x.rows.len() + self.weight.rows.len()
    }

    /// A step that is about to be copied: which stage takes it, and which it is.
    pub(super) fn step(
        &self,
        b: &mut Builder,
        (stage, step): (Value, Value),
        sources: Sources,
    ) -> StepCopies<'_> {
        let first = b.mul_constant(step, self.schedule.warps.depth);
        let steps_are_whole = self.depth % self.schedule.warps.depth == 0;
        // Whether a step is there is then the same for all threads.
        let column = if steps_are_whole { first } else { b.add(first, self.column) };
        let chunk = self.schedule.chunk();
        let mut inside = vec![];
        for within in 0..chunk {
            let end = b.integer(self.depth - within, Type::I32);
            let is_decided_by_first = within > 0 && self.depth % chunk == 0;
            inside.push(match inside.first() {
                Some(first) if is_decided_by_first => *first,
                _ => b.compare(Comparison::Less, column, end),
            });
        }
        let place = b.offset(stage, self.place);
        StepCopies { copies: self, place, inside, sources }
    }
}

/// The copies of a step.
pub(super) struct StepCopies<'a> {
    copies: &'a Copies,
    place: Value,
    /// Whether there is an element of the chunk, for each.
    inside: Vec<Value>,
    sources: Sources,
}

impl StepCopies<'_> {
    /// The copies of one row, by its number among all.
    pub(super) fn row(&self, b: &mut Builder, number: usize) {
        let in_x = self.copies.x.rows.len();
        let (share, pointers, pass) = match number < in_x {
            true => (&self.copies.x, &self.sources.x, number),
            false => (&self.copies.weight, &self.sources.weight, number - in_x),
        };
        let Some(row) = share.rows.get(pass) else { return };
        let Some(pointer) = pointers.get(row.pointer) else { return };
        let schedule = &self.copies.schedule;
        let pass_bytes = schedule.rows_a_pass() * schedule.row_bytes();
        let to = b.offset_constant(self.place, share.stage_at + pass as i64 * pass_bytes);
        let from = b.offset_constant(*pointer, row.bytes);
        let element = schedule.arithmetic.element().bytes();
        for (within, inside) in self.inside.iter().enumerate().step_by(share.run as usize) {
            let bytes = element * within as i64;
            let (to, from) = (b.offset_constant(to, bytes), b.offset_constant(from, bytes));
            let there = match share.there {
                None => *inside,
                Some(there) => {
                    let none = b.integer(0, Type::I32);
                    let there = b.select(*inside, there, none);
                    let number = b.integer(row.number, Type::I32);
                    b.compare(Comparison::Less, number, there)
                }
            };
            let [all, none] = [element * share.run, 0].map(|bytes| b.integer(bytes, Type::I32));
            let size = b.select(there, all, none);
            copy(b, element * share.run, size, (from, to));
        }
    }

    /// All of them.
    pub(super) fn all(&self, b: &mut Builder) {
        (0..self.copies.count()).for_each(|number| self.row(b, number));
    }

    /// Where the step was read.
    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }
}

impl Share {
    /// Rows of x may lie anywhere, so each has a pointer.
    fn of_x(
        b: &mut Builder,
        gemm: &StagedGemm,
        (tile, row): (&Tile, Value),
        x: &BoundRows,
    ) -> (Self, Vec<Value>) {
        let schedule = &gemm.schedule;
        let pass = schedule.rows_a_pass();
        let wide = b.extend_unsigned(row, Scalar::I64);
        let first = b.add(tile.first_row, wide);
        let (mut rows, mut pointers) = (vec![], vec![]);
        for number in (0..schedule.rows).step_by(pass as usize) {
            let row = b.add_constant(first, number);
            rows.push(SharedRow { pointer: pointers.len(), bytes: 0, number });
            pointers.push(x.row(b, row));
        }
        let end = tile.end_row(b, schedule);
        let there = b.sub(end, tile.first_row);
        let there = b.truncate_integer(there, Scalar::I32);
        let there = Some(b.sub(there, row));
        (Share { run: gemm.x_run, stage_at: 0, rows, there }, pointers)
    }

    /// Rows of the weight follow each other. Where there is a gate, eight of the left half and eight of the right take
    /// turns, so that a thread has the sums of both.
    fn of_weight(
        b: &mut Builder,
        gemm: &StagedGemm,
        product: &Product,
        (tile, row): (&Tile, Value),
        weight: Value,
    ) -> (Self, Vec<Value>) {
        let schedule = &gemm.schedule;
        let pass = schedule.rows_a_pass();
        let (turns, half) = match product.is_gated() {
            true => (Some(Turns { pass }), product.n / 2),
            false => (None, product.n),
        };
        let (number, from) = match &turns {
            None => (row, row),
            Some(turns) => turns.first(b, row, half),
        };
        let from = b.extend_unsigned(from, Scalar::I64);
        let from = b.add(from, tile.first_column);
        let row_bytes = schedule.arithmetic.element().bytes() * product.k;
        let bytes = b.mul_constant(from, row_bytes);
        let pointer = b.offset(weight, bytes);
        let of_row = |first: i64| {
            let (number, further) = match &turns {
                None => (first, first),
                Some(turns) => turns.further(first, half),
            };
            SharedRow { pointer: 0, bytes: further * row_bytes, number }
        };
        let rows = (0..schedule.columns).step_by(pass as usize).map(of_row).collect();
        let there = (product.n % schedule.columns != 0).then(|| {
            let columns = b.i64(half);
            let there = b.sub(columns, tile.first_column);
            let there = b.truncate_integer(there, Scalar::I32);
            b.sub(there, number)
        });
        let stage_at = schedule.weight_at();
        (Share { run: gemm.weight_run, stage_at, rows, there }, vec![pointer])
    }
}

/// How rows of both halves of a weight take turns in a tile, a pass of so many rows at a time.
struct Turns {
    pass: i64,
}

/// Rows of a half between those of the other: the columns of an `mma.sync`.
const TURN: i64 = 8;

impl Turns {
    /// Of a thread's first row in the tile: its number in its half, and its number in the weight.
    fn first(&self, b: &mut Builder, row: Value, half: i64) -> (Value, Value) {
        let turns = b.integer(2 * TURN, Type::I32);
        let pair = b.div(row, turns);
        let pair = b.mul_constant(pair, TURN);
        let mask = b.integer(TURN - 1, Type::I32);
        let within = b.and(row, mask);
        let number = b.add(pair, within);
        let of_pair = b.rem(row, turns);
        let turn = b.integer(TURN, Type::I32);
        let right = b.div(of_pair, turn);
        let behind = b.mul_constant(right, half);
        (number, b.add(number, behind))
    }

    /// So many rows of the tile further on: how many rows of the half, and how many of the weight. Passes are of eight rows
    /// or a multiple of sixteen.
    fn further(&self, rows: i64, half: i64) -> (i64, i64) {
        let (pairs, rest) = (rows / (2 * TURN), rows % (2 * TURN));
        let right = if self.pass == TURN && rest == TURN { half } else { 0 };
        (pairs * TURN, pairs * TURN + right)
    }
}
