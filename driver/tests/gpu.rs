//! Models for GPUs, compiled by the command and run by it on the driver that simulates one.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use ocellus::runtime::read_tensors;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use support::{Outcome, command, goldens};

const GOLDEN: &str = "vit-base";

/// The simulating driver, which lies beside the tests.
fn simulator() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libocellus_cuda_sim.so")
}

/// The command, for which there are two GPUs of that architecture.
fn with_gpus_of<S: AsRef<OsStr>>(
    architecture: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Outcome {
    let mut command = command(env!("CARGO_BIN_EXE_ocellus"));
    command.env("OCELLUS_CUDA_DRIVER", simulator()).env("OCELLUS_SIM_DEVICES", "2");
    Outcome::of(command.env("OCELLUS_SIM_ARCHITECTURE", architecture).args(arguments))
}

fn ocellus<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    with_gpus_of("sm_80", arguments)
}

fn model() -> PathBuf {
    goldens().join(GOLDEN).join("model")
}

/// The golden compiled into `folder`.
fn compile(folder: &Path, options: &[&str]) -> PathBuf {
    let (model, artifact) = (model(), folder.join("a.safetensors"));
    let words = ["compile", model.to_str().unwrap(), "-o", artifact.to_str().unwrap()];
    let without_assembler = ["--disable", "assemble"];
    ocellus([&words[..], &without_assembler, options].concat()).success();
    artifact
}

fn run(artifact: &Path, architecture: &str, device: &str) -> Outcome {
    let (input, output) =
        (goldens().join(GOLDEN).join("in.safetensors"), artifact.with_extension("out"));
    let words = [OsStr::new("run"), artifact.as_ref(), "--input".as_ref(), input.as_ref()];
    let rest = [OsStr::new("-o"), output.as_ref(), "--device".as_ref(), device.as_ref()];
    with_gpus_of(architecture, [&words[..], &rest[..]].concat())
}

#[test]
fn an_artifact_for_gpus_runs_on_a_simulated_one_and_says_where_else_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| read_tensors(path, |_| false).unwrap();
    let expected = read(&goldens().join(GOLDEN).join("out.safetensors"));
    // On the later one a launch begins before the one before has ended.
    for (architecture, device) in [("sm_90", "sim"), ("sm_80", "sim:1")] {
        let artifact = compile(folder.path(), &["--target", architecture, "--dtype", "bf16"]);
        run(&artifact, architecture, device).success();
        let found = read(&artifact.with_extension("out"));
        for (name, tensor) in &expected {
            let error = ocellus::verify::relative_l2(&found[name].data, &tensor.data);
            assert!(error < 1e-2, "{architecture}, {name}: {error}");
        }
    }
    let artifact = folder.path().join("a.safetensors");
    run(&artifact, "sm_80", "sim:2").failure(1, &["there is no GPU 2: the driver has 2"]);
    run(&artifact, "sm_80", "cpu").failure(1, &["`sm_80`", "--target cpu"]);
}

#[test]
fn a_model_for_gpus_is_verified_layer_by_layer() {
    let model = model();
    let words = ["verify", model.to_str().unwrap(), "--target", "sm_80", "--dtype", "tf32"];
    let rest = ["--device", "sim", "--disable", "assemble", "--range", "images=1..=2"];
    let said = ocellus([&words[..], &rest[..]].concat()).success().stdout;
    assert!(said.contains("0 of them too far from the reference"), "{said}");
}

#[test]
fn each_stage_of_a_model_for_gpus_is_shown() {
    let model = model();
    let emit = |stage: &str| {
        let words = ["compile", model.to_str().unwrap(), "--target", "sm_80", "--dtype", "bf16"];
        ocellus([&words[..], &["--emit", stage]].concat()).success().stdout
    };
    assert!(emit("ptx").contains(".target sm_80"), "no PTX");
    assert!(emit("llvm").contains("nvptx64"), "no LLVM IR for GPUs");
    assert!(emit("kernel").contains("stages"), "no schedule of a GPU");
}

#[test]
fn what_cannot_be_compiled_for_a_target_is_told_before_the_work() {
    let model = model();
    let compile = |more: &[&str]| {
        let words = ["compile", model.to_str().unwrap(), "-o", "/dev/null"];
        ocellus([&words[..], more].concat())
    };
    compile(&["--dtype", "tf32"]).failure(1, &["no products of tf32", "--dtype f32"]);
    compile(&["--target", "sm_70"]).failure(2, &["`sm_70` is no target", "`sm_80`"]);
    compile(&["--target", "sm_80", "--machine", "l4"]).failure(1, &["`l4`", "`sm_89`", "`sm_80`"]);
    compile(&["--target", "sm_80", "--machine", "m7"]).failure(1, &["m7", "h100"]);
}
