//! Images, tensors, sizes and paths that cannot be used: each is refused with what is wrong and where.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use std::path::Path;
use support::{Checkpoint, Outcome, Tensor, goldens, ocellus, serialize, workspace_root};

/// Runs the golden `vit-base` with other arguments behind it.
fn run(arguments: &[&str]) -> Outcome {
    let model = goldens().join("vit-base/model");
    ocellus([&["run", model.to_str().unwrap()], arguments].concat())
}

/// Runs a model that has a preprocessor on an image file, up to where images are read.
fn run_on_image(image: &Path) -> Outcome {
    let checkpoint = Checkpoint::of("vit-base");
    let config = goldens().join("preprocessing/vit/preprocessor_config.json");
    std::fs::copy(config, checkpoint.path("preprocessor_config.json")).unwrap();
    let (model, output) = (checkpoint.path(""), checkpoint.path("out.safetensors"));
    ocellus(["run".as_ref(), model.as_path(), "--image".as_ref(), image, "-o".as_ref(), &output])
}

#[test]
fn what_is_no_image_or_has_a_zero_side_is_told() {
    run_on_image(&workspace_root().join("Cargo.toml")).failure(1, &["Cargo.toml", "not an image"]);
    let bad = goldens().join("preprocessing/bad");
    for file in [
        "zero-height.png",
        "zero-width.bmp",
        "zero-height.gif",
        "empty.jpg",
        "text.png",
        "truncated.jpg",
    ] {
        run_on_image(&bad.join(file)).failure(1, &[file]);
    }
    run_on_image(Path::new("no-such.jpg")).failure(1, &["no-such.jpg"]);
}

#[test]
fn a_model_without_preprocessor_says_how_to_go_on() {
    let image = workspace_root().join("examples/images/harbour.jpg");
    run(&["--image", image.to_str().unwrap(), "-o", "/dev/null"])
        .failure(1, &["preprocessor_config.json", "--input"]);
}

#[test]
fn an_input_outside_the_range_is_told_with_the_range() {
    let input = goldens().join("vit-base/in.safetensors");
    let images = ["--range", "images=2..=2"];
    run(&[&["--input", input.to_str().unwrap(), "-o", "/dev/null"], &images[..]].concat())
        .failure(1, &["pixel_values"]);
    run(&["--input", input.to_str().unwrap(), "-o", "/dev/null", "--range", "images=16..=64"])
        .failure(1, &["images", "16..=64"]);
}

#[test]
fn inputs_of_another_name_shape_or_type_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.safetensors");
    let with = |name: &str, shape: &[usize], dtype: safetensors::Dtype| {
        let bytes = vec![0; shape.iter().product::<usize>() * dtype.bitsize() / 8];
        let tensor = Tensor { name: name.to_string(), dtype, shape: shape.to_vec(), bytes };
        std::fs::write(&path, serialize(&[tensor])).unwrap();
        run(&["--input", path.to_str().unwrap(), "-o", "/dev/null"])
    };
    use safetensors::Dtype::{F32, I64};
    with("pixels", &[1, 3, 24, 24], F32).failure(1, &["pixel"]);
    with("pixel_values", &[3, 24, 24], F32).failure(1, &["pixel_values"]);
    with("pixel_values", &[0, 3, 24, 24], F32).failure(1, &["images"]);
    with("pixel_values", &[1, 3, 24, 24], I64).failure(1, &["pixel_values", "I64"]);
    std::fs::write(&path, b"no tensors").unwrap();
    run(&["--input", path.to_str().unwrap(), "-o", "/dev/null"]).failure(1, &["in.safetensors"]);
}

#[test]
fn an_unwritable_output_is_told_before_the_work() {
    let input = goldens().join("vit-base/in.safetensors");
    let run = |output: &str| run(&["--input", input.to_str().unwrap(), "-o", output]);
    let outcome = run("/no/such/folder/out.safetensors");
    assert!(!outcome.stderr.contains("emit"), "{}", outcome.stderr);
    outcome.failure(1, &["cannot be written", "/no/such/folder/out.safetensors"]);
    run("/tmp").failure(1, &["cannot be written", "/tmp"]);
    let model = goldens().join("vit-base/model");
    ocellus(["compile", model.to_str().unwrap(), "-o", "/no/such/folder/a.safetensors"])
        .failure(1, &["cannot be written"]);
}

#[test]
fn a_model_that_is_not_there_is_told() {
    ocellus(["verify", "no/such/folder"]).failure(1, &["no/such/folder", "no such model"]);
    ocellus(["verify", "no-such.safetensors"]).failure(1, &["no such model"]);
    ocellus(["explain", "nobody/nothing"]).failure(1, &["`nobody/nothing`", "hub"]);
    let empty = tempfile::tempdir().unwrap();
    let words = ["verify", empty.path().to_str().unwrap()];
    ocellus(words).failure(1, &["no `config.json`", words[1], "the folder of a model has"]);
}

#[test]
fn options_that_make_no_sense_are_wrong_command_lines() {
    let option = |option: &[&str]| run(&[&["--input", "x", "-o", "/dev/null"], option].concat());
    option(&["--range", "images=0..=4"]).failure(2, &["images"]);
    option(&["--range", "images"]).failure(2, &["is no range"]);
    option(&["--range", "height=225..=230/16"]).failure(2, &["no multiple of 16"]);
    option(&["--range", "images=1..=3000000000"]).failure(2, &["ends above 2147483647"]);
    option(&["--target", "sm_90a"]).failure(2, &["`sm_90a` is no target", "`sm_90`"]);
    option(&["--target", "cpu:z80"]).failure(2, &["cpu:z80", "x86-64-v3"]);
    option(&["--dtype", "f8"]).failure(2, &["f8"]);
    option(&["--threads", "0"]).failure(2, &["0"]);
    option(&["--range", "images=1..=2,images=8"])
        .failure(2, &["`--range` gives `images` two ranges, 1..=2 and 8..=8"]);
    for compiled in [
        &["--device", "cpu"][..],
        &["--target", "cpu"],
        &["--disable", "merge-qkv"],
        &["--copy-weights"],
    ] {
        option(&[&["--reference"], compiled].concat()).failure(2, &["--reference", compiled[0]]);
    }
    let model = goldens().join("vit-base/model");
    ocellus(["bench", model.to_str().unwrap(), "--size", "images=1,images=2"])
        .failure(2, &["gives `images` two values, 1 and 2"]);
    run(&["-o", "/dev/null"]).failure(2, &["--image"]);
}

#[test]
fn a_symbol_or_a_rule_that_does_not_exist_is_told() {
    let input = goldens().join("vit-base/in.safetensors");
    let option = |option: &[&str]| {
        run(&[&["--input", input.to_str().unwrap(), "-o", "/dev/null"], option].concat())
    };
    option(&["--range", "frames=1..=2"]).failure(1, &["`frames`", "images"]);
    option(&["--disable", "merge-qvk"]).failure(1, &["merge-qvk", "merge-qkv"]);
}

#[test]
fn an_unknown_architecture_or_a_full_directory_stops_init() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    ocellus(["init", "vit-huge", path]).failure(1, &["vit-huge", "siglip-base-patch16-224"]);
    std::fs::write(folder.path().join("notes"), "").unwrap();
    ocellus(["init", "vit-base-patch16-224", path]).failure(1, &["not empty"]);
}
