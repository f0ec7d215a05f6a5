//! What each family becomes, stage by stage, as people read it: the kernels that were chosen for a block and for what
//! stands around it, and the host program. `family_programs.rs` has the stage before.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::{Compiler, Program, Target};
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_frontend::hugging_face::{Options, load_with};
use std::path::Path;

/// A golden checkpoint, lowered for images of many sizes and for a CPU that is the same on every machine: one program for
/// all of them, so that a person can read it.
fn lowered(case: &str) -> Program {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens").join(case);
    let ranges = [("images", 1, 8), ("height", 16, 64), ("width", 16, 64)];
    let ranges = ranges.map(|(name, min, max)| (name.to_string(), SymbolRange::new(min, max)));
    let options = Options { ranges: ranges.into(), ..Options::default() };
    let model = load_with(model.join("model"), &options).unwrap();
    let compiler = Compiler::new(Target::from_name("cpu:x86-64-v4").unwrap()).disable("cut-range");
    compiler.stages(&model).unwrap()
}

fn kernels(program: &Program) -> String {
    let functions = program.pieces.iter().flat_map(|piece| &piece.module.functions);
    functions.map(|function| function.to_string()).collect::<Vec<_>>().join("\n")
}

const FAMILIES: [(&str, &str); 7] = [
    ("vit", "vit-base"),
    ("deit", "deit-distilled"),
    ("clip", "clip-published-names"),
    ("siglip", "siglip-published-names"),
    ("dinov2", "dinov2-base"),
    ("dinov2_swiglu", "dinov2-swiglu"),
    ("dinov2_with_registers", "dinov2-registers-base"),
];

#[test]
fn chosen_kernels() {
    for (family, case) in FAMILIES {
        insta::assert_snapshot!(format!("{family}_kernels"), kernels(&lowered(case)));
    }
}

#[test]
fn host_programs() {
    for (family, case) in FAMILIES {
        insta::assert_snapshot!(format!("{family}_plan"), lowered(case).host.plan.to_mlir());
    }
}

/// One program for the whole range: a block is five kernels at most, whose code all layers share.
#[test]
fn a_block_is_five_kernels_at_most_and_all_blocks_share_their_code() {
    let program = lowered("vit-base");
    let block = program.pieces[0].module.function("layer").unwrap();
    assert!(block.steps.len() <= 5, "{block}");
    let plan = &program.host.plan;
    let layers = 2;
    let around = plan.programs[0].launches.len() - layers * block.steps.len();
    assert!(plan.kernels.len() <= block.steps.len() + around, "{:?}", plan.kernels);
}
