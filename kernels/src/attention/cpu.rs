//! The CPU's attention. Queries lie in the lanes: scores are computed transposed, `keys queries^T`, so that the softmax
//! of a row of scores is arithmetic between registers and never across one, and its exponentials are already the right
//! operand of the second product, `values^T scores^T`. Keys and values are only copied (widened, their rows made
//! contiguous), never transposed; queries and outputs are, and there are fewer of those in a tile.
//!
//! The softmax is that of Milakov & Gimelshein (arXiv:1805.02867), block by block: what was summed so far is scaled
//! whenever a greater score appears.

use super::Attention;
use super::powers::exp2_of_non_positive;
use super::schedule::{Schedule, Scratch, TILE_QUERIES};
use crate::CpuTarget;
use crate::mlir::{Builder, Comparison, Function, Linkage, Module, Scalar, Type, Value};
use crate::rows::ArgumentReader;
use crate::vector::{self, CELL, Cell, RegisterBlock, pieces, transpose};
use ocellus_dialects::ElementType;

/// Less than every score that is a number.
const LEAST: f64 = f32::MIN as f64;

/// Writes the kernel.
pub(super) fn define(spec: &Attention, module: &mut Module, symbol: &str, target: &CpuTarget) {
    let schedule = spec.schedule(target);
    let emitter = Emitter {
        target,
        element: spec.element,
        heads: spec.heads,
        // Powers of two are cheaper than powers of e.
        scale: spec.scale.get() * std::f64::consts::LOG2_E,
        schedule,
        scratch: schedule.scratch(),
    };
    let pack = emitter.define_pack_queries(symbol, module);
    let store = emitter.define_store_outputs(symbol, module);
    let attend: Vec<Function> = (1..=schedule.vectors)
        .map(|vectors| emitter.define_attend(symbol, vectors, module))
        .collect();
    let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
    module.define(symbol, Linkage::Exported, &parameters, |b, parameters| {
        let &[block, first, end, scratch] = parameters else { return };
        let call = Call::read(b, &emitter, block, scratch);
        b.for_each((first, end, 1), |b, tile| {
            let tile = call.tile(b, tile);
            tile.pack_queries(b, &pack);
            tile.start_sums(b);
            tile.attend(b, &attend);
            tile.store_outputs(b, &store);
        });
    });
}

/// What all functions of one kernel share.
struct Emitter<'a> {
    target: &'a CpuTarget,
    element: ElementType,
    heads: i64,
    scale: f64,
    schedule: Schedule,
    scratch: Scratch,
}

