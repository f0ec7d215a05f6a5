//! [`Softmax`]: scores become weights relative to the greatest score so far (Milakov & Gimelshein, arXiv:1805.02867).
//!
//! The greatest is taken off before anything is scaled: both are then exact, whatever the size of the scores, but for one
//! rounding of the difference and one of its product. A weight is a power of two, its exponent of a magnitude below 127 where it
//! is not zero: what the product's rounding makes of the weight is less than 2^-24 of the greatest.

use super::split;
use super::state::{OfRows, State};
use crate::entry::all_lanes;
use crate::mlir::{Builder, Comparison, Type, Value};
use crate::nvidia::{Arithmetic, Sums, Thread};
use crate::{NvidiaTarget, WARP, vector};

/// How scores become weights.
pub(super) struct Softmax {
    /// What a score is multiplied by, for a power of two.
    scale: f64,
    thread: Thread,
    target: NvidiaTarget,
    /// How weights are multiplied.
    arithmetic: Arithmetic,
}

/// What becomes of the scores of a block.
pub(super) struct Weighed {
    /// The weights as fragments: of each 16 queries, for each product along the keys, of each part.
    pub(super) fragments: Vec<Vec<Vec<Vec<Value>>>>,
    /// The greatest scores so far.
    pub(super) greatest: OfRows,
    /// The sums of weights so far.
    pub(super) weights: OfRows,
    /// By what sums of weighted values shrink, where there are any from before.
    pub(super) decay: Option<OfRows>,
}

impl Softmax {
    pub(super) fn of(
        scale: f64,
        thread: Thread,
        (target, arithmetic): (NvidiaTarget, Arithmetic),
    ) -> Self {
        Softmax { scale: scale * std::f64::consts::LOG2_E, thread, target, arithmetic }
    }

    /// Keys that are not there weigh nothing: `there` of them are, `i32`.
    pub(super) fn mask_end(&self, b: &mut Builder, scores: &mut [Vec<Sums>], there: Value) {
        let (_, column) = self.thread.place_in_sums(b);
        let there = b.sub(there, column);
        for number in 0..scores.first().map_or(0, Vec::len) {
            for lane in 0..2 {
                let key = b.integer(8 * number as i64 + lane as i64, Type::I32);
                let is_there = b.compare(Comparison::Less, key, there);
                for row in scores.iter_mut() {
                    for half in 0..2 {
                        let score = &mut row[number][2 * half + lane];
                        *score = self.score_where(b, is_there, *score);
                    }
                }
            }
        }
    }

    /// The score where the condition holds, and else one that weighs nothing beside any other.
    pub(super) fn score_where(&self, b: &mut Builder, holds: Value, score: Value) -> Value {
        let none = b.splat(f64::NEG_INFINITY * self.scale.signum(), Type::F32);
        b.select(holds, score, none)
    }

    /// Scores become weights.
    pub(super) fn apply(
        &self,
        b: &mut Builder,
        scores: &[Vec<Sums>],
        before: Option<&State>,
    ) -> Weighed {
        let mut weighed = Weighed {
            fragments: vec![],
            greatest: vec![],
            weights: vec![],
            decay: before.map(|_| vec![]),
        };
        for (number, scores) in scores.iter().enumerate() {
            let halves = [0, 1].map(|half| {
                let of_row: Vec<Value> =
                    scores.iter().flat_map(|sums| [sums[2 * half], sums[2 * half + 1]]).collect();
                let before =
                    before.map(|state| (state.greatest[number][half], state.weights[number][half]));
                self.row(b, &of_row, before)
            });
            weighed.greatest.push(halves.each_ref().map(|half| half.greatest));
            weighed.weights.push(halves.each_ref().map(|half| half.sum));
            if let (Some(all), [Some(upper), Some(lower)]) =
                (&mut weighed.decay, halves.each_ref().map(|half| half.decay))
            {
                all.push([upper, lower]);
            }
            weighed
                .fragments
                .push(self.fragments(b, halves.each_ref().map(|half| &half.weights[..])));
        }
        weighed
    }

