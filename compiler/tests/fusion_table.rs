//! What fusion does to the block of each encoder: launches and bytes before and after, and what the choice takes.
//!
//! `cargo test --release -p ocellus-compiler --test fusion_table -- --nocapture` prints the times as well.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::{Compiler, Program, Target};
use ocellus_frontend::{Model, hugging_face, init};
use ocellus_kernels::CpuTarget;
use ocellus_rewrite::FunctionReport;
use std::fmt::Write;
use std::path::Path;

const GOLDENS: &[&str] = &[
    "vit-base",
    "deit-distilled",
    "clip-full",
    "siglip-full",
    "dinov2-base",
    "dinov2-registers-swiglu",
];

const PUBLISHED: &[&str] = &["vit-base-patch16-224", "siglip-so400m-patch14-384", "dinov2-giant"];

/// The rules without which every operation is a launch.
const UNFUSED: &[&str] = &["exploration", "recognition", "fusion"];

fn golden(name: &str) -> Model {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens");
    hugging_face::load(goldens.join(name).join("model")).unwrap()
}

/// The program for one image, of 224 x 224 pixels where the size is free.
fn program(model: &Model, disabled: &[&str]) -> Program {
    let mut compiler = Compiler::new(Target::Cpu(CpuTarget::X86_64_V4));
    for (symbol, range) in model.module.symbols.free() {
        let size = if symbol.name() == "images" { 1 } else { range.max.min(224) };
        compiler = compiler.range(symbol.name(), size..=size);
    }
    disabled.iter().fold(compiler, |compiler, rule| compiler.disable(rule)).stages(model).unwrap()
}

fn block(program: &Program) -> &FunctionReport {
    let functions = &program.reports[0].functions;
    functions.iter().find(|function| function.name.starts_with("layer")).unwrap()
}

fn bytes(function: &FunctionReport) -> f64 {
    function.kernels.iter().map(|kernel| kernel.prediction.bytes).sum()
}

#[test]
fn blocks_before_and_after() {
    let mut table = format!(
        "{:<28} {:>8} {:>6} {:>12} {:>12} {:>6}\n",
        "a block, one image", "launches", "fused", "bytes", "fused", "share"
    );
    let goldens = GOLDENS.iter().map(|name| (name, golden(name)));
    let published = PUBLISHED.iter().map(|name| (name, init::random_model(name).unwrap()));
    for (name, model) in goldens.chain(published) {
        let (plain, fused) = (program(&model, UNFUSED), program(&model, &[]));
        let (before, after) = (block(&plain), block(&fused));
        let (saturation, extraction) = (&after.saturation, &after.extraction);
        println!(
            "{:<28} {} nodes, saturated in {:.1} ms, extracted in {:.1} ms, {} states",
            name,
            saturation.nodes,
            saturation.time.as_secs_f64() * 1e3,
            extraction.time.as_secs_f64() * 1e3,
            extraction.states
        );
        assert!(saturation.is_complete() && extraction.proven_optimal, "{name}");
        assert!((saturation.time + extraction.time).as_secs_f64() < 1.0, "{name}");
        // Where blocks are small, the MLP is one.
        assert!((4..=5).contains(&after.kernels.len()), "{name}");
        let _ = writeln!(
            table,
            "{:<28} {:>8} {:>6} {:>12} {:>12} {:>5.0}%",
            name,
            before.kernels.len(),
            after.kernels.len(),
            bytes(before),
            bytes(after),
            100.0 * bytes(after) / bytes(before)
        );
    }
    insta::assert_snapshot!(table);
}
