//! The softmax so far: scores become weights relative to the greatest score that was seen, and what was summed before
//! a greater one appeared shrinks.

use super::interleave;
use super::panel::Panel;
use crate::attention::powers::exp2_of_non_positive;
use crate::mlir::{Builder, Comparison, Value};
use crate::vector::{self, Cell};
use ocellus_dialects::ElementType;

/// Less than every score that is a number.
pub(super) const LEAST: f64 = f32::MIN as f64;

impl Panel<'_> {
    /// Scores become powers of two relative to the greatest score so far. Gives the factors by which what was summed
    /// before has to shrink.
    pub(super) fn exponentials(&self, b: &mut Builder, state: Value, keys: Value) -> Vec<Value> {
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
            let scaled = scores.into_iter().map(|score| b.mul(score, scale)).collect();
            let scaled = self.where_shared(b, key, scaled, LEAST);
            let pairs = scaled.into_iter().zip(greatest);
            pairs.map(|(score, greatest)| b.max(score, *greatest)).collect()
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
                let pairs = row.iter().zip(shift);
                let powers = pairs.map(|(pointer, shift)| power(b, *pointer, *shift)).collect();
                let powers = self.where_shared(b, key, powers, 0.0);
                let mut next = vec![];
                for ((pointer, power), sum) in row.into_iter().zip(powers).zip(sums) {
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
            let powers = |b: &mut Builder, row: &[Value]| -> Vec<Value> {
                row.iter().zip(shift).map(|(pointer, shift)| power(b, *pointer, *shift)).collect()
            };
            let (even, odd) = (powers(b, &even), powers(b, &odd));
            // The row after the last has no segment: whichever it takes, its weight and its values are nothing.
            let last = b.add_constant(keys, -1);
            let odd_key = b.min(next_key, last);
            let even = self.where_shared(b, key, even, 0.0);
            let odd = self.where_shared(b, odd_key, odd, 0.0);
            let mut next = vec![];
            for (vector, sum) in sums.iter().enumerate() {
                let (even, odd) = (even[vector], odd[vector]);
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
}
