//! Artifacts: compiled once and run by both commands, and refused where they are damaged or for others.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use ocellus::runtime::{
    Artifact, ArtifactContents, ArtifactWriter, TargetRequirements, VariantContents,
};
use std::collections::HashSet;
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

/// The artifact, each of whose targets asks for something else; its hashes are in order.
fn with_targets(artifact: &Path, change: impl Fn(&mut TargetRequirements)) {
    let old = Artifact::from_bytes(&std::fs::read(artifact).unwrap()).unwrap();
    let variants = old.variants().iter().map(|variant| {
        let (mut target, plan) = (variant.target.clone(), (*variant.plan).clone());
        change(&mut target);
        VariantContents { target, plan, code: old.code(variant).to_vec() }
    });
    let contents = ArtifactContents::new("changed", variants.collect());
    let mut writer = ArtifactWriter::in_memory(contents).unwrap();
    let mut written = HashSet::new();
    for variant in old.variants() {
        for (index, weight) in variant.plan.weights.iter().enumerate() {
            if written.insert(weight.name.clone()) {
                writer.write_weight(&weight.name, [old.weight(variant, index).unwrap()]).unwrap();
            }
        }
    }
    let new = writer.finish().unwrap().bytes().to_vec();
    std::fs::write(artifact, new).unwrap();
}

#[test]
fn an_artifact_is_not_told_how_to_be_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = compile(folder.path(), &["--range", "images=1..=8"]);
    let artifact = artifact.to_str().unwrap();
    let input = goldens().join(GOLDEN).join("in.safetensors");
    let run = ["run", artifact, "--input", input.to_str().unwrap(), "-o", "/dev/null"];
    for words in [&run[..], &["bench", artifact], &["explain", artifact]] {
        for option in [
            ["--dtype", "f32"],
            ["--range", "images=1..=2"],
            ["--disable", "merge-qkv"],
            ["--assume", "centered-rows"],
            ["--machine", "a100"],
            ["--schedules", "2"],
            ["--feature-layer", "-2"],
            ["--tag", "name"],
        ] {
            ocellus([words, &option[..]].concat())
                .failure(2, &["compiled already", &format!("leave out `{}`", option[0])]);
        }
    }
    // To find a fault, its model is compiled again.
    let model = goldens().join(GOLDEN).join("model");
    let verify = ["verify", artifact, "--against", model.to_str().unwrap()];
    ocellus([&verify[..], &["--bisect", "--disable", "merge-qkv"]].concat()).success();
    ocellus([&verify[..], &["--dtype", "bf16"]].concat()).failure(2, &["`--dtype`"]);
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
    ocellus([
        "run".as_ref(),
        artifact.as_path(),
        "--copy-weights".as_ref(),
        "--input".as_ref(),
        &input,
        "-o".as_ref(),
        &output,
    ])
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
    with_targets(&artifact, |target| target.features.push("amx-fp64".into()));
    run(&artifact).failure(1, &["amx-fp64", "compile the model again"]);
    with_targets(&artifact, |target| target.architecture = "riscv64".into());
    run(&artifact).failure(1, &["riscv64"]);

    let mut bytes = std::fs::read(&artifact).unwrap();
    let version = br#""format_version\":"#;
    let start = bytes.windows(version.len()).position(|window| window == version).unwrap();
    bytes[start + version.len()] = b'7';
    std::fs::write(&artifact, bytes).unwrap();
    run(&artifact).failure(1, &["version 7", "compile the model again"]);
    let mut bytes = std::fs::read(&artifact).unwrap();
    bytes[start + version.len()] = b'5';
    std::fs::write(&artifact, bytes).unwrap();
    run(&artifact).failure(1, &["version 5", "reads version 6", "compile the model again"]);
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

/// A machine that has AVX2 and nothing more runs this, and that is every machine that runs the tests.
const LEAST: &str = "cpu:x86-64-v3";

const SEVERAL: [&str; 2] = ["--target", "cpu:x86-64-v4-bf16,cpu:x86-64-v3,cpu:x86-64-v4"];

fn run_for(artifact: &Path, target: &str) -> Outcome {
    let (input, output) =
        (goldens().join(GOLDEN).join("in.safetensors"), artifact.with_extension("out"));
    let words: [&std::ffi::OsStr; 5] =
        ["run".as_ref(), artifact.as_ref(), "--input".as_ref(), input.as_ref(), "-o".as_ref()];
    ocellus([&words[..], &[output.as_ref(), "--target".as_ref(), target.as_ref()]].concat())
}

