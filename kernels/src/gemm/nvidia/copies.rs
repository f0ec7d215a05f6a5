//! [`Copies`]: how a thread copies its share of a step of x and of the weight to shared memory, by `cp.async` where it can.
//!
//! A thread has one chunk of every so many rows. What is past the end of the rows or of k is not read: a copy of no bytes
//! fills its place with zeros. Where rows begin at multiples of less than 16 bytes, or are patches of an image, a chunk
//! takes several copies.

use super::chunk::{Piece, Storage};
use super::thread::{Thread, Tile};
use super::x_rows::XRows;
use super::{Schedule, StagedGemm};
use crate::gemm::Product;
use crate::mlir::{Builder, Comparison, Scalar, Type, Value};
use crate::nvidia::HeldChunk;
use crate::rows::BoundPatches;

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
    storage: Storage,
    /// The patches that they are, where columns do not follow each other.
    patches: Option<BoundPatches>,
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
    /// Bytes from a step to the next, of x and of the weight.
    step_bytes: [i64; 2],
}

impl Sources {
    pub(super) fn values(&self) -> Vec<Value> {
        [self.x.clone(), self.weight.clone()].concat()
    }

    /// The same with other values, as many.
    pub(super) fn with(&self, values: &[Value]) -> Self {
        let (x, weight) = values.split_at(self.x.len());
        Sources { x: x.to_vec(), weight: weight.to_vec(), ..*self }
    }

    /// A step further on.
    pub(super) fn next(&self, b: &mut Builder) -> Self {
        let [of_x, of_weight] = self.step_bytes;
        let mut further = |pointers: &[Value], bytes| -> Vec<Value> {
            pointers.iter().map(|pointer| b.offset_constant(*pointer, bytes)).collect()
        };
        let (x, weight) = (further(&self.x, of_x), further(&self.weight, of_weight));
        Sources { x, weight, ..*self }
    }
}

impl Copies {
    /// What a thread copies of a tile, and where it begins.
    pub(super) fn of(
        b: &mut Builder,
        gemm: &StagedGemm,
        product: &Product,
        (thread, tile): (&Thread, &Tile),
        (x, weight): (&XRows, Value),
    ) -> (Self, Sources) {
        let schedule = gemm.schedule;
        let chunks = b.integer(schedule.chunks(), Type::I32);
        let row = b.div(thread.in_block.number, chunks);
        let chunk = b.rem(thread.in_block.number, chunks);
        let place = schedule.chunk_rows().at(b, row, chunk);
        let column = b.mul_constant(chunk, schedule.chunk());
        let (x, x_pointers) = Share::of_x(b, gemm, product, (tile, row), x);
        let (weight, weight_pointers) = Share::of_weight(b, gemm, product, (tile, row), weight);
        let slice = b.mul_constant(tile.slice, product.slice_depth());
        let first = b.extend_unsigned(column, Scalar::I64);
        let first = b.add(slice, first);
        let mut at_first = |share: &Share, pointers: &[Value]| -> Vec<Value> {
            let at = share.patches.is_none().then(|| share.storage.element.bytes());
            let at = at.map(|bytes| b.mul_constant(first, bytes));
            let mut moved = |pointer: &Value| {
                let pointer = at.map_or(*pointer, |at| b.offset(*pointer, at));
                b.global_address(pointer)
            };
            pointers.iter().map(&mut moved).collect()
        };
        let sources = Sources {
            x: at_first(&x, &x_pointers),
            weight: at_first(&weight, &weight_pointers),
            step_bytes: [x.step_bytes(&schedule), weight.step_bytes(&schedule)],
        };
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
        let own = b.add(first, self.column);
        // Whether a step is there is then the same for all threads.
        let column = if steps_are_whole { first } else { own };
        StepCopies {
            copies: self,
            place: b.offset(stage, self.place),
            inside: self.inside(b, column),
            pixels: self.pixels(b, own),
            sources,
        }
    }

    /// Whether the elements of a chunk that begins at a column of the step are in the slice.
    fn inside(&self, b: &mut Builder, column: Value) -> Vec<Value> {
        let chunk = self.schedule.chunk();
        let mut inside: Vec<Value> = vec![];
        for within in 0..chunk {
            let end = b.integer(self.depth - within, Type::I32);
            let is_decided_by_first = within > 0 && self.depth % chunk == 0;
            inside.push(match inside.first() {
                Some(first) if is_decided_by_first => *first,
                _ => b.compare(Comparison::Less, column, end),
            });
        }
        inside
    }

