//! Features that are no numbers, and sizes that no memory holds: the command says so, and what to do.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use std::path::Path;
use support::{Checkpoint, Outcome, goldens, ocellus};

/// The golden `vit-base` with the elements of one weight changed.
fn with_weight(name: &str, change: impl Fn(usize, f32) -> f32) -> Checkpoint {
    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_weights(|tensors| {
        let tensor = tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
        let numbers = tensor.bytes.as_chunks_mut::<4>().0;
        numbers.iter_mut().enumerate().for_each(|(position, bytes)| {
            *bytes = change(position, f32::from_le_bytes(*bytes)).to_le_bytes();
        });
    });
    checkpoint
}

fn run(checkpoint: &Checkpoint, input: &Path, more: &[&str]) -> Outcome {
    let (model, output) = (checkpoint.path(""), checkpoint.path("out.safetensors"));
    let arguments = [Path::new("run"), &model, Path::new("--input"), input];
    let arguments = arguments.into_iter().chain([Path::new("--output"), &output]);
    let outcome = ocellus(arguments.chain(more.iter().map(Path::new))).success();
    assert!(output.exists());
    outcome
}

fn golden_input() -> std::path::PathBuf {
    goldens().join("vit-base/in.safetensors")
}

const FIRST_OF_MLP: &str = "encoder.layer.0.intermediate.dense.weight";

#[test]
fn an_overflow_of_f16_is_told_with_where_it_begins() {
    // The weights fit, and what they make of ordinary numbers does not.
    let checkpoint = with_weight(FIRST_OF_MLP, |_, x| (x * 1e5).clamp(-6e4, 6e4));
    let run = |dtype: &str| run(&checkpoint, &golden_input(), &["--dtype", dtype]).stderr;
    let text = run("f16");
    for part in [
        "warning: ",
        "numbers of the output `last_hidden_state` are infinite or NaN",
        "all inputs are finite",
        "The first value that is not is `layers.0",
        "compile the model with `--dtype bf16` or `--dtype f32`",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    for dtype in ["bf16", "f32"] {
        assert!(!run(dtype).contains("warning"), "{}", run(dtype));
    }
    let model = checkpoint.path("");
    ocellus(["verify", model.to_str().unwrap(), "--dtype", "f16"])
        .failure(1, &["`layers.0", "it holds infinities or NaN, where the reference is finite"])
        .failure(1, &["help: f16 ends at 65504"]);
}

#[test]
fn a_weight_beyond_f16_is_named_when_it_is_rounded() {
    let checkpoint =
        with_weight(FIRST_OF_MLP, |position, x| if position == 7 { -70_000.0 } else { x });
    let text = run(&checkpoint, &golden_input(), &["--dtype", "f16"]).stderr;
    let warning = format!("warning: 1 of the numbers of the tensor `{FIRST_OF_MLP}` are infinite");
    assert!(text.contains(&warning) && text.contains("one is -70000"), "{text}");
    let text = run(&checkpoint, &golden_input(), &["--dtype", "bf16"]).stderr;
    assert!(!text.contains("warning"), "{text}");
    let text = run(&checkpoint, &golden_input(), &["--dtype", "f16", "--reference"]).stderr;
    assert!(text.contains(&format!("the tensor `{FIRST_OF_MLP}` are infinite in f16")), "{text}");
}

#[test]
fn a_weight_that_is_no_number_is_named() {
    let checkpoint =
        with_weight(FIRST_OF_MLP, |position, x| if position == 7 { f32::NAN } else { x });
    let named = format!("the tensor `{FIRST_OF_MLP}` of the checkpoint holds NaN");
    for more in [&[][..], &["--dtype", "bf16"], &["--reference"]] {
        let text = run(&checkpoint, &golden_input(), more).stderr;
        assert!(text.contains(&named), "{text}");
        assert!(text.contains("of the output `last_hidden_state` are infinite or NaN"), "{text}");
    }
    let model = checkpoint.path("");
    ocellus(["verify", model.to_str().unwrap()])
        .failure(1, &[&named, "is infinite or NaN in the reference too"]);
}

#[test]
fn an_input_that_is_no_number_is_the_cause_and_not_the_model() {
    let checkpoint = Checkpoint::of("vit-base");
    let path = checkpoint.path("in.safetensors");
    let mut inputs = ocellus::runtime::read_tensors(&golden_input(), |_| false).unwrap();
    inputs.get_mut("pixel_values").unwrap().data[1] = f32::NAN;
    let inputs: Vec<_> = inputs.into_iter().collect();
    ocellus::runtime::write_tensors(&path, &inputs).unwrap();
    for more in [&["--dtype", "f16"][..], &["--reference"]] {
        let text = run(&checkpoint, &path, more).stderr;
        let wanted = "and so is the input `pixel_values`: its element [0, 0, 0, 1] is NaN";
        assert!(text.contains(wanted) && !text.contains("compile the model"), "{text}");
    }
}

#[test]
fn a_size_that_no_memory_holds_is_an_error() {
    let model = goldens().join("vit-base/model");
    let model = model.to_str().unwrap();
    let range = ["--range", "images=1..=2147483647"];
    for size in ["images=1000000000", "images=2147483647"] {
        ocellus(["bench", model, range[0], range[1], "--size", size, "--runs", "1"])
            .failure(1, &["does not fit in memory", "bytes are needed", size]);
    }
}

/// A program with one weight of 2^40 bytes, in a file that takes no room on the disk.
#[test]
fn a_tensor_that_no_memory_holds_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rows = 1u64 << 36;
    let header =
        format!(r#"{{"w":{{"dtype":"F32","shape":[{rows},4],"data_offsets":[0,{}]}}}}"#, rows * 16);
    let header = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let file = std::fs::File::create(path("m.safetensors")).unwrap();
    std::io::Write::write_all(&mut &file, &header).unwrap();
    file.set_len(header.len() as u64 + rows * 16).unwrap();
    let text = format!(
        r#"module attributes {{venc.entry = @main, venc.symbols = []}} {{
  func.func @main(%x: tensor<1x4xf32> {{venc.name = "x"}}) -> (tensor<1x{rows}xf32> {{venc.name = "y"}}) {{
    %0 = "venc.weight"() {{name = "w"}} : () -> tensor<{rows}x4xf32>
    %1 = "venc.linear"(%x, %0) : (tensor<1x4xf32>, tensor<{rows}x4xf32>) -> tensor<1x{rows}xf32>
    func.return %1 : tensor<1x{rows}xf32>
  }}
}}
"#
    );
    std::fs::write(path("m.mlir"), text).unwrap();
    let x = ocellus::runtime::HostTensor { shape: vec![1, 4], data: vec![1.0; 4] };
    ocellus::runtime::write_tensors(&path("in"), &[("x".to_string(), x)]).unwrap();
    let (model, input, output) = (path("m.mlir"), path("in"), path("out"));
    let arguments =
        [Path::new("run"), &model, Path::new("--input"), &input, Path::new("--output"), &output];
    let more = [Path::new("--reference")];
    ocellus(arguments.into_iter().chain(more))
        .failure(1, &["the tensor `w` needs 1099511627776 bytes of memory"]);
}