impl Emitter<'_> {
    fn lanes(&self) -> u32 {
        self.target.lanes()
    }

    /// Where full vectors start that together cover `0..length`; the last may overlap the one before. `None` where
    /// `length` is less than a vector.
    fn overlapping(&self, length: i64) -> Option<Vec<i64>> {
        let last = length - self.schedule.lanes;
        (last >= 0).then(|| {
            let mut starts: Vec<i64> = (0..last).step_by(self.schedule.lanes as usize).collect();
            starts.push(last);
            starts
        })
    }

    /// `(source, row bytes, count, panel)`: `count` rows of queries, at least one and at most a vector, become columns
    /// of a panel. Lanes past the last query repeat it.
    fn define_pack_queries(&self, symbol: &str, module: &mut Module) -> Function {
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::Pointer];
        let name = format!("{symbol}_pack_queries");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[source, row_bytes, count, panel] = parameters else { return };
            let last = b.add_constant(count, -1);
            let rows: Vec<Value> = (0..self.schedule.lanes)
                .map(|lane| {
                    let lane = b.i64(lane);
                    let row = b.min(lane, last);
                    let bytes = b.mul(row, row_bytes);
                    b.offset(source, bytes)
                })
                .collect();
            let cells = self.schedule.head_cells;
            let cell_bytes = self.schedule.cell.elements() * self.element.bytes();
            match self.overlapping(cells) {
                Some(starts) => {
                    for start in starts {
                        let mut load = |row: &Value| {
                            let pointer = b.offset_constant(*row, start * cell_bytes);
                            self.load_cells(b, pointer, self.lanes())
                        };
                        let loaded: Vec<Value> = rows.iter().map(&mut load).collect();
                        for (cell, column) in transpose(b, &loaded).into_iter().enumerate() {
                            let row = (start + cell as i64) * self.schedule.panel_row();
                            let pointer = b.offset_constant(panel, row);
                            b.store(column, pointer);
                        }
                    }
                }
                None => {
                    for (lane, row) in rows.iter().enumerate() {
                        for cell in 0..cells {
                            let pointer = b.offset_constant(*row, cell * cell_bytes);
                            let value = self.load_cells(b, pointer, 1);
                            let place = cell * self.schedule.panel_row() + lane as i64 * CELL;
                            let pointer = b.offset_constant(panel, place);
                            b.store(value, pointer);
                        }
                    }
                }
            }
        })
    }

    /// `(sums, divisors, destination, row bytes, count)`: a vector of columns of a panel of sums, divided, becomes
    /// `count` rows of the result.
    fn define_store_outputs(&self, symbol: &str, module: &mut Module) -> Function {
        let parameters = [Type::Pointer, Type::Pointer, Type::Pointer, Type::I64, Type::I64];
        let name = format!("{symbol}_store_outputs");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[sums, divisors, destination, row_bytes, count] = parameters else { return };
            let one = b.splat(1.0, Type::f32s(self.lanes()));
            let divisors = b.load(divisors, Type::f32s(self.lanes()));
            let factors = b.div(one, divisors);
            match self.overlapping(self.schedule.head_size) {
                Some(starts) => {
                    for start in starts {
                        let mut load = |column: i64| {
                            let row = (start + column) * self.schedule.panel_row();
                            let pointer = b.offset_constant(sums, row);
                            let sum = b.load(pointer, Type::f32s(self.lanes()));
                            b.mul(sum, factors)
                        };
                        let columns: Vec<Value> = (0..self.schedule.lanes).map(&mut load).collect();
                        for (lane, row) in transpose(b, &columns).into_iter().enumerate() {
                            self.store_row(b, (destination, row_bytes, count), lane, start, row);
                        }
                    }
                }
                None => {
                    for column in 0..self.schedule.head_size {
                        let row = column * self.schedule.panel_row();
                        let pointer = b.offset_constant(sums, row);
                        let sum = b.load(pointer, Type::f32s(self.lanes()));
                        let value = b.mul(sum, factors);
                        for lane in 0..self.lanes() {
                            let value = b.lanes(value, lane, 1);
                            let rows = (destination, row_bytes, count);
                            self.store_row(b, rows, lane as usize, column, value);
                        }
                    }
                }
            }
        })
    }

    /// Writes elements of one row from a column on, where there is such a row.
    fn store_row(
        &self,
        b: &mut Builder,
        (destination, row_bytes, count): (Value, Value, Value),
        row: usize,
        column: i64,
        value: Value,
    ) {
        let row = b.i64(row as i64);
        let exists = b.compare(Comparison::Less, row, count);
        b.if_then(exists, |b| {
            let bytes = b.mul(row, row_bytes);
            let pointer = b.offset(destination, bytes);
            let pointer = b.offset_constant(pointer, column * self.element.bytes());
            vector::store(b, self.target, self.element, value, pointer);
        });
    }

    /// `(queries, scratch, keys, sums, state)`: the scores of one block of keys with one panel of queries, their
    /// softmax so far, and the values weighed with them. `keys` is how many the block has.
    fn define_attend(&self, symbol: &str, vectors: i64, module: &mut Module) -> Function {
        let parameters = [Type::Pointer, Type::Pointer, Type::I64, Type::Pointer, Type::Pointer];
        let name = format!("{symbol}_attend_{vectors}");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[queries, scratch, keys, sums, state] = parameters else { return };
            let panel = Panel {
                emitter: self,
                vectors,
                keys: b.offset_constant(scratch, self.scratch.keys),
                values: b.offset_constant(scratch, self.scratch.values),
                scores: b.offset_constant(scratch, self.scratch.scores),
            };
            panel.score(b, queries, keys);
            let decay = panel.exponentials(b, state, keys);
            panel.weigh_values(b, sums, keys, &decay);
        })
    }

    /// Reads cells from elements as they are stored.
    fn load_cells(&self, b: &mut Builder, pointer: Value, lanes: u32) -> Value {
        match self.schedule.cell {
            Cell::F32 => vector::load(b, self.element, pointer, lanes),
            Cell::Bf16Pair => b.load(pointer, Type::Vector(Scalar::I32, lanes)),
        }
    }
}

