//! The pass along the width with AVX2.
//!
//! `vpmaddwd` multiplies words of 16 bits and adds neighbors, but a weight has some 24 bits. So a weight is a high and a
//! low part, each of which fits: `weight = high * 2^15 + low`. Sums of both are gathered apart and joined at the end.
//! All is modulo 2^32, and the whole sum fits, so that it comes out exact.
//!
//! One step takes four pixels of a row to four weights:
//!
//! ```text
//! 16 bytes   r0 g0 b0 r1 g1 b1 r2 g2 b2 r3 g3 b3 ....
//! shuffled   r0 r1  g0 g1  b0 b1  -- --  | r2 r3  g2 g3  b2 b3  -- --      words
//! weights    w0 w1  w0 w1  w0 w1  w0 w1  | w2 w3  w2 w3  w2 w3  w2 w3      words, high parts or low
//! sums       r      g      b      -      | r      g      b      -          double words
//! ```
//!
//! Four rows go together, so that a step's weights are brought into place once for all.

use super::levels::{CHANNELS, Levels, View};
use super::sum::HALF;
use super::weights::{FRACTION_BITS, Weights};
use std::arch::x86_64::*;
use std::ops::Range;

/// The bits of the low part.
const LOW_BITS: i32 = 15;

/// Rows that go together.
const ROWS: usize = 4;

/// Pixels of a step.
const PIXELS: usize = 4;

/// The bytes that a step loads of a row: more than its pixels have.
const LOADED: usize = 16;

/// Weights as steps take them.
struct Steps {
    /// By target pixel, the byte where its first step's pixels begin, and its steps.
    spans: Vec<(usize, Range<usize>)>,
    /// The high parts of the weights of a step, then the low ones. What a last step has too many are zeros.
    parts: Vec<[i16; 2 * PIXELS]>,
    /// How far behind a row's first byte the loads of any step reach, in bytes.
    reach: usize,
}

impl Steps {
    fn new(weights: &Weights) -> Self {
        let spans = Vec::with_capacity(weights.len());
        let mut steps = Steps { spans, parts: Vec::new(), reach: 0 };
        for (first, values) in weights.iter() {
            let (at, start) = (first * CHANNELS, steps.parts.len());
            steps.parts.extend(values.chunks(PIXELS).map(Self::parts));
            let span = start..steps.parts.len();
            if let Some(last) = span.len().checked_sub(1) {
                steps.reach = steps.reach.max(at + last * PIXELS * CHANNELS + LOADED);
            }
            steps.spans.push((at, span));
        }
        steps
    }

    fn parts(weights: &[i32]) -> [i16; 2 * PIXELS] {
        let mut parts = [0; 2 * PIXELS];
        for (index, weight) in weights.iter().enumerate() {
            let low = (weight << (32 - LOW_BITS)) >> (32 - LOW_BITS);
            parts[index] = ((weight - low) >> LOW_BITS) as i16;
            parts[PIXELS + index] = low as i16;
        }
        parts
    }
}

/// The source with the width of the weights' target.
#[target_feature(enable = "avx2")]
pub fn resample(source: View<'_>, weights: &Weights) -> Levels {
    let steps = Steps::new(weights);
    let reach = steps.reach;
    let mut target = Levels::new(weights.len(), source.height);
    let target_row = (CHANNELS * target.width).max(1);
    let mut copies = vec![0; ROWS * reach];
    for (group, targets) in target.bytes.chunks_mut(ROWS * target_row).enumerate() {
        let rows = group * ROWS..group * ROWS + targets.len() / target_row;
        if rows.len() == ROWS && source.rows_from(rows.end - 1).len() >= reach {
            let sources = std::array::from_fn(|row| source.rows_from(rows.start + row));
            four_rows(sources, &steps, targets);
            continue;
        }
        // Loads would reach behind the image, or there are fewer than four rows: take copies with room behind them.
        for (copy, row) in copies.chunks_exact_mut(reach.max(1)).zip(rows) {
            let row = source.row(row);
            let length = row.len().min(reach);
            copy[..length].copy_from_slice(&row[..length]);
        }
        let mut four = vec![0; ROWS * target_row];
        let sources = std::array::from_fn(|row| &copies[row * reach..(row + 1) * reach]);
        four_rows(sources, &steps, &mut four);
        targets.copy_from_slice(&four[..targets.len()]);
    }
    target
}

/// Four rows, each of which has as many bytes as the steps reach, to four rows that lie one behind the other.
#[target_feature(enable = "avx2")]
fn four_rows(sources: [&[u8]; ROWS], steps: &Steps, targets: &mut [u8]) {
    assert!(sources.iter().all(|source| source.len() >= steps.reach));
    let channels = _mm256_setr_epi8(
        0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
        6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
    );
    let (high_parts, low_parts) = (pairs(0), pairs(8));

    let target_row = targets.len() / ROWS;
    for (index, (first, span)) in steps.spans.iter().enumerate() {
        let mut high = [_mm256_setzero_si256(); ROWS];
        let mut low = [_mm256_setzero_si256(); ROWS];
        let mut at = *first;
        for parts in &steps.parts[span.clone()] {
            let parts = _mm256_broadcastsi128_si256(bytemuck::cast(*parts));
            let high_weights = _mm256_shuffle_epi8(parts, high_parts);
            let low_weights = _mm256_shuffle_epi8(parts, low_parts);
            for row in 0..ROWS {
                // SAFETY: no step loads beyond `reach`, and each row has as many bytes.
                let bytes = unsafe { _mm_loadu_si128(sources[row].as_ptr().add(at).cast()) };
                let levels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), channels);
                high[row] = _mm256_add_epi32(high[row], _mm256_madd_epi16(levels, high_weights));
                low[row] = _mm256_add_epi32(low[row], _mm256_madd_epi16(levels, low_weights));
            }
            at += PIXELS * CHANNELS;
        }
        for row in 0..ROWS {
            let pixel = pixel(high[row], low[row]);
            let at = row * target_row + index * CHANNELS;
            targets[at..at + CHANNELS].copy_from_slice(&pixel[..CHANNELS]);
        }
    }
}

/// The shuffle that brings a step's high parts (from byte 0 on) or low parts (from byte 8 on) beside their levels.
#[target_feature(enable = "avx2")]
fn pairs(from: i32) -> __m256i {
    let pair = |byte: i32| byte * 0x0101_0101 + 0x0302_0100;
    let (first, second) = (pair(from), pair(from + 4));
    _mm256_setr_epi32(first, first, first, first, second, second, second, second)
}

/// The levels of a pixel from its sums, and a byte more.
#[target_feature(enable = "avx2")]
fn pixel(high: __m256i, low: __m256i) -> [u8; 4] {
    let sums = _mm256_add_epi32(_mm256_slli_epi32::<LOW_BITS>(high), low);
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let levels =
        _mm_srai_epi32::<{ FRACTION_BITS as i32 }>(_mm_add_epi32(sums, _mm_set1_epi32(HALF)));
    // Both ways of packing cut off at the ends of their range, the second at 0 and 255.
    let levels = _mm_packs_epi32(levels, levels);
    _mm_cvtsi128_si32(_mm_packus_epi16(levels, levels)).to_le_bytes()
}
