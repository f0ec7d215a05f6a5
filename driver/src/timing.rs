//! [`Timing`]: how long something takes, over several runs.

use std::time::{Duration, Instant};

/// The times of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Half of the runs were as fast.
    pub median: Duration,
    /// The fastest run.
    pub min: Duration,
    /// The slowest run.
    pub max: Duration,
}

impl Timing {
    /// Runs `work` once to warm up, then `runs` times (at least once).
    pub fn measure<E>(runs: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<Timing, E> {
        work()?;
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs.max(1) {
            let start = Instant::now();
            work()?;
            times.push(start.elapsed());
        }
        Ok(Timing::of(times))
    }

    /// Runs `work` one time, cold.
    pub fn once<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Timing, E> {
        let start = Instant::now();
        work()?;
        Ok(Timing::of(vec![start.elapsed()]))
    }

    fn of(mut times: Vec<Duration>) -> Timing {
        times.sort();
        let at = |position: usize| times.get(position).copied().unwrap_or_default();
        let last = times.len().saturating_sub(1);
        // Of an even number of runs, the median lies between the two in the middle.
        let median = (at(last / 2) + at(times.len() / 2)) / 2;
        Timing { median, min: at(0), max: at(last) }
    }
}

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        let timing =
            |times: &[u64]| Timing::of(times.iter().map(|t| Duration::from_millis(*t)).collect());
        let ms = Duration::from_millis;
        assert_eq!(timing(&[3, 1, 9]), Timing { median: ms(3), min: ms(1), max: ms(9) });
        assert_eq!(timing(&[4, 1, 2, 9]).median, ms(3));
        assert_eq!(timing(&[7]), Timing { median: ms(7), min: ms(7), max: ms(7) });
    }

    #[test]
    fn warms_up_once_and_stops_at_an_error() {
        let mut calls = 0;
        Timing::measure::<()>(3, || {
            calls += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(calls, 4);
        assert_eq!(Timing::measure(3, || Err("no")), Err("no"));
    }
}
