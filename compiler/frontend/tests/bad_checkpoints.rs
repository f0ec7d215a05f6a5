//! Checkpoints that make no model: each is refused with a message that says what, where, and what is allowed. And the
//! sizes that a model is compiled for where nobody asks for any.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_dialects::symbolic::SymbolRange;
use ocellus_frontend::hugging_face::{Options, load, load_with};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens").join(case).join("model")
}

fn config(case: &str) -> Value {
    let text = std::fs::read_to_string(golden(case).join("config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The weights of a golden beside another config.
fn with_config(case: &str, config: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let weights = "model.safetensors";
    std::fs::copy(golden(case).join(weights), directory.path().join(weights)).unwrap();
    std::fs::write(directory.path().join("config.json"), config).unwrap();
    directory
}

fn refused(case: &str, config: &str) -> String {
    let directory = with_config(case, config);
    let message = load(directory.path()).unwrap_err().to_string();
    let place = format!("{}", directory.path().display());
    assert!(message.starts_with(&place), "{message}");
    message.replace(&place, "MODEL")
}

/// A golden's config with one key changed; `Value::Null` is a key that is not there.
fn refused_with(case: &str, key: &str, value: Value) -> String {
    let mut config = config(case);
    config[key] = value;
    refused(case, &config.to_string())
}

#[test]
fn a_value_that_makes_no_model_is_named_with_what_is_allowed() {
    let integer = |key: &str, value: &str, high: i64| {
        format!("MODEL/config.json: `{key}` is {value}: give an integer from 1 to {high}")
    };
    let cases = [
        ("hidden_size", json!(-48), integer("hidden_size", "-48", 65536)),
        ("hidden_size", json!(0), integer("hidden_size", "0", 65536)),
        ("hidden_size", json!(1e300), integer("hidden_size", "1e+300", 65536)),
        ("hidden_size", json!("wide"), integer("hidden_size", "\"wide\"", 65536)),
        ("hidden_size", json!(48.5), integer("hidden_size", "48.5", 65536)),
        (
            "num_hidden_layers",
            json!(u64::MAX),
            integer("num_hidden_layers", "18446744073709551615", 1024),
        ),
        ("num_hidden_layers", json!(0), integer("num_hidden_layers", "0", 1024)),
        ("num_channels", json!([3]), integer("num_channels", "[3]", 256)),
        (
            "intermediate_size",
            json!(i64::MIN),
            integer("intermediate_size", "-9223372036854775808", 262144),
        ),
    ];
    for (key, value, expected) in cases {
        assert_eq!(refused_with("vit-base", key, value), expected);
    }
}

#[test]
fn sizes_that_do_not_fit_each_other_are_refused() {
    let width = config("vit-base")["hidden_size"].clone();
    assert_eq!(
        refused_with("vit-base", "num_attention_heads", json!(7)),
        format!(
            "MODEL/config.json: `num_attention_heads` is 7: give a divisor of `hidden_size` = {width}: each head has \
             an equal part of it"
        )
    );
    let message = refused_with("vit-base", "patch_size", json!(1024));
    assert!(
        message.contains("`patch_size` is 1024: give at most the `image_size` of"),
        "{message}"
    );
    let message = refused_with("vit-base", "image_size", json!([32, 32, 3]));
    assert!(
        message.contains("`image_size` is [32,32,3]: give an integer from 1 to 65536, or two"),
        "{message}"
    );
}

#[test]
fn names_that_are_not_known_are_refused_with_those_that_are() {
    assert_eq!(
        refused_with("vit-base", "hidden_act", json!("gleu_fast")),
        "MODEL/config.json: `hidden_act` is \"gleu_fast\": did you mean `gelu_fast`? give one of gelu, gelu_python, \
         gelu_10, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh, quick_gelu, silu, swish, \
         mish, hardswish, relu, relu2, relu6, leaky_relu, sigmoid, tanh, laplace, sqrtsoftplus, linear"
    );
    let supported = "the supported vision encoders are vit, deit, clip_vision_model, siglip_vision_model, dinov2, \
                     dinov2_with_registers";
    assert_eq!(
        refused_with("vit-base", "model_type", json!("swin")),
        format!("MODEL/config.json: `model_type` is \"swin\": {supported}")
    );
    assert_eq!(
        refused_with("vit-base", "model_type", Value::Null),
        format!("MODEL/config.json: `model_type` is null: {supported}")
    );
    assert_eq!(
        refused(
            "vit-base",
            r#"{"model_type": "llava", "vision_config": {"model_type": "pixtral"}}"#
        ),
        format!("MODEL/config.json: `vision_config.model_type` is \"pixtral\": {supported}")
    );
}

#[test]
fn a_config_of_another_kind_is_refused() {
    for (key, value, expected) in [
        ("layer_norm_eps", json!(-1.0), "`layer_norm_eps` is -1.0: give a number from 0 to 1"),
        ("qkv_bias", json!("yes"), "`qkv_bias` is \"yes\": give true or false"),
        ("model_type", json!(3), "`model_type` is 3: give a string"),
        ("vision_config", json!([]), "`vision_config` is []: give an object"),
    ] {
        assert_eq!(refused_with("vit-base", key, value), format!("MODEL/config.json: {expected}"));
    }
    assert!(refused("vit-base", "[]").contains("config.json: this is no JSON object: []"));
    assert!(refused("vit-base", "{").contains("config.json: this is no JSON object: EOF"));
    let long = format!("\"{}\"", "x".repeat(10_000));
    assert!(refused("vit-base", &long).len() < 200);
    let nowhere = load("/nowhere/at/all").unwrap_err().to_string();
    assert!(nowhere.starts_with("/nowhere/at/all/config.json: No such file"), "{nowhere}");
}

#[test]
fn weights_of_another_model_are_refused() {
    let message = refused_with("vit-base", "intermediate_size", json!(8));
    assert!(
        message.contains("has the shape [") && message.contains("the config asks for [8"),
        "{message}"
    );

    let layers = config("vit-base")["num_hidden_layers"].as_i64().unwrap();
    let message = refused_with("vit-base", "num_hidden_layers", json!(layers + 1));
    let lacking = format!("16 tensor(s) that its config asks for: encoder.layer.{layers}.");
    assert!(message.contains("the checkpoint lacks") && message.contains(&lacking), "{message}");
    assert!(message.contains("…"), "{message}");

    let message = refused_with("vit-base", "num_hidden_layers", json!(layers - 1));
    let extra =
        format!("16 tensor(s) that its config has no place for: encoder.layer.{}.", layers - 1);
    assert!(message.contains("the checkpoint has") && message.contains(&extra), "{message}");

    let message = refused("vit-base", &config("clip-new-names").to_string());
    assert!(
        message.contains("no tensor is called `embeddings.patch_embedding.weight`"),
        "{message}"
    );
}

#[test]
fn a_default_that_does_not_fit_the_weights_is_owned_up_to() {
    let mut config = config("vit-base");
    config.as_object_mut().unwrap().remove("intermediate_size");
    let message = refused("vit-base", &config.to_string());
    assert!(message.contains("(the config does not set `intermediate_size` = 3072; "), "{message}");
}

#[test]
fn a_range_that_the_model_cannot_have_is_refused() {
    let refused = |symbol: &str, range| {
        let ranges = [(symbol.to_string(), range)].into();
        let options = Options { ranges, ..Options::default() };
        load_with(golden("vit-base"), &options).unwrap_err().to_string()
    };
    let message = refused("batch", SymbolRange::new(1, 8));
    assert!(message.starts_with("there is no symbol `batch`"), "{message}");
    let message = refused("height", SymbolRange::new(1, 64));
    let patch = config("vit-base")["patch_size"].clone();
    assert_eq!(
        message,
        format!(
            "the range 1..=64 of `height` reaches below one patch of {patch} pixels: begin at {patch}"
        )
    );
    let message = refused("images", SymbolRange::new(8, 1));
    assert!(message.contains("the range 8..=1 of the symbol `images` is empty"), "{message}");
    let message = refused("images", SymbolRange { min: 4, max: 4, step: 0 });
    assert!(message.contains("is empty"), "{message}");
    let message = refused("images", SymbolRange { min: 5, max: 7, step: 4 });
    assert!(
        message.contains("the range 5..=7 step 4 of the symbol `images` is empty"),
        "{message}"
    );
}

#[test]
fn the_default_range_is_what_the_preprocessor_gives() {
    let symbols = |preprocessor: Option<Value>| {
        let directory = with_config("dinov2-base", &config("dinov2-base").to_string());
        if let Some(preprocessor) = preprocessor {
            let path = directory.path().join("preprocessor_config.json");
            std::fs::write(path, preprocessor.to_string()).unwrap();
        }
        let module = load(directory.path()).unwrap().module;
        module.symbols.free().map(|(name, range)| format!("{name} in {range}")).collect::<Vec<_>>()
    };
    let patch = config("dinov2-base")["patch_size"].as_i64().unwrap();
    let any = format!("{patch}..=2147483647");
    assert_eq!(
        symbols(None),
        [
            "images in 1..=2147483647".to_string(),
            format!("height in {any}"),
            format!("width in {any}")
        ]
    );
    let mut bit = json!({
        "image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32}, "do_center_crop": true,
        "crop_size": {"height": 24, "width": 24}
    });
    assert_eq!(symbols(Some(bit.clone())), ["images in 1..=2147483647"]);
    bit["do_center_crop"] = json!(false);
    assert_eq!(
        symbols(Some(bit)),
        ["images in 1..=2147483647", "height in 32..=65535", "width in 32..=65535"]
    );
    // A processor that is not run here says which sizes it gives.
    let budget = json!({
        "image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "merge_size": 2, "min_pixels": 3136,
        "max_pixels": 1003520
    });
    let sides = "in 28..=17360 step 28";
    assert_eq!(
        symbols(Some(budget)),
        [
            "images in 1..=2147483647".to_string(),
            format!("height {sides}"),
            format!("width {sides}")
        ]
    );
    let unknown = json!({"image_processor_type": "SomethingElse"});
    assert_eq!(symbols(Some(unknown)), symbols(None));
}

#[test]
fn the_default_range_is_that_of_the_processor_that_transformers_takes() {
    let directory = with_config("dinov2-base", &config("dinov2-base").to_string());
    let write = |name: &str, content: Value| {
        std::fs::write(directory.path().join(name), content.to_string()).unwrap();
    };
    let symbols = || {
        let module = load(directory.path()).unwrap().module;
        module.symbols.free().map(|(name, range)| format!("{name} in {range}")).collect::<Vec<_>>()
    };
    let bit = |edge: u32| json!({"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": edge}, "do_center_crop": null});
    write("preprocessor_config.json", bit(32));
    write("processor_config.json", json!({"image_processor": bit(40)}));
    assert_eq!(symbols()[1..], ["height in 40..=65535", "width in 40..=65535"]);
    let budget = json!({
        "image_processor_type": "Qwen2VLImageProcessor", "patch_size": 14, "merge_size": 2,
        "size": {"shortest_edge": 3136, "longest_edge": 1003520}
    });
    write("processor_config.json", json!({"image_processor": budget}));
    assert_eq!(symbols()[1..], ["height in 28..=17360 step 28", "width in 28..=17360 step 28"]);
    write("processor_config.json", json!({"processor_class": "CLIPProcessor"}));
    assert_eq!(symbols()[1..], ["height in 32..=65535", "width in 32..=65535"]);
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_told() {
    let whole = config("vit-base").to_string();
    let files =
        ["config.json", "model.safetensors", "processor_config.json", "preprocessor_config.json"];
    for file in files {
        let directory = with_config("vit-base", &whole);
        let path = directory.path().join(file);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        let message = load(directory.path()).unwrap_err();
        let message = format!("{message} {:?}", std::error::Error::source(&message));
        assert!(message.contains(file) && message.contains("this link leads"), "{message}");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "no such thing").unwrap();
        assert!(load(directory.path()).unwrap_err().to_string().contains(file));
    }
}

#[test]
fn numbers_that_are_none_are_told_where_they_are_read() {
    let text = |key: &str, value: &str| {
        let mut config = config("vit-base");
        config.as_object_mut().unwrap().remove(key);
        config.to_string().replacen('{', &format!("{{\"{key}\": {value}, "), 1)
    };
    for value in ["NaN", "Infinity", "[-Infinity, 1e999]", "\"\\ud83d\""] {
        load(with_config("vit-base", &text("initializer_range", value)).path()).unwrap();
        load(with_config("vit-base", &text("nobody", value)).path()).unwrap();
    }
    assert_eq!(
        refused("vit-base", &text("layer_norm_eps", "NaN")),
        "MODEL/config.json: `layer_norm_eps` is \"NaN\": give a number from 0 to 1"
    );
    assert_eq!(
        refused("vit-base", &text("hidden_size", "-Infinity")),
        "MODEL/config.json: `hidden_size` is \"-Infinity\": give an integer from 1 to 65536"
    );
}

#[test]
fn two_encoders_in_one_checkpoint_are_refused() {
    use safetensors::tensor::{Dtype, TensorView};
    let directory = with_config("vit-base", &config("clip-new-names").to_string());
    let bytes = [0; 4];
    let tensor = || TensorView::new(Dtype::F32, vec![1], &bytes).unwrap();
    let names = ["a", "b"].map(|tower| format!("{tower}.embeddings.patch_embedding.weight"));
    let file = safetensors::serialize(names.iter().map(|name| (name, tensor())), None).unwrap();
    std::fs::write(directory.path().join("model.safetensors"), file).unwrap();
    let message = load(directory.path()).unwrap_err().to_string();
    assert!(message.contains("several vision encoders, under `a.` and `b.`"), "{message}");
}

#[test]
fn no_value_of_any_key_makes_the_loader_panic() {
    let hostile = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1),
        json!(3),
        json!(65536),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("gelu"),
        json!([]),
        json!([1, 65536]),
        json!({}),
    ];
    let cases = ["vit-base", "deit-distilled", "siglip-full", "dinov2-registers-swiglu"];
    for case in cases.into_iter().chain(["clip-with-projection"]) {
        let directory = with_config(case, "");
        let whole = config(case);
        let nested = if whole["vision_config"].is_object() { "/vision_config" } else { "" };
        let keys: Vec<String> =
            whole.pointer(nested).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            for value in &hostile {
                let mut config = whole.clone();
                config.pointer_mut(nested).unwrap()[&key] = value.clone();
                let path = directory.path().join("config.json");
                std::fs::write(path, config.to_string()).unwrap();
                // Either is right; a panic is not.
                let _ = load(directory.path());
            }
        }
    }
}
