//! [`Weights`]: what each source pixel along one side counts in each pixel of the target.

use super::filter::Filter;
use std::ops::Range;

/// The bits behind the point in a weight. Eight are needed for a level, and two more because sums of weights, some of
/// them negative, leave the range from zero to one.
pub const FRACTION_BITS: u32 = 32 - 8 - 2;

/// The weights along one side, for some of the target's pixels.
pub struct Weights {
    spans: Vec<Span>,
    values: Vec<i32>,
}

/// The source pixels that count in one target pixel.
struct Span {
    first: usize,
    /// Where their weights lie.
    values: Range<usize>,
}

impl Weights {
    /// The weights of the target's pixels that are wanted, when `source` pixels become `target`.
    ///
    /// As in Pillow, they are computed in f64 and rounded to [`FRACTION_BITS`]. `None` where there would be more of
    /// them than Pillow takes.
    pub fn new(filter: &Filter, source: usize, target: u32, wanted: Range<u32>) -> Option<Weights> {
        // Pillow passes the side as an f32, which matters beyond 2^24 pixels.
        let scale = f64::from(source as f32) / f64::from(target);
        let filter_scale = scale.max(1.0);
        let support = filter.support * filter_scale;
        let inverse_scale = 1.0 / filter_scale;
        if wanted.len() as f64 * (2.0 * support.ceil() + 1.0) > MAX_WEIGHTS {
            return None;
        }

        let mut weights = Weights { spans: Vec::with_capacity(wanted.len()), values: Vec::new() };
        let mut exact = Vec::new();
        for index in wanted {
            let center = (f64::from(index) + 0.5) * scale;
            let first = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(source);
            exact.clear();
            exact.extend(
                (first..end).map(|x| (filter.at)((x as f64 - center + 0.5) * inverse_scale)),
            );
            weights.push(first, &exact);
        }
        Some(weights)
    }

    /// Adds the weights of one target pixel.
    fn push(&mut self, first: usize, exact: &[f64]) {
        let sum: f64 = exact.iter().sum();
        let divisor = if sum == 0.0 { 1.0 } else { sum };
        let rounded = exact.iter().map(|weight| round(weight / divisor));
        // Most filters end in zeros, which count for nothing.
        let before = rounded.clone().take_while(|weight| *weight == 0).count();
        let after = rounded.clone().rev().take_while(|weight| *weight == 0).count();
        let start = self.values.len();
        self.values.extend(rounded.take(exact.len() - after).skip(before));
        self.spans.push(Span { first: first + before, values: start..self.values.len() });
    }

    /// The number of target pixels.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// By target pixel, the first source pixel that counts, and the weights from there on.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &[i32])> {
        self.spans.iter().map(|span| (span.first, &self.values[span.values.clone()]))
    }

    /// The source pixels that count at all.
    pub fn source(&self) -> Range<usize> {
        let first = self.iter().map(|(first, _)| first).min().unwrap_or(0);
        let end = self.iter().map(|(first, values)| first + values.len()).max().unwrap_or(0);
        first..end.max(first)
    }

    /// The same weights for a source that begins at that pixel.
    pub fn starting_at(mut self, pixel: usize) -> Self {
        self.spans.iter_mut().for_each(|span| span.first -= pixel);
        self
    }
}

/// How many weights Pillow takes: its table of f64 is as large as its C compiler's `int`.
const MAX_WEIGHTS: f64 = (i32::MAX / 8) as f64;

/// Half goes away from zero.
fn round(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << FRACTION_BITS);
    (scaled + 0.5f64.copysign(scaled)) as i32
}
