//! What it takes to load an artifact whose weights have the size of ViT-B's in f32. Run with `cargo bench`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use ocellus_dialects::plan::WeightEntry;
use ocellus_runtime::{ArtifactWriter, Options, Session};
use std::error::Error;
use std::time::Instant;
use support::{WEIGHT, contents, plan};

const LAYERS: usize = 12;
const LAYER_BYTES: u64 = 28 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut plan = plan();
    let layers = (0..LAYERS).map(|layer| format!("layers.{layer}"));
    plan.weights.extend(layers.map(|name| WeightEntry { name, bytes: LAYER_BYTES }));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("artifact");

    let part = vec![7u8; 1 << 20];
    let start = Instant::now();
    let mut writer = ArtifactWriter::create(&path, contents(plan))?;
    writer.write_weight("weight", WEIGHT.map(f32::to_le_bytes))?;
    for layer in 0..LAYERS {
        writer
            .write_weight(&format!("layers.{layer}"), vec![&part; (LAYER_BYTES >> 20) as usize])?;
    }
    writer.finish()?;
    println!("write: {:7.1} ms", start.elapsed().as_secs_f64() * 1e3);
    for _ in 0..3 {
        let start = Instant::now();
        // SAFETY: the kernels are what their signatures say, and the file is ours.
        unsafe { Session::load(&path, Options::default()) }?;
        println!("load:  {:7.1} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}
