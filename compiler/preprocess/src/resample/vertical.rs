//! The pass along the height: each row of the target is a sum of whole rows.

use super::levels::{CHANNELS, Levels, View};
use super::sum::{self, HALF, level};
use super::weights::Weights;

/// How many levels are summed at a time: their sums stay in registers while the rows go by.
const CHUNK: usize = 64;

/// The source with the height of the weights' target.
pub fn resample(source: View<'_>, weights: &Weights) -> Levels {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2(source: View<'_>, weights: &Weights) -> Levels {
            plain(source, weights)
        }
        // SAFETY: the processor has AVX2.
        return unsafe { with_avx2(source, weights) };
    }
    plain(source, weights)
}

/// The pass. It is inlined, so that the compiler makes vector code of it for the features of whoever calls.
#[inline(always)]
pub fn plain(source: View<'_>, weights: &Weights) -> Levels {
    let mut target = Levels::new(source.width, weights.len());
    let length = source.width * CHANNELS;
    for (row, (first, values)) in target.rows_mut().zip(weights.iter()) {
        if length < CHUNK {
            for (at, target) in row.iter_mut().enumerate() {
                let levels = (first..).map(|row| i32::from(source.row(row)[at]));
                *target = level(sum::of(levels, values));
            }
            continue;
        }
        for at in (0..length).step_by(CHUNK) {
            // The last chunk covers some levels for the second time rather than reach behind the row.
            let at = at.min(length - CHUNK);
            let mut sums = [HALF; CHUNK];
            for (index, weight) in values.iter().enumerate() {
                let levels = &source.row(first + index)[at..at + CHUNK];
                for (sum, level) in sums.iter_mut().zip(levels) {
                    *sum = sum.wrapping_add(i32::from(*level) * weight);
                }
            }
            for (target, sum) in row[at..at + CHUNK].iter_mut().zip(sums) {
                *target = level(sum);
            }
        }
    }
    target
}
