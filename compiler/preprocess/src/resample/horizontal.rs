//! The pass along the width: each pixel of the target is a sum of pixels of its row.

use super::levels::{CHANNELS, Levels, View};
use super::sum;
use super::weights::Weights;

/// The source with the width of the weights' target.
pub fn resample(source: View<'_>, weights: &Weights) -> Levels {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { super::horizontal_avx2::resample(source, weights) };
    }
    plain(source, weights)
}

/// The pass in plain code, for processors that have no better.
pub fn plain(source: View<'_>, weights: &Weights) -> Levels {
    let mut target = Levels::new(weights.len(), source.height);
    for (index, row) in target.rows_mut().enumerate() {
        let source = source.row(index);
        for (pixel, (first, values)) in row.chunks_exact_mut(CHANNELS).zip(weights.iter()) {
            for (channel, target) in pixel.iter_mut().enumerate() {
                let levels = source[CHANNELS * first..].iter().skip(channel).step_by(CHANNELS);
                *target = sum::level(sum::of(levels.map(|level| i32::from(*level)), values));
            }
        }
    }
    target
}
