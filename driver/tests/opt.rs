//! `ocellus opt` on programs of a few lines, and what it says of others.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use support::{Outcome, goldens, ocellus, workspace_root};

/// Runs `ocellus opt` on a file test.
fn opt(file: &str, arguments: &[&str]) -> Outcome {
    let file = workspace_root().join("tests/filetests").join(file);
    let target = ["--target", "cpu:x86-64-v4"];
    ocellus([&["opt", file.to_str().unwrap()], &target[..], arguments].concat())
}

/// Gives `ocellus opt -` a text.
fn opt_of(text: &[u8], arguments: &[&str]) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ocellus"))
        .args(["opt", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

const SCALE: &str = r#"
    func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
      %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
      func.return %0 : tensor<2x8xf32>
    }"#;

#[test]
fn a_program_is_read_from_a_file_or_from_standard_input_and_printed() {
    let printed = opt_of(SCALE.as_bytes(), &[]).success().stdout;
    assert!(printed.contains("\"venc.scale\"(%x) {factor = 0.5 : f64}"), "{printed}");
    assert_eq!(opt_of(printed.as_bytes(), &[]).success().stdout, printed);
    let block = opt("kernel/block.mlir", &[]).success().stdout;
    assert_eq!(opt_of(block.as_bytes(), &[]).success().stdout, block);
    let plan = opt("plan/gemm_and_copy.mlir", &[]).success().stdout;
    assert_eq!(opt_of(plan.as_bytes(), &[]).success().stdout, plan);
}

#[test]
fn a_rule_a_saturation_and_an_extraction_are_done() {
    let rewritten = opt("rules/scale-of-scale.mlir", &["--rule", "scale-of-scale"]).success();
    assert!(rewritten.stdout.contains("{factor = 0.25 : f64}"), "{}", rewritten.stdout);
    let found = opt_of(SCALE.as_bytes(), &["--saturate"]).success().stdout;
    assert!(found.starts_with("@main: ") && found.contains("then_scale"), "{found}");
    let kernels = opt_of(SCALE.as_bytes(), &["--extract"]).success().stdout;
    assert!(kernels.contains("\"kernel.rowwise\"(%x, %fused0_0)"), "{kernels}");
    let plan = opt_of(SCALE.as_bytes(), &["--extract", "--pass", "specialize,plan"]).success();
    assert!(plan.stdout.contains("\"plan.launch\"(%input0, %output0)"), "{}", plan.stdout);
}

/// What the compiler prints of a model is taken as it is, and gives the plan that the compiler makes.
#[test]
fn the_stages_of_a_model_are_taken() {
    let model = goldens().join("vit-base/model");
    let model = ["compile", model.to_str().unwrap(), "--disable", "cut-range", "--emit"];
    let stage = |stage: &str| ocellus([&model[..], &[stage]].concat()).success().stdout;
    for text in ["venc", "kernel", "plan"].map(stage) {
        assert_eq!(opt_of(text.as_bytes(), &[]).success().stdout, text);
    }
    let plan = opt_of(stage("kernel").as_bytes(), &["--pass", "plan"]).success().stdout;
    assert_eq!(plan, stage("plan"));
}

#[test]
fn the_help_names_every_pass() {
    let help = ocellus(["opt", "--help"]).success().stdout;
    for pass in ocellus::opt::PASSES {
        assert!(help.contains(pass.name), "{help}");
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    let scale = |arguments: &[&str]| opt_of(SCALE.as_bytes(), arguments);
    scale(&["--pass", "inline-call"]).failure(1, &["no pass `inline-call`", "`inline-calls`"]);
    scale(&["--rule", "scale-of-scales"]).failure(1, &["no rule", "`scale-of-scale`"]);
    scale(&["--rule", "scale-of-scale"]).failure(1, &["there is no (scale (scale ?x ?a) ?b)"]);
    scale(&["--pass", "plan"])
        .failure(1, &["the pass `plan` takes a program of `kernel`", "`venc`"]);
    scale(&["--pass", "plan", "--saturate"]).failure(1, &["the pass `plan` is given no program"]);
    scale(&["--extract", "--at", "images=4"]).failure(1, &["no symbol `images`", "it has none"]);
    scale(&["--at", "images=4"]).failure(2, &["--extract"]);
    scale(&["--rule", "x", "--saturate"]).failure(2, &["cannot be used with"]);
    opt("kernel/block.mlir", &["--extract", "--at", "images=4,height=32"])
        .failure(1, &["extraction takes a program of `venc`", "block.mlir"]);
    opt("no/such.mlir", &[]).failure(1, &["such.mlir"]);
    opt_of(b"", &[]).failure(1, &["no function `@main`"]);
    opt_of(b"\xff", &[]).failure(1, &["standard input"]);
    opt_of(b"func.func @main() {", &[]).failure(1, &["line 1, column 20: the text ends"]);
    let batch = SCALE.replace("2x8xf32>", "?x8xf32, [\"images\"]>");
    let batch = format!("module attributes {{venc.symbols = [\"images in 1..=8\"]}} {{{batch}}}");
    opt_of(batch.as_bytes(), &["--extract"]).failure(1, &["`images` has none", "--at images=8"]);
    let refused = opt_of(batch.as_bytes(), &["--extract", "--at", "images=9"]);
    refused.failure(1, &["images = 9 lies outside the declared range 1..=8"]);
}

#[test]
fn the_commands_of_the_readme_do_what_they_say() {
    let root = workspace_root();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let commands: Vec<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("ocellus opt tests/")).collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        let words = command.split('#').next().unwrap_or_default().split_whitespace();
        let mut words: Vec<String> = words.map(str::to_string).collect();
        words[0] = root.join("tests").join(&words[0]).to_string_lossy().into_owned();
        let text = ocellus(["opt".to_string()].into_iter().chain(words)).success().stdout;
        assert!(text.starts_with("module attributes"), "{command}: {text}");
    }
}
