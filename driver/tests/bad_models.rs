//! Checkpoints that make no model: each is refused with what is wrong and where.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use serde_json::json;
use support::{Checkpoint, Outcome, Tensor};

/// The golden `vit-base` with one key of its config changed.
fn with_config(key: &str, value: serde_json::Value) -> Outcome {
    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_config(|config| {
        config.insert(key.to_string(), value);
    });
    checkpoint.run()
}

#[test]
fn the_golden_itself_runs() {
    Checkpoint::of("vit-base").run().success();
}

#[test]
fn missing_and_extra_weights_are_named() {
    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_weights(|tensors| tensors.retain(|tensor| tensor.name != "layernorm.weight"));
    checkpoint.run().failure(1, &["lacks 1 tensor", "layernorm.weight"]);

    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_weights(|tensors| {
        let (dtype, bytes) = (safetensors::Dtype::F32, vec![0; 4]);
        let name = "encoder.layer.0.surprise".to_string();
        tensors.push(Tensor { name, dtype, shape: vec![1], bytes });
    });
    checkpoint.run().failure(1, &["encoder.layer.0.surprise"]);
}

#[test]
fn a_weight_of_another_shape_or_type_is_named() {
    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_weights(|tensors| {
        let norm = tensors.iter_mut().find(|tensor| tensor.name == "layernorm.weight").unwrap();
        norm.shape = vec![1, norm.shape[0]];
    });
    checkpoint.run().failure(1, &["layernorm.weight", "shape"]);

    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_weights(|tensors| {
        let norm = tensors.iter_mut().find(|tensor| tensor.name == "layernorm.weight").unwrap();
        norm.dtype = safetensors::Dtype::I32;
    });
    checkpoint.run().failure(1, &["layernorm.weight", "I32"]);
}

#[test]
fn a_truncated_or_lying_header_is_told() {
    let spoil = |spoil: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let checkpoint = Checkpoint::of("vit-base");
        let path = checkpoint.path("model.safetensors");
        std::fs::write(&path, spoil(std::fs::read(&path).unwrap())).unwrap();
        checkpoint.run().failure(1, &["model.safetensors"])
    };
    spoil(&|_| vec![]);
    spoil(&|bytes| bytes[..7].to_vec());
    spoil(&|bytes| bytes[..100].to_vec());
    spoil(&|bytes| bytes[..bytes.len() - 1].to_vec());
    spoil(&|bytes| [u64::MAX.to_le_bytes().as_slice(), &bytes[8..]].concat());
    let header = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    spoil(&|_| header(r#"{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}"#));
    spoil(&|_| {
        header(
            r#"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296, 4], "data_offsets": [0, 0]}}"#,
        )
    });
    spoil(&|_| header(r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [8, 4]}}"#));
    spoil(&|_| header("{"));
}

#[test]
fn config_values_that_make_no_model_are_told() {
    with_config("hidden_size", json!(-64)).failure(1, &["config.json", "`hidden_size`", "-64"]);
    with_config("hidden_size", json!("wide")).failure(1, &["config.json", "`hidden_size`"]);
    with_config("hidden_size", json!(1u64 << 62)).failure(1, &["config.json", "`hidden_size`"]);
    with_config("num_hidden_layers", json!(1_000_000_000)).failure(1, &["`num_hidden_layers`"]);
    with_config("num_attention_heads", json!(7)).failure(1, &["`num_attention_heads`", "7"]);
    with_config("num_attention_heads", json!(0)).failure(1, &["`num_attention_heads`", "0"]);
    with_config("patch_size", json!(0)).failure(1, &["`patch_size`"]);
    with_config("patch_size", json!(100_000)).failure(1, &["`patch_size`"]);
    with_config("layer_norm_eps", json!(-1.0)).failure(1, &["`layer_norm_eps`"]);
    with_config("hidden_act", json!("wiggle")).failure(1, &["`hidden_act`", "wiggle"]);
    with_config("hidden_act", json!("gelu_fst")).failure(1, &["did you mean `gelu_fast`?"]);
    with_config("layer_norm_eps", json!(null)).failure(1, &["`layer_norm_eps` is null"]);
}

#[test]
fn a_config_that_is_missing_or_no_json_is_told() {
    let checkpoint = Checkpoint::of("vit-base");
    std::fs::remove_file(checkpoint.path("config.json")).unwrap();
    checkpoint.run().failure(1, &["config.json"]);
    std::fs::write(checkpoint.path("config.json"), "{\"hidden_size\": ").unwrap();
    checkpoint.run().failure(1, &["config.json", "JSON"]);
}

#[test]
fn an_unknown_architecture_is_told_with_those_that_are_known() {
    with_config("model_type", json!("resnet")).failure(1, &["`model_type`", "resnet", "siglip"]);
}

#[test]
fn a_key_without_default_that_is_missing_is_told() {
    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_config(|config| {
        config.remove("hidden_size");
    });
    // The default of the model type takes its place, and the weights do not have that size.
    checkpoint.run().failure(1, &["hidden_size", "default"]);
}

#[test]
fn a_misspelt_key_that_nothing_confirms_is_told() {
    let checkpoint = Checkpoint::of("vit-base");
    checkpoint.edit_config(|config| {
        let eps = config.remove("layer_norm_eps").unwrap();
        config.insert("layernorm_eps".to_string(), eps);
    });
    let told = checkpoint.run().success().stderr;
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(lines.len(), 1, "{told}");
    assert!(lines[0].contains("`layer_norm_eps` is missing, so 1e-12 is taken"), "{told}");
    assert!(lines[0].contains("`layernorm_eps`"), "{told}");
}
