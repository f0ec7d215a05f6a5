//! The softmax so far, as [that of the vectors](crate::attention::cpu::softmax) with a query in a row: lanes are keys, and
//! what a query knows is a number.

use super::products::{QueryBlock, score_tile};
use super::schedule::{BLOCK_QUERIES, SCORE_PAIR};
use super::{Run, Writer};
use crate::attention::powers::{exp2_of_scaled, rough_exp2_of_scaled};
use crate::mlir::{Builder, Comparison, Function, Linkage, Module, Scalar, Type, Value};
use crate::tile_registers::{TILE_BYTES, TILE_COLUMNS, TILE_ROW_BYTES, TILE_ROWS};
use crate::vector::{CELL, element_pointer, fold_rows};
use ocellus_dialects::ElementType::{F32, I32};
use ocellus_dialects::kernel::Mask;

/// Numbers in a vector: those of a row of a tile.
const LANES: i64 = TILE_COLUMNS;
const VECTOR: Type = Type::Vector(Scalar::F32, LANES as u32);
const VECTOR_BYTES: i64 = TILE_ROW_BYTES;

/// The logarithm, to base two, of what a weight may be: until a score is greater than those before by so much, they stay relative
/// to what they were. It costs nothing of what floating-point numbers tell apart, and sums are seldom to be multiplied.
const GREATEST_EXPONENT: f64 = 8.0;

const LANE_FLAGS: Type = Type::Vector(Scalar::I32, LANES as u32);

/// Rows whose greatest scores are looked for at once.
const ROWS: i64 = 4;

impl Run<'_> {
    /// No score yet, all sums zero.
    pub(super) fn start_sums(&self, b: &mut Builder) {
        let (scratch, schedule) = (&self.writer.scratch, &self.writer.schedule);
        let zero = b.i64(0);
        let mut parts = vec![
            (scratch.greatest, CELL, self.writer.emitter.least_score()),
            (scratch.sums, VECTOR_BYTES, 0.0),
        ];
        if self.may_skip_keys() {
            parts.push((scratch.outputs, schedule.output_row(), 0.0));
        }
        let blocks = b.ceil_div(self.queries.count, BLOCK_QUERIES);
        for (part, row_bytes, value) in parts {
            let base = self.part(b, part);
            let value = b.splat(value, VECTOR);
            let end = b.mul_constant(blocks, BLOCK_QUERIES * row_bytes);
            b.for_each((zero, end, VECTOR_BYTES), |b, bytes| {
                let to = b.offset(base, bytes);
                b.store(value, to);
            });
        }
    }

    /// Finds the greatest scores of a block.
    pub(super) fn find_greatest(
        &self,
        b: &mut Builder,
        block: QueryBlock,
        (is_first, keys): (Value, Value),
    ) {
        let scratch = self.queries.call.scratch;
        let mut arguments = vec![scratch, block.number, block.rows, keys, is_first];
        if let Some(segments) = self.queries.segments {
            let first = b.mul_constant(block.number, BLOCK_QUERIES);
            let first = b.add(self.queries.first, first);
            arguments.push(element_pointer(b, segments, I32, first));
        }
        b.call(&self.functions.find_greatest, &arguments);
    }

    /// Makes weights of the scores of some rows of a block.
    pub(super) fn weigh(
        &self,
        b: &mut Builder,
        block: QueryBlock,
        (first, end): (Value, Value),
        keys: Value,
    ) {
        let scratch = self.queries.call.scratch;
        b.call(&self.functions.weigh, &[scratch, block.number, first, end, keys]);
    }
}