    /// The scores of a row that a lane has, and what is known of it from before: the greatest score, and the sum of weights.
    fn row(&self, b: &mut Builder, scores: &[Value], before: Option<(Value, Value)>) -> Row {
        let mut greatest = self.greatest(b, scores);
        for distance in [1, 2] {
            let other = from_lane(b, greatest, distance);
            greatest = self.greater(b, greatest, other);
        }
        // A number, so that scores that are infinite differ from it, and a row that has no others weighs nothing: its
        // answer is NaN.
        let so_far = match before {
            Some((greatest, _)) => greatest,
            None => b.splat(-f64::from(f32::MAX) * self.scale.signum(), Type::F32),
        };
        let greatest = self.greater(b, so_far, greatest);
        let weights: Vec<Value> =
            scores.iter().map(|score| self.weight(b, *score, greatest)).collect();
        let mut sum = sum_of(b, &weights);
        let decay = before.map(|(so_far, weights)| {
            let decay = self.weight(b, so_far, greatest);
            sum = b.fma(weights, decay, sum);
            decay
        });
        Row { greatest, weights, sum, decay }
    }

    /// Of two scores the one that is greater when it is scaled; where one is NaN, the other.
    fn greater(&self, b: &mut Builder, score: Value, other: Value) -> Value {
        let name = if self.scale < 0.0 { "llvm.minnum" } else { "llvm.maxnum" };
        b.intrinsic(name, &[score, other], Type::F32)
    }

    fn greatest(&self, b: &mut Builder, scores: &[Value]) -> Value {
        let mut left = scores.to_vec();
        while left.len() > 1 {
            left = left
                .chunks(2)
                .map(|pair| match *pair {
                    [score, other] => self.greater(b, score, other),
                    _ => pair[0],
                })
                .collect();
        }
        left[0]
    }

    /// `2^((score - greatest) * scale)`; relative error below 2^-22 of what f32 makes of the product. NaN stays NaN.
    fn weight(&self, b: &mut Builder, score: Value, greatest: Value) -> Value {
        let difference = b.sub(score, greatest);
        let scale = b.splat(self.scale, Type::F32);
        let exponent = b.mul(difference, scale);
        b.intrinsic("llvm.nvvm.ex2.approx.ftz", &[exponent], Type::F32)
    }

    /// The weights of a row and of the eighth behind it, as fragments of 16 keys each.
    fn fragments(&self, b: &mut Builder, [upper, lower]: [&[Value]; 2]) -> Vec<Vec<Vec<Value>>> {
        let quads = upper.chunks_exact(4).zip(lower.chunks_exact(4));
        quads
            .map(|(upper, lower)| {
                let pairs = [&upper[..2], &lower[..2], &upper[2..], &lower[2..]];
                let registers = pairs.map(|pair| self.parts(b, pair));
                let count = registers[0].len();
                (0..count).map(|part| registers.iter().map(|parts| parts[part]).collect()).collect()
            })
            .collect()
    }

    /// Two weights beside each other as tensor cores multiply them, part by part.
    fn parts(&self, b: &mut Builder, pair: &[Value]) -> Vec<Value> {
        let pair = b.vector(pair);
        let parts = match self.arithmetic {
            Arithmetic::Bf16 | Arithmetic::F16 => {
                vec![vector::narrow(b, self.target, self.arithmetic.element(), pair)]
            }
            Arithmetic::ThreeBf16 | Arithmetic::Tf32 => split::parts(b, self.target, pair).to_vec(),
        };
        parts.into_iter().map(|part| b.join_bits(part)).collect()
    }
}

/// What becomes of the scores of one row that a lane has.
struct Row {
    greatest: Value,
    weights: Vec<Value>,
    sum: Value,
    decay: Option<Value>,
}

/// The number that the lane has whose number differs in that bit.
pub(super) fn from_lane(b: &mut Builder, own: Value, distance: i64) -> Value {
    let all = all_lanes(b);
    let [distance, clamp] = [distance, WARP - 1].map(|number| b.integer(number, Type::I32));
    b.intrinsic("llvm.nvvm.shfl.sync.bfly.f32", &[all, own, distance, clamp], Type::F32)
}

fn sum_of(b: &mut Builder, numbers: &[Value]) -> Value {
    let mut left = numbers.to_vec();
    while left.len() > 1 {
        left = left
            .chunks(2)
            .map(|pair| match *pair {
                [one, other] => b.add(one, other),
                _ => pair[0],
            })
            .collect();
    }
    left[0]
}
