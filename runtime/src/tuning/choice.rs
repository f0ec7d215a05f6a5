//! From times to schedules.
//!
//! ```text
//!              at 1 image   at 8 images
//! 128 x 128        9.0 us       41.0 us
//! 64 x 64          6.1 us       44.2 us    0.68 * 1.08 < 1: taken, for all sizes of the program
//! ```

/// What a schedule must save to be taken instead of the compiler's: less is not told from noise.
const MIN_SAVING: f64 = 0.02;

/// The microseconds of each schedule of a launch at one size, the compiler's first. None is zero.
pub(crate) type LaunchTimes = Vec<f64>;

/// The schedule that is the fastest over all sizes, each of which counts alike: by the geometric mean of the times.
pub(crate) fn cheapest(sizes: &[LaunchTimes]) -> usize {
    let schedules = sizes.iter().map(Vec::len).min().unwrap_or(0);
    // The logarithm of the mean.
    let mean = |schedule: usize| {
        let times = sizes.iter().filter_map(|times| times.get(schedule));
        times.map(|time| time.ln()).sum::<f64>() / sizes.len() as f64
    };
    let best = (1..schedules).min_by(|a, b| mean(*a).total_cmp(&mean(*b)));
    best.filter(|best| mean(*best) < mean(0) + (1.0 - MIN_SAVING).ln()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_over_all_sizes_is_taken() {
        assert_eq!(cheapest(&[vec![9.0, 6.1, 7.0], vec![41.0, 44.2, 80.0]]), 1);
        assert_eq!(cheapest(&[vec![9.0, 6.1], vec![41.0, 80.0]]), 0);
    }

    #[test]
    fn what_saves_little_is_noise() {
        assert_eq!(cheapest(&[vec![100.0, 99.0]]), 0);
        assert_eq!(cheapest(&[vec![100.0, 97.0]]), 1);
    }

    #[test]
    fn nothing_measured_is_the_compilers_choice() {
        assert_eq!(cheapest(&[]), 0);
        assert_eq!(cheapest(&[vec![]]), 0);
        assert_eq!(cheapest(&[vec![3.0]]), 0);
    }
}