/// One panel of queries and one block of keys.
struct Panel<'a> {
    emitter: &'a Emitter<'a>,
    vectors: i64,
    keys: Value,
    values: Value,
    scores: Value,
}

impl Panel<'_> {
    fn vector_type(&self) -> Type {
        Type::f32s(self.emitter.lanes())
    }

    /// The address of each vector of a panel's row.
    fn row(&self, b: &mut Builder, base: Value, row: Value) -> Vec<Value> {
        let bytes = b.mul_constant(row, self.emitter.schedule.panel_row());
        let row = b.offset(base, bytes);
        self.row_at(b, row)
    }

    fn row_at(&self, b: &mut Builder, row: Value) -> Vec<Value> {
        let bytes = self.emitter.schedule.lanes * CELL;
        (0..self.vectors).map(|vector| b.offset_constant(row, vector * bytes)).collect()
    }

    fn load_row(&self, b: &mut Builder, row: &[Value]) -> Vec<Value> {
        row.iter().map(|pointer| b.load(*pointer, self.vector_type())).collect()
    }

    /// `scores = keys queries^T`, not yet scaled.
    fn score(&self, b: &mut Builder, queries: Value, keys: Value) {
        let schedule = &self.emitter.schedule;
        let block = RegisterBlock::new(
            self.emitter.target,
            schedule.cell,
            self.vectors,
            (CELL, schedule.panel_row()),
        );
        let (zero, cells) = (b.i64(0), b.i64(schedule.head_cells));
        b.for_each((zero, keys, schedule.rows), |b, key| {
            let row_bytes = schedule.head_cells * CELL;
            let bytes = b.mul_constant(key, row_bytes);
            let left = b.offset(self.keys, bytes);
            let left = block.rows_apart(b, left, row_bytes);
            let sums = block.emit(b, &left, queries, cells);
            let bytes = b.mul_constant(key, schedule.panel_row());
            let first = b.offset(self.scores, bytes);
            for (row, sums) in sums.chunks(self.vectors as usize).enumerate() {
                let row = b.offset_constant(first, row as i64 * schedule.panel_row());
                for (pointer, sum) in self.row_at(b, row).into_iter().zip(sums) {
                    b.store(*sum, pointer);
                }
            }
        });
    }

    /// Scores become powers of two relative to the greatest score so far. Gives the factors by which what was summed
    /// before has to shrink.
    fn exponentials(&self, b: &mut Builder, state: Value, keys: Value) -> Vec<Value> {
        let greatest_at = self.row_at(b, state);
        let sums_at = b.offset_constant(state, self.emitter.schedule.panel_row());
        let sums_at = self.row_at(b, sums_at);
        let before = self.load_row(b, &greatest_at);
        let greatest = self.greatest(b, &before, keys);
        let zero = b.splat(0.0, self.vector_type());
        let mut decay = vec![];
        let mut shift = vec![];
        for ((before, greatest), pointer) in before.iter().zip(&greatest).zip(&greatest_at) {
            let difference = b.sub(*before, *greatest);
            decay.push(exp2_of_non_positive(b, difference));
            shift.push(b.sub(zero, *greatest));
            b.store(*greatest, *pointer);
        }
        let sums = self.replace_scores(b, &shift, keys);
        for ((sum, decay), pointer) in sums.into_iter().zip(&decay).zip(sums_at) {
            let before = b.load(pointer, self.vector_type());
            let sum = b.fma(before, *decay, sum);
            b.store(sum, pointer);
        }
        decay
    }

    /// The greatest scaled score of each query.
    fn greatest(&self, b: &mut Builder, before: &[Value], keys: Value) -> Vec<Value> {
        let scale = b.splat(self.emitter.scale, self.vector_type());
        let zero = b.i64(0);
        b.for_loop((zero, keys, 1), before, |b, key, greatest| {
            let row = self.row(b, self.scores, key);
            let scores = self.load_row(b, &row);
            let mut next = |(score, greatest): (Value, &Value)| {
                let score = b.mul(score, scale);
                b.max(score, *greatest)
            };
            scores.into_iter().zip(greatest).map(&mut next).collect()
        })
    }

    /// Each score becomes `2^(score * scale + shift)`. Gives the sums.
    fn replace_scores(&self, b: &mut Builder, shift: &[Value], keys: Value) -> Vec<Value> {
        let scale = b.splat(self.emitter.scale, self.vector_type());
        let none = b.splat(0.0, self.vector_type());
        let sums = vec![none; shift.len()];
        let zero = b.i64(0);
        let power = |b: &mut Builder, pointer: Value, shift: Value| {
            let score = b.load(pointer, self.vector_type());
            let exponent = b.fma(score, scale, shift);
            exp2_of_non_positive(b, exponent)
        };
        if self.emitter.schedule.cell == Cell::F32 {
            return b.for_loop((zero, keys, 1), &sums, |b, key, sums| {
                let row = self.row(b, self.scores, key);
                let mut next = vec![];
                for ((pointer, shift), sum) in row.into_iter().zip(shift).zip(sums) {
                    let power = power(b, pointer, *shift);
                    b.store(power, pointer);
                    next.push(b.add(*sum, power));
                }
                next
            });
        }
        self.end_with_no_weight(b, keys);
        b.for_loop((zero, keys, 2), &sums, |b, key, sums| {
            let even = self.row(b, self.scores, key);
            let next_key = b.add_constant(key, 1);
            let odd = self.row(b, self.scores, next_key);
            // Pair rows are written where the scores of half their number stood: those are read already.
            let half = b.shift_right(key, 1);
            let pairs = self.row(b, self.scores, half);
            let mut next = vec![];
            for (vector, sum) in sums.iter().enumerate() {
                let even = power(b, even[vector], shift[vector]);
                let odd = power(b, odd[vector], shift[vector]);
                let pair = self.pair(b, even, odd);
                b.store(pair, pairs[vector]);
                let both = b.add(even, odd);
                next.push(b.add(*sum, both));
            }
            next
        })
    }

    /// A row of scores after the last, for the pair that an odd number of keys leaves half empty. The exponentials of
    /// the least number are below 2^-125, and the copied values hold zeros there.
    fn end_with_no_weight(&self, b: &mut Builder, keys: Value) {
        let least = LEAST / self.emitter.scale.abs().max(1.0) * self.emitter.scale.signum();
        let least = b.splat(least, self.vector_type());
        let two = b.i64(2);
        let odd = b.rem(keys, two);
        let one = b.i64(1);
        let is_odd = b.compare(Comparison::Equal, odd, one);
        b.if_then(is_odd, |b| {
            for pointer in self.row(b, self.scores, keys) {
                b.store(least, pointer);
            }
        });
    }

    /// Two vectors of f32, rounded, as the lower and upper halves of cells.
    fn pair(&self, b: &mut Builder, even: Value, odd: Value) -> Value {
        let even = vector::narrow(b, self.emitter.target, ElementType::BF16, even);
        let odd = vector::narrow(b, self.emitter.target, ElementType::BF16, odd);
        interleave(b, even, odd)
    }

    /// `sums = sums * decay + values^T scores`
    fn weigh_values(&self, b: &mut Builder, sums_at: Value, keys: Value, decay: &[Value]) {
        let schedule = &self.emitter.schedule;
        let block = RegisterBlock::new(
            self.emitter.target,
            schedule.cell,
            self.vectors,
            (schedule.padded_head * CELL, schedule.panel_row()),
        );
        let steps = b.ceil_div(keys, schedule.cell.elements());
        let (zero, columns) = (b.i64(0), b.i64(schedule.padded_head));
        b.for_each((zero, columns, schedule.rows), |b, column| {
            let bytes = b.mul_constant(column, CELL);
            let left = b.offset(self.values, bytes);
            let left = block.rows_apart(b, left, CELL);
            let sums = block.emit(b, &left, self.scores, steps);
            let bytes = b.mul_constant(column, schedule.panel_row());
            let first = b.offset(sums_at, bytes);
            for (row, sums) in sums.chunks(self.vectors as usize).enumerate() {
                let row = b.offset_constant(first, row as i64 * schedule.panel_row());
                let pointers = self.row_at(b, row);
                for ((pointer, sum), decay) in pointers.into_iter().zip(sums).zip(decay) {
                    let before = b.load(pointer, self.vector_type());
                    let sum = b.fma(before, *decay, *sum);
                    b.store(sum, pointer);
                }
            }
        });
    }
}

