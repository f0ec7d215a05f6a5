//! `tests/filetests/{passes,extract}/*.mlir`: programs of a few lines, with what is done to them in the first as `ocellus opt`
//! takes it. Beside each stands what becomes of it. A pass has a file of its name at least.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::opt::{OptOptions, PASSES, Rewriting, opt};
use ocellus_dialects::AnyModule;
use ocellus_kernels::CpuTarget;
use ocellus_rewrite::{RuleSwitches, TargetDescription};
use std::collections::BTreeMap;

/// What `// opt --pass NAME`, `// opt --extract --at images=4` and the like ask for.
fn options(first: &str) -> OptOptions {
    let words: Vec<&str> = first.strip_prefix("// opt ").expect(first).split(' ').collect();
    let option = |name| words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
    let sizes = option("--at").into_iter().flat_map(|at| at.split(','));
    let size = |size: &str| {
        let (name, size) = size.split_once('=').unwrap();
        (name.to_string(), size.parse().unwrap())
    };
    let sizes: BTreeMap<String, i64> = sizes.map(size).collect();
    OptOptions {
        passes: option("--pass").into_iter().map(str::to_string).collect(),
        rewriting: words.contains(&"--extract").then_some(Rewriting::Extract(sizes)),
        rules: RuleSwitches::default(),
        target: TargetDescription::of(CpuTarget::X86_64_V4).unwrap(),
    }
}

/// The first line, and the program after what it says; its text reads back.
fn result(program: &str) -> String {
    let first = program.lines().next().unwrap();
    let text = match opt(program, &options(first)) {
        Ok(text) => {
            assert_eq!(AnyModule::parse(&text).unwrap().to_string(), text);
            text
        }
        Err(error) => format!("error: {error}\n"),
    };
    format!("{first}\n{text}")
}

#[test]
fn every_pass_does_what_it_says() {
    let folder = ocellus_filetests::folder("passes");
    for pass in PASSES {
        let path = folder.join(pass.name).with_extension("mlir");
        assert!(path.is_file(), "the pass `{}` has no {}", pass.name, path.display());
    }
    ocellus_filetests::run("passes", result);
}

#[test]
fn the_cheapest_kernels_are_chosen_at_a_size() {
    ocellus_filetests::run("extract", result);
}
