//! Every golden checkpoint's program as MLIR text, in all three dialects: it reads back, and MLIR takes it.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::passes;
use ocellus_dialects::plan::Plan;
use ocellus_dialects::{kernel, venc};
use ocellus_frontend::hugging_face;
use ocellus_kernels::CpuTarget;
use ocellus_mlir::Context;
use ocellus_rewrite::{self as rewrite, PieceProgram};
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
fn every_stage_reads_back_and_mlir_takes_it() {
    let context = Context::new().unwrap();
    let target = CpuTarget::X86_64_V3;
    let rates = rewrite::TargetDescription::of(target).unwrap();
    for case in cases() {
        let module = hugging_face::load(&case).unwrap().module;
        let specialized = rewrite::specialize(&module);
        let switches = rewrite::RuleSwitches::default();
        let options = rewrite::PieceOptions::default();
        let chosen = rewrite::choose_pieces(&specialized, &rates, &switches, options).unwrap();
        let pieces: Vec<PieceProgram> = chosen.into_iter().map(|(piece, _)| piece).collect();
        let host = passes::plan(&module, &pieces, target).unwrap();
        for PieceProgram { module, .. } in &pieces {
            assert_eq!(kernel::Module::parse(&module.to_string()).as_ref(), Ok(module));
        }
        assert_eq!(Plan::parse(&host.plan.to_string()).as_ref(), Ok(&host.plan));
        let kernels = pieces.iter().map(|piece| piece.module.to_string());
        for text in kernels.chain([module.to_string(), host.plan.to_string()]) {
            let verdict = context.check(&text);
            assert_eq!(verdict, Ok(()), "{}\n{text}", case.display());
        }
    }
}