/// Two vectors of 16-bit elements as the lower and upper halves of 32-bit cells.
fn interleave(b: &mut Builder, lower: Value, upper: Value) -> Value {
    let lower = b.extend_unsigned(lower, Scalar::I32);
    let upper = b.extend_unsigned(upper, Scalar::I32);
    let upper = b.shift_left(upper, 16);
    b.or(lower, upper)
}

/// An operand at run time.
#[derive(Clone, Copy)]
struct Operand {
    base: Value,
    row_bytes: Value,
    image_bytes: Value,
}

impl Operand {
    fn read(b: &mut Builder, arguments: &mut ArgumentReader, element: ElementType) -> Self {
        let base = arguments.pointer(b);
        let row = arguments.integer(b);
        let image = arguments.integer(b);
        Operand {
            base,
            row_bytes: b.mul_constant(row, element.bytes()),
            image_bytes: b.mul_constant(image, element.bytes()),
        }
    }

    /// The address of one image's head.
    fn head(&self, b: &mut Builder, image: Value, head_bytes: Value) -> Value {
        let bytes = b.mul(image, self.image_bytes);
        let image = b.offset(self.base, bytes);
        b.offset(image, head_bytes)
    }

    /// The same operand, seen from another address.
    fn at(&self, base: Value) -> Self {
        Operand { base, ..*self }
    }

