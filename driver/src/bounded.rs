//! Numbers of the command line that have a least and a greatest.

use ocellus::runtime::MAX_THREADS;
use std::num::NonZeroUsize;

/// More runs than anybody waits for; the time of each is kept.
const MAX_RUNS: usize = 1_000_000;

/// More schedules of a launch than differ by much.
const MAX_SCHEDULES: usize = 16;

/// The value of `--threads`.
pub fn threads(text: &str) -> Result<NonZeroUsize, String> {
    number(text, MAX_THREADS)
}

/// The value of `--runs`.
pub fn runs(text: &str) -> Result<NonZeroUsize, String> {
    number(text, MAX_RUNS)
}

/// The value of `--schedules`.
pub fn schedules(text: &str) -> Result<NonZeroUsize, String> {
    number(text, MAX_SCHEDULES)
}

fn number(text: &str, max: usize) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= max);
    number.ok_or_else(|| format!("give a number in 1..={max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_lies_between_its_bounds() {
        assert_eq!(threads("8").map(NonZeroUsize::get), Ok(8));
        assert_eq!(threads("1024").map(NonZeroUsize::get), Ok(1024));
        for text in ["0", "1025", "-1", "two", "", "99999999999999999999999"] {
            assert_eq!(threads(text), Err("give a number in 1..=1024".to_string()));
        }
        assert!(runs("1000000").is_ok() && runs("1000001").is_err());
    }
}