impl Writer<'_> {
    /// `(scratch, block, rows, keys, is first)`, and of a masked one the segments of the block's queries: the greatest score of
    /// each query, and what was summed before, if these keys are not the first, relative to it. Scores of keys that are not there, or that a
    /// query may not see, become the least that there is.
    pub(super) fn define_find_greatest(&self, symbol: &str, module: &mut Module) -> Function {
        let mut parameters = vec![Type::Pointer, Type::I64, Type::I64, Type::I64, Type::I1];
        if self.emitter.mask == Mask::Segments {
            parameters.push(Type::Pointer);
        }
        let name = format!("{symbol}_find_greatest");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[scratch, number, rows, keys, is_first, ref segments @ ..] = parameters else {
                return;
            };
            let scores = self.scores_of(b, scratch, number);
            self.hide_missing_keys(b, scores, (rows, keys));
            let maxima = b.offset_constant(scratch, self.scratch.lane_maxima);
            let masks = segments.first().map(|queries| Segments {
                queries: *queries,
                keys: b.offset_constant(scratch, self.scratch.key_segments),
                last: b.add_constant(rows, -1),
            });
            let zero = b.i64(0);
            b.for_each((zero, rows, ROWS), |b, row| {
                let rows: Vec<Value> = (0..ROWS).map(|next| b.add_constant(row, next)).collect();
                let greatest = self.lane_maxima(b, scores, (&rows, keys), masks.as_ref());
                for (row, greatest) in rows.iter().zip(greatest) {
                    let bytes = b.mul_constant(*row, VECTOR_BYTES);
                    let to = b.offset(maxima, bytes);
                    b.store(greatest, to);
                }
            });
            let maxima = load_rows(b, maxima);
            let found = fold_rows(b, &maxima, |b, x, y| self.emitter.greater_score(b, x, y));
            self.compare_greatest(b, (scratch, number), found, is_first);
        })
    }

    /// Holds the greatest scores of a block of queries against what they were taken relative to so far. Where one is greater by
    /// far, it takes that place, and what was summed before shrinks; where it is little greater, weights may be above one.
    fn compare_greatest(
        &self,
        b: &mut Builder,
        (scratch, number): (Value, Value),
        found: Value,
        is_first: Value,
    ) {
        let greatest = b.offset_constant(scratch, self.scratch.greatest);
        let bytes = b.mul_constant(number, BLOCK_QUERIES * CELL);
        let at = b.offset(greatest, bytes);
        let before = b.load(at, VECTOR);
        let now = self.emitter.greater_score(b, found, before);
        let difference = b.sub(before, now);
        let scale = b.splat(self.emitter.scale, VECTOR);
        let exponent = b.mul(difference, scale);
        let least = b.splat(-GREATEST_EXPONENT, VECTOR);
        let is_far = b.is_less(exponent, least);
        let (yes, no) = (b.splat(1.0, LANE_FLAGS), b.splat(0.0, LANE_FLAGS));
        let flags = b.select(is_far, yes, no);
        let flags = b.fold_lanes(flags, Builder::or);
        let none = b.integer(0, Type::I32);
        let any = b.compare(Comparison::NotEqual, flags, none);
        b.if_then(any, |b| {
            let now = b.select(is_far, now, before);
            b.store(now, at);
            let factor = exp2_of_scaled(b, difference, self.emitter.scale);
            let one = b.splat(1.0, VECTOR);
            let factor = b.select(is_far, factor, one);
            let factors = b.offset_constant(scratch, self.scratch.factors);
            b.store(factor, factors);
            self.shrink(b, (scratch, number), factors, is_first);
        });
    }

    /// Multiplies what was summed up of a block by the factors of its queries.
    fn shrink(
        &self,
        b: &mut Builder,
        (scratch, number): (Value, Value),
        factors: Value,
        is_first: Value,
    ) {
        let sums = b.offset_constant(scratch, self.scratch.sums);
        let outputs = b.offset_constant(scratch, self.scratch.outputs);
        let first = b.mul_constant(number, BLOCK_QUERIES);
        let (zero, rows) = (b.i64(0), b.i64(BLOCK_QUERIES));
        // Before the first keys no sum of values is there.
        let row_bytes = b.i64(self.schedule.output_row());
        let row_bytes = b.select(is_first, zero, row_bytes);
        b.for_each((zero, rows, 1), |b, row| {
            let factor = broadcast_at(b, factors, row);
            let query = b.add(first, row);
            let bytes = b.mul_constant(query, VECTOR_BYTES);
            let at = b.offset(sums, bytes);
            multiply_at(b, at, factor);
            let bytes = b.mul_constant(query, self.schedule.output_row());
            let outputs = b.offset(outputs, bytes);
            b.for_each((zero, row_bytes, VECTOR_BYTES), |b, bytes| {
                let at = b.offset(outputs, bytes);
                multiply_at(b, at, factor);
            });
        });
    }

    /// The score of a key that is not there: it weighs nothing.
    fn no_score(&self) -> f64 {
        f64::NEG_INFINITY * self.emitter.scale.signum()
    }

    /// Fills up the last vector of each row.
    fn hide_missing_keys(&self, b: &mut Builder, scores: Value, (rows, keys): (Value, Value)) {
        let zero = b.i64(0);
        let lanes = b.i64(LANES);
        let rest = b.rem(keys, lanes);
        let is_part = b.compare(Comparison::Less, zero, rest);
        b.if_then(is_part, |b| {
            let numbers: Vec<Value> = (0..LANES).map(|lane| b.i64(lane)).collect();
            let numbers = b.vector(&numbers);
            let rest_of_all = b.broadcast(rest, LANES as u32);
            let exists = b.compare(Comparison::Less, numbers, rest_of_all);
            let first = b.sub(keys, rest);
            let none = b.splat(self.no_score(), VECTOR);
            let tile = b.div(first, lanes);
            let last = score_tile(b, scores, tile);
            b.for_each((zero, rows, 1), |b, row| {
                let bytes = b.mul_constant(row, VECTOR_BYTES);
                let at = b.offset(last, bytes);
                let found = b.load(at, VECTOR);
                let found = b.select(exists, found, none);
                b.store(found, at);
            });
        });
    }

    /// The greatest of some rows of scores, lane by lane.
    fn lane_maxima(
        &self,
        b: &mut Builder,
        scores: Value,
        (rows, keys): (&[Value], Value),
        segments: Option<&Segments>,
    ) -> Vec<Value> {
        let pointers: Vec<Value> = rows
            .iter()
            .map(|row| {
                let bytes = b.mul_constant(*row, VECTOR_BYTES);
                b.offset(scores, bytes)
            })
            .collect();
        let own: Option<Vec<Value>> =
            segments.map(|segments| rows.iter().map(|row| segments.of_query(b, *row)).collect());
        let least = b.splat(self.emitter.least_score(), VECTOR);
        let zero = b.i64(0);
        let tiles = b.ceil_div(keys, LANES);
        b.for_loop((zero, tiles, 1), &vec![least; rows.len()], |b, tile, so_far| {
            let at: Vec<Value> = pointers.iter().map(|row| score_tile(b, *row, tile)).collect();
            let mut found: Vec<Value> = at.iter().map(|at| b.load(*at, VECTOR)).collect();
            if let (Some(segments), Some(own)) = (segments, &own) {
                let bytes = b.mul_constant(tile, VECTOR_BYTES);
                let keys = b.offset(segments.keys, bytes);
                let keys = b.load(keys, VECTOR.with_scalar(Scalar::I32));
                let none = b.splat(self.no_score(), VECTOR);
                for ((score, own), at) in found.iter_mut().zip(own).zip(&at) {
                    let shared = b.compare(Comparison::Equal, keys, *own);
                    *score = b.select(shared, *score, none);
                    b.store(*score, *at);
                }
            }
            let pairs = found.into_iter().zip(so_far);
            pairs.map(|(score, other)| self.emitter.greater_score(b, score, *other)).collect()
        })
    }

    /// `(scratch, block, first, end, keys)`: scores of the rows `first..end` become weights, rounded, which are
    /// added to the sums.
    pub(super) fn define_weigh(&self, symbol: &str, module: &mut Module) -> Function {
        let parameters = [Type::Pointer, Type::I64, Type::I64, Type::I64, Type::I64];
        let name = format!("{symbol}_weigh");
        module.define(&name, Linkage::Internal, &parameters, |b, parameters| {
            let &[scratch, number, first, end, keys] = parameters else { return };
            let scores = self.scores_of(b, scratch, number);
            let greatest = b.offset_constant(scratch, self.scratch.greatest);
            let sums = b.offset_constant(scratch, self.scratch.sums);
            let first_query = b.mul_constant(number, BLOCK_QUERIES);
            b.for_each((first, end, 1), |b, row| {
                let query = b.add(first_query, row);
                let greatest = broadcast_at(b, greatest, query);
                let bytes = b.mul_constant(row, VECTOR_BYTES);
                let scores = b.offset(scores, bytes);
                let sum = self.weigh_row(b, scores, keys, greatest);
                let bytes = b.mul_constant(query, VECTOR_BYTES);
                let at = b.offset(sums, bytes);
                let before = b.load(at, VECTOR);
                let sum = b.add(before, sum);
                b.store(sum, at);
            });
        })
    }

    /// Makes weights of one row of scores. Gives their sums, lane by lane.
    fn weigh_row(&self, b: &mut Builder, scores: Value, keys: Value, greatest: Value) -> Value {
        let none = b.splat(0.0, VECTOR);
        let zero = b.i64(0);
        let vectors = b.ceil_div(keys, LANES);
        let pairs = b.shift_right(vectors, 1);
        let power = |b: &mut Builder, at: Value| {
            let score = b.load(at, VECTOR);
            let difference = b.sub(score, greatest);
            rough_exp2_of_scaled(b, difference, self.emitter.scale)
        };
        let sums = b.for_loop((zero, pairs, 1), &[none], |b, pair, sums| {
            let bytes = b.mul_constant(pair, SCORE_PAIR);
            let at = b.offset(scores, bytes);
            let high = b.offset_constant(at, TILE_BYTES);
            let (low, high) = (power(b, at), power(b, high));
            store_weights(b, (low, high), at);
            let both = b.add(low, high);
            vec![b.add(sums[0], both)]
        });
        let two = b.i64(2);
        let left = b.rem(vectors, two);
        let is_odd = b.compare(Comparison::Less, zero, left);
        let sums = b.if_else(
            is_odd,
            |b| {
                let bytes = b.mul_constant(pairs, SCORE_PAIR);
                let at = b.offset(scores, bytes);
                let low = power(b, at);
                store_weights(b, (low, none), at);
                vec![b.add(sums[0], low)]
            },
            |_| vec![sums[0]],
        );
        sums[0]
    }
}