    fn row(&self, b: &mut Builder, row: Value) -> Value {
        let bytes = b.mul(row, self.row_bytes);
        b.offset(self.base, bytes)
    }
}

/// A launch at run time.
struct Call<'a> {
    emitter: &'a Emitter<'a>,
    queries: Operand,
    keys: Operand,
    values: Operand,
    result: Operand,
    query_count: Value,
    key_count: Value,
    scratch: Value,
}

impl<'a> Call<'a> {
    fn read(b: &mut Builder, emitter: &'a Emitter<'a>, block: Value, scratch: Value) -> Self {
        let mut arguments = ArgumentReader::new(block);
        let operand = |b: &mut Builder, arguments: &mut ArgumentReader| {
            Operand::read(b, arguments, emitter.element)
        };
        Call {
            emitter,
            queries: operand(b, &mut arguments),
            keys: operand(b, &mut arguments),
            values: operand(b, &mut arguments),
            result: operand(b, &mut arguments),
            query_count: arguments.integer(b),
            key_count: arguments.integer(b),
            scratch,
        }
    }

    /// Tiles go image by image, in those head by head, in those block of queries by block.
    fn tile(&self, b: &mut Builder, tile: Value) -> Tile<'_> {
        let blocks = b.ceil_div(self.query_count, TILE_QUERIES);
        let block = b.rem(tile, blocks);
        let pair = b.div(tile, blocks);
        let heads = b.i64(self.emitter.heads);
        let head = b.rem(pair, heads);
        let image = b.div(pair, heads);
        let head_size = self.emitter.schedule.head_size;
        let head_bytes = b.mul_constant(head, head_size * self.emitter.element.bytes());
        let first = b.mul_constant(block, TILE_QUERIES);
        let rest = b.sub(self.query_count, first);
        let full = b.i64(TILE_QUERIES);
        let mut head = |operand: &Operand| operand.at(operand.head(b, image, head_bytes));
        let (queries, keys) = (head(&self.queries), head(&self.keys));
        let (values, result) = (head(&self.values), head(&self.result));
        Tile {
            call: self,
            queries: queries.at(queries.row(b, first)),
            keys,
            values,
            result: result.at(result.row(b, first)),
            count: b.min(rest, full),
        }
    }
}

/// Some queries of one head of one image.
struct Tile<'a> {
    call: &'a Call<'a>,
    queries: Operand,
    keys: Operand,
    values: Operand,
    result: Operand,
    count: Value,
}