    /// Where the pieces of a chunk of x lie that begins at a column, from the first pixel of their patch on.
    fn pixels(&self, b: &mut Builder, column: Value) -> Option<Vec<Value>> {
        let patches = self.x.patches?;
        let pieces = (0..self.schedule.chunk()).step_by(self.x.storage.run as usize);
        let pixel = |within| {
            let column = b.add_constant(column, within);
            patches.pixel(b, column)
        };
        Some(pieces.map(pixel).collect())
    }
}

/// The copies of a step.
pub(super) struct StepCopies<'a> {
    copies: &'a Copies,
    place: Value,
    /// Whether there is an element of the chunk, for each.
    inside: Vec<Value>,
    /// How many bytes behind the first of its patch each piece of x begins, where rows are patches.
    pixels: Option<Vec<Value>>,
    sources: Sources,
}

impl StepCopies<'_> {
    /// Copies one row, by its number among all. A chunk that goes by way of registers is left to be stored.
    pub(super) fn row(&self, b: &mut Builder, number: usize) -> Option<HeldChunk> {
        let in_x = self.copies.x.rows.len();
        let (share, pointers, pixels, pass) = match number < in_x {
            true => (&self.copies.x, &self.sources.x, self.pixels.as_ref(), number),
            false => (&self.copies.weight, &self.sources.weight, None, number - in_x),
        };
        let row = share.rows.get(pass)?;
        let pointer = pointers.get(row.pointer)?;
        let schedule = &self.copies.schedule;
        let pass_bytes = schedule.rows_a_pass() * schedule.row_bytes();
        let to = b.offset_constant(self.place, share.stage_at + pass as i64 * pass_bytes);
        let from = b.offset_constant(*pointer, row.bytes);
        let Storage { element, run, .. } = share.storage;
        let starts = self.inside.iter().enumerate().step_by(run as usize);
        let piece = |(number, (within, inside)): (usize, (usize, &Value))| {
            let from = match pixels.and_then(|pixels| pixels.get(number)) {
                Some(pixel) => b.offset(from, *pixel),
                None => b.offset_constant(from, element.bytes() * within as i64),
            };
            Piece { from, there: share.is_there(b, row, *inside) }
        };
        let pieces: Vec<Piece> = starts.enumerate().map(piece).collect();
        share.storage.copy(b, &pieces, to)
    }

    /// All of them.
    pub(super) fn all(&self, b: &mut Builder) {
        for number in 0..self.copies.count() {
            if let Some(held) = self.row(b, number) {
                held.store(b);
            }
        }
    }

    /// Where the step was read.
    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }
}

impl Share {
    /// Bytes from a step to the next.
    fn step_bytes(&self, schedule: &Schedule) -> i64 {
        match &self.patches {
            None => schedule.warps.depth * self.storage.element.bytes(),
            Some(_) => 0,
        }
    }

    /// Whether an element of a row is there whose column is or is not.
    fn is_there(&self, b: &mut Builder, row: &SharedRow, inside: Value) -> Value {
        let Some(there) = self.there else { return inside };
        let none = b.integer(0, Type::I32);
        let there = b.select(inside, there, none);
        let number = b.integer(row.number, Type::I32);
        b.compare(Comparison::Less, number, there)
    }

    /// Rows of x may lie anywhere, so each has a pointer.
    fn of_x(
        b: &mut Builder,
        gemm: &StagedGemm,
        product: &Product,
        (tile, row): (&Tile, Value),
        x: &XRows,
    ) -> (Self, Vec<Value>) {
        let schedule = &gemm.schedule;
        let pass = schedule.rows_a_pass();
        let wide = b.extend_unsigned(row, Scalar::I64);
        let first = b.add(tile.first_row, wide);
        let (mut rows, mut pointers) = (vec![], vec![]);
        for number in (0..schedule.rows).step_by(pass as usize) {
            let row = b.add_constant(first, number);
            rows.push(SharedRow { pointer: pointers.len(), bytes: 0, number });
            pointers.push(x.start(b, row));
        }
        let end = tile.end_row(b, schedule);
        let there = b.sub(end, tile.first_row);
        let there = b.truncate_integer(there, Scalar::I32);
        let there = Some(b.sub(there, row));
        let storage = gemm.storage(product.x.element(), gemm.x_run);
        let patches = x.patches();
        (Share { storage, patches, stage_at: 0, rows, there }, pointers)
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
        let row_bytes = product.weight.bytes() * product.k;
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
        let storage = gemm.storage(product.weight, gemm.weight_run);
        let stage_at = schedule.weight_at();
        (Share { storage, patches: None, stage_at, rows, there }, vec![pointer])
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