#[test]
fn an_artifact_for_several_targets_runs_for_each_that_this_machine_can_run() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = compile(folder.path(), &SEVERAL);
    let (words, model) = (artifact.to_str().unwrap(), goldens().join(GOLDEN).join("model"));
    let model = model.to_str().unwrap();
    let several = std::fs::read(&artifact).unwrap();
    run_for(&artifact, LEAST).success();
    let for_least = std::fs::read(artifact.with_extension("out")).unwrap();
    run(&artifact).success();
    run_for(&artifact, "sm_80").failure(1, &["was not compiled for `sm_80`", LEAST]);
    run_for(&artifact, "cpu:x86-64-v3,cpu:x86-64-v4").failure(2, &["name one by `--target`"]);

    let explained = ocellus(["explain", words, "--target", LEAST]).success();
    assert!(explained.stdout.contains(LEAST) && !explained.stderr.contains("note: "));
    let explained = ocellus(["explain", words]).success();
    assert!(explained.stderr.contains("`--target` names another"), "{}", explained.stderr);
    let verify = ["verify", words, "--against", model, "--target", LEAST];
    let verified = ocellus(verify).success().stdout;
    assert!(verified.contains("compiled for `cpu:x86-64-v3`; not verified here: `"), "{verified}");
    ocellus(["bench", words, "--runs", "1", "--size", "images=1", "--target", LEAST]).success();

    // The same that is compiled for that target alone.
    let artifact = compile(folder.path(), &["--target", LEAST]);
    run(&artifact).success();
    assert_eq!(std::fs::read(artifact.with_extension("out")).unwrap(), for_least);
    let alone = std::fs::read(&artifact).unwrap();
    assert!(several.len() < 3 * alone.len() && several.len() > alone.len());
}

#[test]
fn what_this_machine_cannot_run_is_passed_over_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = compile(folder.path(), &SEVERAL);
    with_targets(&artifact, |target| {
        if target.name != LEAST {
            target.features.push("amx-fp64".into());
        }
    });
    let said = run(&artifact).success().stderr;
    for other in ["cpu:x86-64-v4", "cpu:x86-64-v4-bf16"] {
        let note = format!(
            "note: the artifact's variant for `{LEAST}` runs, and that for `{other}` does not, as this CPU lacks "
        );
        assert!(said.contains(&note), "{said}");
    }
    with_targets(&artifact, |target| target.features.push("amx-fp64".into()));
    run(&artifact).failure(
        1,
        &["none of the artifact's variants runs here", "`cpu:x86-64-v3`: this CPU lacks amx-fp64"],
    );
}

#[test]
fn a_target_that_is_named_twice_is_compiled_for_once_and_a_stage_is_one_targets() {
    let folder = tempfile::tempdir().unwrap();
    let read = |artifact: PathBuf| std::fs::read(artifact).unwrap();
    let once = read(compile(folder.path(), &["--target", "cpu:x86-64-v3"]));
    let model = goldens().join(GOLDEN).join("model");
    let (model, artifact) = (model.to_str().unwrap(), folder.path().join("a.safetensors"));
    let twice = ["compile", model, "-o", artifact.to_str().unwrap()];
    // Another name of it, and the option given twice.
    let names = ["--target", "cpu:x86-64-v3", "--target", "cpu:haswell"];
    let said = ocellus([&twice[..], &names].concat()).success().stderr;
    assert!(said.contains("`cpu:x86-64-v3` is named more than once"), "{said}");
    assert_eq!(read(artifact), once);
    for stage in ["plan", "kernel", "asm", "llvm", "saturated"] {
        let emit = ["compile", model, "--emit", stage];
        ocellus([&emit[..], &SEVERAL].concat())
            .failure(1, &["another thing for each target", "name one of them by `--target`"]);
    }
    ocellus([&["explain", model][..], &SEVERAL].concat()).failure(1, &["name one of them"]);
    ocellus(["compile", model, "-o", "/dev/null", "--target", "cpu:x86-64-v3,cpu:z80"])
        .failure(2, &["`cpu:z80` is no target"]);
}
