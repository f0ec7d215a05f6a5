//! Takes the time from image files to `pixel_values`, in one process: what `benches/peers/preprocessing.py` compares.
//!
//! ```text
//! preprocess FOLDER THREADS RUNS OUTPUT FILE...
//! ```
//!
//! FOLDER has a processor's config, and OUTPUT gets `pixel_values` of all files. What is printed is the median of RUNS
//! runs after two more, in milliseconds.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use ocellus_preprocess::Preprocessor;
use ocellus_runtime::write_tensors;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || {
        let missing = "give FOLDER THREADS RUNS OUTPUT FILE...";
        arguments.next().ok_or(missing)?.into_string().map_err(|_| "an argument is no UTF-8")
    };
    let preprocessor = Preprocessor::load(Path::new(&next()?))?;
    let threads: NonZeroUsize = next()?.parse()?;
    let runs: usize = next()?.parse()?;
    let output = PathBuf::from(next()?);
    let files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();

    let mut times = Vec::new();
    let mut pixels = preprocessor.run_on(&files, threads)?;
    for run in 0..=runs {
        let start = Instant::now();
        pixels = preprocessor.run_on(&files, threads)?;
        if run > 0 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    println!("{:.3}", times.get(times.len() / 2).ok_or("RUNS must be above zero")?);
    write_tensors(&output, &[("pixel_values".to_string(), pixels)])?;
    Ok(())
}
