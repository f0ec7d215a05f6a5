//! Good models through the command: verified, printed at every stage, read back from text, and the examples.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use safetensors::Dtype;
use std::path::Path;
use std::process::Command;
use support::{Checkpoint, Tensor, deserialize, goldens, ocellus, serialize, workspace_root};

fn model(golden: &str) -> String {
    goldens().join(golden).join("model").to_str().unwrap().to_string()
}

#[test]
fn compiled_models_are_verified_layer_by_layer_in_every_storage() {
    // The reference takes minutes for the largest images of the whole range.
    let range = "images=1..=8,height=6..=96,width=6..=96";
    for dtype in ["f32", "bf16", "f16"] {
        let words = ["verify", &model("dinov2-swiglu"), "--dtype", dtype, "--range", range];
        let text = ocellus(words).success().stdout;
        for label in ["embeddings", "layers.0", "last_hidden_state", "tolerance", " in piece 1 of "]
        {
            assert!(text.contains(label), "{label} is not in:\n{text}");
        }
    }
}

#[test]
fn every_stage_can_be_printed() {
    let model = model("vit-base");
    let stages = [
        ("venc", "venc.linear"),
        ("saturated", "linear #"),
        ("kernel", "kernel.attention"),
        ("plan", "plan.launch"),
    ];
    for (stage, part) in stages.into_iter().chain([("llvm", "define"), ("asm", ".globl")]) {
        let text = ocellus(["compile", &model, "--emit", stage]).success().stdout;
        assert!(
            text.contains(part),
            "`{part}` is not in --emit {stage}:\n{}",
            &text[..text.len().min(2000)]
        );
    }
}

#[test]
fn the_text_of_venc_is_a_model_of_its_own() {
    let checkpoint = Checkpoint::of("vit-base");
    let text = ocellus(["compile", &model("vit-base"), "--emit", "venc"]).success().stdout;
    std::fs::write(checkpoint.path("model.mlir"), text).unwrap();
    let input = goldens().join("vit-base/in.safetensors");
    let outputs = ["model.mlir", ""].map(|subject| {
        let (subject, output) = (checkpoint.path(subject), checkpoint.path("out.safetensors"));
        ocellus([
            "run".as_ref(),
            subject.as_path(),
            "--input".as_ref(),
            &input,
            "-o".as_ref(),
            &output,
        ])
        .success();
        std::fs::read(output).unwrap()
    });
    assert_eq!(outputs[0], outputs[1]);
    let program = checkpoint.path("model.mlir");
    ocellus(["explain", program.to_str().unwrap(), "--range", "frames=1..=2"])
        .failure(1, &["no symbol `frames`", "images in "]);
    std::fs::write(checkpoint.path("model.mlir"), "func @main(").unwrap();
    let path = checkpoint.path("model.mlir");
    ocellus(["explain", path.to_str().unwrap()]).failure(1, &["model.mlir"]);
}

#[test]
fn the_reference_and_the_compiled_model_agree_without_a_rule_too() {
    let text = ocellus([
        "verify",
        &model("clip-published-names"),
        "--disable",
        "fusion,merge-qkv,share-buffers,optimize-code",
    ]);
    assert!(text.success().stdout.contains(" 0 of them too far"));
}

#[test]
fn explain_names_pieces_kernels_and_rules() {
    let text = ocellus(["explain", &model("vit-base")]).success().stdout;
    for part in ["piece 1", "@layer: 5 kernel(s)", "attention", "merge-qkv"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn explain_writes_json_and_a_page() {
    let json = ocellus(["explain", &model("vit-base"), "--json"]).success().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let kernel = &json["pieces"][0]["kernels"][0];
    for key in ["family", "name", "flops", "bytes", "predicted_us", "count", "bound", "function"] {
        assert!(!kernel[key].is_null(), "{key}: {kernel}");
    }
    assert!(json["pieces"][0]["range"]["images"]["min"].is_i64());
    assert!(json["rules"][0]["because"].is_string() && json["missed"].is_array());
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let arguments = ["explain", &model("vit-base"), "--html", page.to_str().unwrap()];
    ocellus(arguments).success();
    assert!(std::fs::read_to_string(&page).unwrap().contains("<svg class=\"chart\""));
    let nowhere = folder.path().join("missing/page.html");
    let arguments = ["explain", &model("vit-base"), "--html", nowhere.to_str().unwrap()];
    ocellus(arguments).failure(1, &["the output cannot be written"]);
}

#[test]
fn the_examples_run() {
    let checkpoint = Checkpoint::of("siglip-published-names");
    let preprocessor =
        r#"{"image_processor_type": "SiglipImageProcessor", "size": {"height": 24, "width": 24}}"#;
    std::fs::write(checkpoint.path("preprocessor_config.json"), preprocessor).unwrap();
    let image = workspace_root().join("examples/images/harbour.jpg");
    let folder = checkpoint.path("");
    let hugging_face = [folder.to_str().unwrap(), image.to_str().unwrap()];
    for (example, arguments, part) in [
        ("custom_mlp", &[][..], "y: [1000, 64]"),
        ("custom_encoder", &[][..], "embedding [3, 64]"),
        ("hugging_face", &hugging_face[..], "last_hidden_state"),
    ] {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_ocellus"))
            .with_file_name("examples")
            .join(example);
        let output = Command::new(binary)
            .args(arguments)
            .output()
            .expect("`cargo test` builds the examples; `--test models` alone does not");
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && text.contains(part), "{example}: {text}{errors}");
    }
}

#[test]
fn weights_and_inputs_in_float64_are_those_of_float32() {
    let widened = |tensors: &mut Vec<Tensor>| {
        for tensor in tensors {
            let numbers = tensor.bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x));
            tensor.bytes = numbers.flat_map(|x| f64::from(x).to_le_bytes()).collect();
            tensor.dtype = Dtype::F64;
        }
    };
    let features = |checkpoint: &Checkpoint, input: &Path| {
        let output = checkpoint.path("features.safetensors");
        let model = checkpoint.path("");
        ocellus([
            "run".as_ref(),
            model.as_path(),
            "--input".as_ref(),
            input,
            "-o".as_ref(),
            &output,
        ])
        .success();
        std::fs::read(output).unwrap()
    };
    let checkpoint = Checkpoint::of("vit-base");
    let input = goldens().join("vit-base/in.safetensors");
    let expected = features(&checkpoint, &input);

    checkpoint.edit_weights(widened);
    let double = checkpoint.path("in.safetensors");
    let bytes = std::fs::read(&input).unwrap();
    let mut tensors = deserialize(&bytes);
    widened(&mut tensors);
    std::fs::write(&double, serialize(&tensors)).unwrap();
    assert_eq!(features(&checkpoint, &double), expected);
}
