//! The program of each family, as people read it: the block that is repeated, and what stands around it.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_dialects::symbolic::SymbolRange;
use ocellus_dialects::venc::Module;
use ocellus_frontend::hugging_face::{Options, load_with};
use std::path::Path;

/// The program of a golden checkpoint for images of many sizes.
fn program(case: &str) -> Module {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens").join(case);
    let ranges = [("images", 1, 8), ("height", 16, 64), ("width", 16, 64)];
    let ranges = ranges.map(|(name, min, max)| (name.to_string(), SymbolRange::new(min, max)));
    let options = Options { ranges: ranges.into(), ..Options::default() };
    load_with(model.join("model"), &options).unwrap().module
}

/// The repeated block alone.
fn block(case: &str) -> String {
    let mut module = program(case);
    module.functions.retain(|function| function.name == "layer");
    module.entry = "layer".to_string();
    module.to_string()
}

#[test]
fn blocks() {
    insta::assert_snapshot!("vit_block", block("vit-base"));
    insta::assert_snapshot!("deit_block", block("deit-distilled"));
    insta::assert_snapshot!("clip_block", block("clip-published-names"));
    insta::assert_snapshot!("siglip_block", block("siglip-published-names"));
    insta::assert_snapshot!("dinov2_block", block("dinov2-base"));
    insta::assert_snapshot!("dinov2_swiglu_block", block("dinov2-swiglu"));
}

/// Everything but the block and the declarations of its weights.
fn around_the_block(case: &str) -> String {
    let mut module = program(case);
    module.functions.retain(|function| function.name == "main");
    let text = module.to_string();
    let of_a_layer = |line: &str| line.contains("venc.weight") && line.contains("encoder.layer");
    text.lines().filter(|line| !of_a_layer(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_stands_around_the_blocks() {
    insta::assert_snapshot!("vit", around_the_block("vit-base"));
    insta::assert_snapshot!("deit", around_the_block("deit-distilled"));
    insta::assert_snapshot!("clip", around_the_block("clip-published-names"));
    insta::assert_snapshot!("siglip", around_the_block("siglip-published-names"));
    insta::assert_snapshot!("dinov2_with_registers", around_the_block("dinov2-registers-base"));
}