impl Tile<'_> {
    fn emitter(&self) -> &Emitter<'_> {
        self.call.emitter
    }

    fn part(&self, b: &mut Builder, offset: i64) -> Value {
        b.offset_constant(self.call.scratch, offset)
    }

    /// The address of a panel, by its first query.
    fn panel(&self, b: &mut Builder, part: i64, query: Value, panel_bytes: i64) -> Value {
        let base = self.part(b, part);
        let queries = b.i64(self.emitter().schedule.panel_queries());
        let panel = b.div(query, queries);
        let bytes = b.mul_constant(panel, panel_bytes);
        b.offset(base, bytes)
    }

    /// The address of a query's column in its panel.
    fn column(&self, b: &mut Builder, part: i64, query: Value, panel_bytes: i64) -> Value {
        let panel = self.panel(b, part, query, panel_bytes);
        let queries = b.i64(self.emitter().schedule.panel_queries());
        let column = b.rem(query, queries);
        let bytes = b.mul_constant(column, CELL);
        b.offset(panel, bytes)
    }

    /// Calls `body` with the first query and the count of each vector of queries.
    fn for_vectors(&self, b: &mut Builder, body: impl FnOnce(&mut Builder, Value, Value)) {
        let lanes = self.emitter().schedule.lanes;
        let zero = b.i64(0);
        b.for_each((zero, self.count, lanes), |b, query| {
            let rest = b.sub(self.count, query);
            let full = b.i64(lanes);
            let count = b.min(rest, full);
            body(b, query, count);
        });
    }

    fn pack_queries(&self, b: &mut Builder, pack: &Function) {
        let emitter = self.emitter();
        self.for_vectors(b, |b, query, count| {
            let source = self.queries.row(b, query);
            let (part, bytes) = (emitter.scratch.queries, emitter.schedule.query_panel());
            let column = self.column(b, part, query, bytes);
            b.call(pack, &[source, self.queries.row_bytes, count, column]);
        });
    }

    /// No score yet, all sums zero.
    fn start_sums(&self, b: &mut Builder) {
        let emitter = self.emitter();
        let schedule = &emitter.schedule;
        self.for_vectors(b, |b, query, _| {
            let none = b.splat(0.0, Type::f32s(emitter.lanes()));
            let least = b.splat(LEAST, Type::f32s(emitter.lanes()));
            let state = self.column(b, emitter.scratch.states, query, schedule.state_panel());
            b.store(least, state);
            let sum = b.offset_constant(state, schedule.panel_row());
            b.store(none, sum);
            let sums = self.column(b, emitter.scratch.outputs, query, schedule.output_panel());
            let (zero, rows) = (b.i64(0), b.i64(schedule.padded_head));
            b.for_each((zero, rows, 1), |b, row| {
                let bytes = b.mul_constant(row, schedule.panel_row());
                let pointer = b.offset(sums, bytes);
                b.store(none, pointer);
            });
        });
    }

    /// Every block of keys with every panel of queries.
    fn attend(&self, b: &mut Builder, attend: &[Function]) {
        let schedule = &self.emitter().schedule;
        let zero = b.i64(0);
        b.for_each((zero, self.call.key_count, schedule.block_keys), |b, first| {
            let rest = b.sub(self.call.key_count, first);
            let full = b.i64(schedule.block_keys);
            let keys = b.min(rest, full);
            self.copy_keys(b, first, keys);
            self.copy_values(b, first, keys);
            b.for_each((zero, self.count, schedule.panel_queries()), |b, query| {
                self.attend_panel(b, attend, query, keys);
            });
        });
    }

    /// Calls the function that is written for as many vectors as the panel has queries for.
    fn attend_panel(&self, b: &mut Builder, attend: &[Function], query: Value, keys: Value) {
        let emitter = self.emitter();
        let (scratch, schedule) = (&emitter.scratch, &emitter.schedule);
        let queries = self.panel(b, scratch.queries, query, schedule.query_panel());
        let sums = self.panel(b, scratch.outputs, query, schedule.output_panel());
        let state = self.panel(b, scratch.states, query, schedule.state_panel());
        let arguments = [queries, self.call.scratch, keys, sums, state];
        let rest = b.sub(self.count, query);
        for (vectors, function) in attend.iter().enumerate() {
            let least = b.i64(vectors as i64 * schedule.lanes);
            let mut chosen = b.compare(Comparison::Less, least, rest);
            if vectors + 1 < attend.len() {
                let greatest = b.i64((vectors as i64 + 1) * schedule.lanes);
                let fits = b.compare(Comparison::LessOrEqual, rest, greatest);
                chosen = b.and(chosen, fits);
            }
            b.if_then(chosen, |b| b.call(function, &arguments));
        }
    }

    /// Keys, row after row, and zeros up to the next full register block.
    fn copy_keys(&self, b: &mut Builder, first: Value, keys: Value) {
        let emitter = self.emitter();
        let schedule = &emitter.schedule;
        let cells = pieces(0, schedule.head_cells, emitter.lanes());
        let source = self.keys.at(self.keys.row(b, first));
        let copy = self.part(b, emitter.scratch.keys);
        let row_bytes = schedule.head_cells * CELL;
        let cell_bytes = schedule.cell.elements() * emitter.element.bytes();
        let zero = b.i64(0);
        b.for_each((zero, keys, 1), |b, key| {
            let row = source.row(b, key);
            let bytes = b.mul_constant(key, row_bytes);
            let to = b.offset(copy, bytes);
            for (cell, lanes) in &cells {
                let pointer = b.offset_constant(row, cell * cell_bytes);
                let value = emitter.load_cells(b, pointer, *lanes);
                let pointer = b.offset_constant(to, cell * CELL);
                b.store(value, pointer);
            }
        });
        let blocks = b.ceil_div(keys, schedule.rows);
        let end = b.mul_constant(blocks, schedule.rows);
        b.for_each((keys, end, 1), |b, key| {
            let bytes = b.mul_constant(key, row_bytes);
            let to = b.offset(copy, bytes);
            store_zeros(b, to, &cells);
        });
    }

    /// Values, row after row or two rows together, each row filled with zeros up to full register blocks.
    fn copy_values(&self, b: &mut Builder, first: Value, keys: Value) {
        let emitter = self.emitter();
        let schedule = &emitter.schedule;
        let columns = pieces(0, schedule.head_size, emitter.lanes());
        let padding = pieces(schedule.head_size, schedule.padded_head, emitter.lanes());
        let source = self.values.at(self.values.row(b, first));
        let copy = self.part(b, emitter.scratch.values);
        let elements = schedule.cell.elements();
        let zero = b.i64(0);
        b.for_each((zero, keys, elements), |b, key| {
            let row = source.row(b, key);
            let next = NextRow::after(b, &source, key, keys);
            let bytes = b.mul_constant(key, schedule.padded_head * CELL / elements);
            let to = b.offset(copy, bytes);
            for (column, lanes) in &columns {
                let offset = column * emitter.element.bytes();
                let pointer = b.offset_constant(row, offset);
                let value = match schedule.cell {
                    Cell::F32 => vector::load(b, emitter.element, pointer, *lanes),
                    Cell::Bf16Pair => {
                        let even = b.load(pointer, Type::Vector(Scalar::I16, *lanes));
                        let odd = next.load(b, offset, *lanes);
                        interleave(b, even, odd)
                    }
                };
                let pointer = b.offset_constant(to, column * CELL);
                b.store(value, pointer);
            }
            store_zeros(b, to, &padding);
        });
    }

    fn store_outputs(&self, b: &mut Builder, store: &Function) {
        let emitter = self.emitter();
        let (scratch, schedule) = (&emitter.scratch, &emitter.schedule);
        self.for_vectors(b, |b, query, count| {
            let sums = self.column(b, scratch.outputs, query, schedule.output_panel());
            let state = self.column(b, scratch.states, query, schedule.state_panel());
            let divisors = b.offset_constant(state, schedule.panel_row());
            let to = self.result.row(b, query);
            b.call(store, &[sums, divisors, to, self.result.row_bytes, count]);
        });
    }
}

/// The other row of a pair, which may not be there.
struct NextRow {
    row: Value,
    exists: Value,
}

impl NextRow {
    fn after(b: &mut Builder, source: &Operand, row: Value, end: Value) -> Self {
        let next = b.add_constant(row, 1);
        let exists = b.compare(Comparison::Less, next, end);
        let readable = b.select(exists, next, row);
        NextRow { row: source.row(b, readable), exists }
    }

    /// Zeros where the row is not there.
    fn load(&self, b: &mut Builder, offset: i64, lanes: u32) -> Value {
        let ty = Type::Vector(Scalar::I16, lanes);
        let pointer = b.offset_constant(self.row, offset);
        let value = b.load(pointer, ty);
        let zeros = b.splat(0.0, ty);
        b.select(self.exists, value, zeros)
    }
}

fn store_zeros(b: &mut Builder, to: Value, cells: &[(i64, u32)]) {
    for (cell, lanes) in cells {
        let zeros = b.splat(0.0, Type::f32s(*lanes));
        let pointer = b.offset_constant(to, cell * CELL);
        b.store(zeros, pointer);
    }
}
