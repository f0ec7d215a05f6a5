//! The softmax so far: scores become weights relative to the greatest scaled score that was seen, and what was summed
//! before a greater one appeared shrinks.
//!
//! The greatest is taken off before anything is scaled: both are then exact, whatever the size of the scores, but for one
//! rounding of a difference. A product of score and scale that is rounded first is off by more than one from 2^24 on,
//! which is a factor of the weight.

use super::panel::Panel;
use super::{Emitter, interleave};
use crate::attention::powers::exp2_of_scaled;
use crate::mlir::{Builder, Comparison, Value};
use crate::vector::{self, Cell};
use ocellus_dialects::ElementType;

impl Emitter<'_> {
    /// What the greatest scaled score starts from, as a score: no number is further from the greatest. It is a number, so
    /// that scores that are infinite differ from it, and a row that has no others weighs nothing: its result is NaN.
    pub(super) fn least_score(&self) -> f64 {
        -f64::from(f32::MAX) * self.scale.signum()
    }

    /// The score of the two that is greater when it is scaled; `b` where `a` is NaN.
    pub(super) fn greater_score(&self, b: &mut Builder, score: Value, other: Value) -> Value {
        match self.scale < 0.0 {
            true => b.min(score, other),
            false => b.max(score, other),
        }
    }
}

impl Panel<'_> {
    /// Scores become powers of two relative to the greatest score so far. Gives the factors by which what was summed
    /// before has to shrink.
    pub(super) fn exponentials(&self, b: &mut Builder, state: Value, keys: Value) -> Vec<Value> {
        let greatest_at = self.row_at(b, state);
        let sums_at = b.offset_constant(state, self.emitter.schedule.panel_row());
        let sums_at = self.row_at(b, sums_at);
        let before = self.load_row(b, &greatest_at);
        let max = self.greatest(b, &before, keys);
        let mut decay = vec![];
        for ((before, max), pointer) in before.iter().zip(&max).zip(&greatest_at) {
            decay.push(self.power(b, *before, *max));
            b.store(*max, *pointer);
        }
        let sums = self.replace_scores(b, &max, keys);
        for ((sum, decay), pointer) in sums.into_iter().zip(&decay).zip(sums_at) {
            let before = b.load(pointer, self.vector_type());
            let sum = b.fma(before, *decay, sum);
            b.store(sum, pointer);
        }
        decay
    }

    /// `2^((score - greatest) * scale)`
    fn power(&self, b: &mut Builder, score: Value, max: Value) -> Value {
        let difference = b.sub(score, max);
        exp2_of_scaled(b, difference, self.emitter.scale)
    }

    /// The score of each query that is the greatest when it is scaled.
    fn greatest(&self, b: &mut Builder, before: &[Value], keys: Value) -> Vec<Value> {
        let zero = b.i64(0);
        b.for_loop((zero, keys, 1), before, |b, key, max| {
            let row = self.row(b, self.scores, key);
            let scores = self.load_row(b, &row);
            let scores = self.where_shared(b, key, scores, self.emitter.least_score());
            let pairs = scores.into_iter().zip(max);
            pairs.map(|(score, other)| self.emitter.greater_score(b, score, *other)).collect()
        })
    }

    /// Each score becomes its power of two. Gives the sums.
    fn replace_scores(&self, b: &mut Builder, max: &[Value], keys: Value) -> Vec<Value> {
        let none = b.splat(0.0, self.vector_type());
        let sums = vec![none; max.len()];
        let zero = b.i64(0);
        let powers = |b: &mut Builder, row: &[Value]| -> Vec<Value> {
            let scores = self.load_row(b, row);
            let pairs = scores.into_iter().zip(max);
            pairs.map(|(score, max)| self.power(b, score, *max)).collect()
        };
        if self.emitter.schedule.cell == Cell::F32 {
            return b.for_loop((zero, keys, 1), &sums, |b, key, sums| {
                let row = self.row(b, self.scores, key);
                let powers = powers(b, &row);
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

    /// A row of scores after the last, for the pair that an odd number of keys leaves half empty. It weighs nothing.
    fn end_with_no_weight(&self, b: &mut Builder, keys: Value) {
        let min = f64::NEG_INFINITY * self.emitter.scale.signum();
        let min = b.splat(min, self.vector_type());
        let two = b.i64(2);
        let odd = b.rem(keys, two);
        let one = b.i64(1);
        let is_odd = b.compare(Comparison::Equal, odd, one);
        b.if_then(is_odd, |b| {
            for pointer in self.row(b, self.scores, keys) {
                b.store(min, pointer);
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