/// Where the segments of a block's queries and of its keys lie.
struct Segments {
    queries: Value,
    keys: Value,
    /// The last query.
    last: Value,
}

impl Segments {
    /// A query's, in each lane; the last one's behind that.
    fn of_query(&self, b: &mut Builder, query: Value) -> Value {
        let query = b.min(query, self.last);
        let at = element_pointer(b, self.queries, I32, query);
        let segment = b.load(at, Type::I32);
        b.broadcast(segment, LANES as u32)
    }
}

/// Multiplies a vector in memory.
fn multiply_at(b: &mut Builder, at: Value, factor: Value) {
    let before = b.load(at, VECTOR);
    let product = b.mul(before, factor);
    b.store(product, at);
}

/// Sixteen vectors that follow each other.
pub(super) fn load_rows(b: &mut Builder, first: Value) -> Vec<Value> {
    (0..TILE_ROWS)
        .map(|row| {
            let at = b.offset_constant(first, row * VECTOR_BYTES);
            b.load(at, VECTOR)
        })
        .collect()
}

/// A number in each lane.
pub(super) fn broadcast_at(b: &mut Builder, numbers: Value, index: Value) -> Value {
    let at = element_pointer(b, numbers, F32, index);
    let number = b.load(at, Type::F32);
    b.broadcast(number, LANES as u32)
}

/// Rounds two vectors to bf16 and writes them, one after the other.
fn store_weights(b: &mut Builder, (low, high): (Value, Value), to: Value) {
    let rounded = b.intrinsic(
        "llvm.x86.avx512bf16.cvtne2ps2bf16.512",
        &[high, low],
        Type::Vector(Scalar::BF16, 2 * LANES as u32),
    );
    b.store(rounded, to);
}
