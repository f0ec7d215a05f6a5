//! Every golden checkpoint's program as MLIR text: `venc` reads back, and MLIR takes all three dialects.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::passes;
use ocellus_dialects::venc;
use ocellus_frontend::hugging_face;
use ocellus_kernels::CpuTarget;
use ocellus_mlir::Context;
use ocellus_rewrite as rewrite;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens");
    let cases: Vec<PathBuf> = std::fs::read_dir(goldens)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("model"))
        .filter(|path| path.join("config.json").is_file())
        .collect();
    assert!(cases.len() >= 40, "the goldens are not there");
    cases
}

#[test]
fn every_program_reads_back() {
    for case in cases() {
        let module = hugging_face::load(&case).unwrap().module;
        let read = venc::Module::parse(&module.to_string()).unwrap();
        assert_eq!(read, module, "{}", case.display());
    }
}

#[test]
fn mlir_takes_every_program_before_and_after_it_is_chosen_and_every_plan() {
    let context = Context::new().unwrap();
    let target = CpuTarget::X86_64_V3;
    let rates = rewrite::TargetDescription::of_cpu(&target).unwrap();
    for case in cases() {
        let module = hugging_face::load(&case).unwrap().module;
        let specialized = rewrite::specialize(&module);
        let switches = rewrite::RuleSwitches::default();
        let options = rewrite::PieceOptions::default();
        let chosen = rewrite::choose_pieces(&specialized, &rates, &switches, options).unwrap();
        let pieces: Vec<rewrite::PieceProgram> =
            chosen.into_iter().map(|(piece, _)| piece).collect();
        let host = passes::plan(&module, &pieces, &target).unwrap();
        let kernels = pieces.iter().map(|piece| piece.module.to_mlir());
        for text in kernels.chain([module.to_string(), host.plan.to_mlir()]) {
            let verdict = context.check(&text);
            assert_eq!(verdict, Ok(()), "{}\n{text}", case.display());
        }
    }
}
