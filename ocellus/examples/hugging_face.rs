//! A Hugging Face checkpoint: the features of image files.
//!
//! `cargo run --release --example hugging_face -- path/to/checkpoint a.jpg b.jpg`

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use ocellus::{Compiler, Preprocessor, Target, hf};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let checkpoint = arguments.next().ok_or("give the folder of a checkpoint, then image files")?;
    let images: Vec<PathBuf> = arguments.collect();

    let model = hf::load(&checkpoint)?;
    let encoder =
        Compiler::new(Target::host()?).tag("vision").range("images", 1..=32).compile(&model)?;
    let pixels = Preprocessor::load(&checkpoint)?.run(&images)?;
    for (name, tensor) in encoder.run(&[("pixel_values", &pixels)])? {
        println!("{name}: {:?}, beginning {:?}", tensor.shape, tensor.data.get(..4));
    }
    Ok(())
}
