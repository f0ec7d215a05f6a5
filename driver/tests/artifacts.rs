//! Artifacts: compiled once and run by both commands, and refused where they are damaged or for others.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use ocellus::runtime::{Artifact, ArtifactContents, ArtifactWriter, Provenance};
use std::path::{Path, PathBuf};
use support::{Outcome, goldens, ocellus};

const GOLDEN: &str = "siglip-published-names";

/// The golden compiled into `folder`.
fn compile(folder: &Path, options: &[&str]) -> PathBuf {
    let (model, artifact) = (goldens().join(GOLDEN).join("model"), folder.join("a.safetensors"));
    let words = ["compile", model.to_str().unwrap(), "-o", artifact.to_str().unwrap()];
    ocellus([&words[..], options].concat()).success();
    artifact
}

fn run(artifact: &Path) -> Outcome {
    let (input, output) =
        (goldens().join(GOLDEN).join("in.safetensors"), artifact.with_extension("out"));
    ocellus(["run".as_ref(), artifact, "--input".as_ref(), &input, "-o".as_ref(), &output])
}

/// The artifact with another provenance, its hashes in order.
fn with_provenance(artifact: &Path, change: impl FnOnce(&mut Provenance)) {
    let old = Artifact::from_bytes(&std::fs::read(artifact).unwrap()).unwrap();
    let mut provenance = old.provenance().clone();
    change(&mut provenance);
    let contents = ArtifactContents {
        plan: old.plan().clone(),
        provenance,
        code: old.code().to_vec(),
        attachments: Default::default(),
    };
    let mut writer = ArtifactWriter::in_memory(contents).unwrap();
    for (index, weight) in old.plan().weights.iter().enumerate() {
        let bytes = &old.weight(index).unwrap()[..weight.bytes as usize];
        writer.write_weight(&weight.name, [bytes]).unwrap();
    }
    let new = writer.finish().unwrap().bytes().to_vec();
    std::fs::write(artifact, new).unwrap();
}

#[test]
fn an_artifact_gives_what_its_model_gives() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = compile(folder.path(), &["--tag", "siglip.vision", "--range", "images=1..=8"]);
    run(&artifact).success();
    let from_artifact = std::fs::read(artifact.with_extension("out")).unwrap();
    let (model, input) =
        (goldens().join(GOLDEN).join("model"), goldens().join(GOLDEN).join("in.safetensors"));
    let output = folder.path().join("direct");
    ocellus(["run".as_ref(), model.as_path(), "--input".as_ref(), &input, "-o".as_ref(), &output])
        .success();
    assert_eq!(from_artifact, std::fs::read(&output).unwrap());

    let text = ocellus(["explain", artifact.to_str().unwrap()]).success().stdout;
    assert!(text.contains("siglip.vision") && text.contains("images in 1..=8"), "{text}");
    assert!(
        text.contains("@layer") && text.contains("merge-qkv"),
        "why, and not only what: {text}"
    );
    let bench = ocellus([
        "bench",
        artifact.to_str().unwrap(),
        "--json",
        "--runs",
        "2",
        "--size",
        "images=3",
    ]);
    let json: serde_json::Value = serde_json::from_str(&bench.success().stdout).unwrap();
    let case = &json["cases"][0];
    assert_eq!(case["size"], "images=3");
    for key in ["median_ms", "min_ms", "max_ms", "gflops"] {
        assert!(case[key].as_f64().unwrap() > 0.0, "{key}: {case}");
    }
    let verify =
        ocellus(["verify", artifact.to_str().unwrap(), "--against", model.to_str().unwrap()]);
    assert!(verify.success().stdout.contains("layers.0"));
    ocellus(["verify", artifact.to_str().unwrap()]).failure(2, &["--against"]);
}

#[test]
fn one_flipped_byte_is_found_wherever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = compile(folder.path(), &[]);
    let bytes = std::fs::read(&artifact).unwrap();
    for position in [3, 200, bytes.len() / 2, bytes.len() - 100] {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x10;
        std::fs::write(&artifact, damaged).unwrap();
        run(&artifact).failure(1, &["a.safetensors"]);
    }
    std::fs::write(&artifact, &bytes[..bytes.len() - 1]).unwrap();
    run(&artifact).failure(1, &["a.safetensors"]);
}

#[test]
fn an_artifact_of_another_version_or_another_machine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = compile(folder.path(), &[]);
    with_provenance(&artifact, |provenance| provenance.target.features.push("amx-fp64".into()));
    run(&artifact).failure(1, &["amx-fp64", "compile the model again"]);
    with_provenance(&artifact, |provenance| provenance.target.architecture = "riscv64".into());
    run(&artifact).failure(1, &["riscv64"]);

    let mut bytes = std::fs::read(&artifact).unwrap();
    let version = br#""format_version\":"#;
    let start = bytes.windows(version.len()).position(|window| window == version).unwrap();
    bytes[start + version.len()] = b'7';
    std::fs::write(&artifact, bytes).unwrap();
    run(&artifact).failure(1, &["version 7", "compile the model again"]);
}

#[test]
fn every_target_can_be_compiled_for_and_the_least_runs_here() {
    let folder = tempfile::tempdir().unwrap();
    compile(folder.path(), &["--target", "cpu:x86-64-v4-bf16"]);
    run(&compile(folder.path(), &["--target", "cpu:x86-64-v3"])).success();
}

#[test]
fn an_artifact_preprocesses_images_as_its_model_does() {
    let checkpoint = support::Checkpoint::of(GOLDEN);
    // The processor is not named: it follows from the model's type.
    let config = r#"{"size": {"height": 24, "width": 24}}"#;
    std::fs::write(checkpoint.path("preprocessor_config.json"), config).unwrap();
    let artifact = checkpoint.path("a.ocellus");
    let (model, image) =
        (checkpoint.path(""), support::workspace_root().join("examples/images/harbour.jpg"));
    ocellus(["compile".as_ref(), model.as_path(), "-o".as_ref(), &artifact]).success();
    let features = [&model, &artifact].map(|subject| {
        let output = checkpoint.path("features");
        ocellus([
            "run".as_ref(),
            subject.as_path(),
            "--image".as_ref(),
            &image,
            "-o".as_ref(),
            &output,
        ])
        .success();
        std::fs::read(output).unwrap()
    });
    assert_eq!(features[0], features[1]);
}
