//! [`Split`]: f32 become the sums of two bf16 (see [`Arithmetic::ThreeBf16`](crate::nvidia::Arithmetic)), once a block and not in
//! each warp: when their copies have come, from the stage that they were copied to, and rotated on the way where that is asked for.

use super::Schedule;
use super::halves::{HalfPieces, RUN};
use super::rotation::Rotation;
use super::schedule::SEGMENT;
use crate::mlir::{Builder, Comparison, Type, Value};
use crate::nvidia::Thread;
use crate::{NvidiaTarget, vector};
use ocellus_dialects::ElementType;

/// Bytes of a part.
const PART: i64 = 2;

/// How threads share what is split.
pub(super) struct Split {
    target: NvidiaTarget,
    schedule: Schedule,
    thread: Thread,
    pieces: HalfPieces,
}

/// Rows that are split.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    /// How many there are.
    pub(super) count: i64,
    /// How they are rotated, the first of them as that token.
    pub(super) rotation: Option<(&'a Rotation, Value)>,
    /// How many of them are those of tokens, `i32`: the others are zeros.
    pub(super) there: Value,
}

impl Split {
    pub(super) fn of(target: NvidiaTarget, schedule: &Schedule, thread: Thread) -> Self {
        let pieces = HalfPieces::of(schedule, thread);
        Split { target, schedule: *schedule, thread, pieces }
    }

    /// Splits rows, from where they were copied to where the upper parts go, and the lower ones so many bytes behind them.
    pub(super) fn rows(
        &self,
        b: &mut Builder,
        rows: &Rows<'_>,
        (from, to, behind): (Value, Value, i64),
    ) {
        let f32_bytes = ElementType::F32.bytes();
        let all = b.integer(rows.count, Type::I32);
        self.pieces.each(b, (rows.count, all), |b, piece| {
            let places = piece.places(b, self.schedule.copied_rows(), (from, f32_bytes));
            let mut halves =
                places.map(|place| b.load_aligned(place, Type::f32s(RUN as u32), RUN * f32_bytes));
            if let Some((rotation, token)) = rows.rotation {
                let is_there = b.compare(Comparison::Less, piece.row, rows.there);
                let turned = b.if_else(
                    is_there,
                    |b| rotation.turned(b, piece, token, halves).to_vec(),
                    |_| halves.to_vec(),
                );
                halves = std::array::from_fn(|half| turned[half]);
            }
            let places = piece.places(b, self.schedule.rows(), (to, PART));
            for (half, place) in halves.into_iter().zip(places) {
                let [upper, lower] = parts(b, self.target, half);
                b.store_aligned(upper, place, RUN * PART);
                let place = b.offset_constant(place, behind);
                b.store_aligned(lower, place, RUN * PART);
            }
        });
    }

    /// Moves the segments of keys from where they were copied, for the next block's to be copied there.
    pub(super) fn segments(&self, b: &mut Builder, (from, to): (Value, Value)) {
        for pass in 0..self.schedule.segment_passes() {
            let key = b.add_constant(self.thread.number, pass * self.schedule.threads());
            let bytes = b.mul_constant(key, SEGMENT);
            let (from, to) = (b.offset(from, bytes), b.offset(to, bytes));
            let segment = b.load(from, Type::I32);
            b.store(segment, to);
        }
    }
}

/// f32 as the sums of two bf16, as these are stored.
pub(super) fn parts(b: &mut Builder, target: NvidiaTarget, numbers: Value) -> [Value; 2] {
    let upper = vector::narrow(b, target, ElementType::BF16, numbers);
    let wide = vector::widen(b, ElementType::BF16, upper);
    let rest = b.sub(numbers, wide);
    [upper, vector::narrow(b, target, ElementType::BF16, rest)]
}
