//! Keys of `config.json` that no weight confirms: one that is misspelt is told, `null` is refused, and a right config
//! is read without a word.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::{LoadError, load};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens")
}

fn config(case: &str) -> Value {
    let path = goldens().join(case).join("model/config.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The weights of a golden with another config.
fn load_with_config(case: &str, config: &Value) -> (TempDir, Result<Model, LoadError>) {
    let directory = tempfile::tempdir().unwrap();
    let weights = "model.safetensors";
    std::fs::copy(goldens().join(case).join("model").join(weights), directory.path().join(weights))
        .unwrap();
    std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    let model = load(directory.path());
    (directory, model)
}

fn warnings(case: &str, config: &Value) -> Vec<String> {
    let (directory, model) = load_with_config(case, config);
    let place = format!("{}/", directory.path().display());
    model.unwrap().warnings.iter().map(|warning| warning.replace(&place, "")).collect()
}

/// The config with one key under another name.
fn renamed(case: &str, key: &str, other: &str) -> Value {
    let mut config = config(case);
    let object = match config.get_mut("vision_config") {
        Some(vision) => vision.as_object_mut().unwrap(),
        None => config.as_object_mut().unwrap(),
    };
    let value = object.shift_remove(key).unwrap_or(json!("gelu"));
    object.insert(other.to_string(), value);
    config
}

#[test]
fn what_transformers_wrote_is_read_without_a_word() {
    for case in std::fs::read_dir(goldens()).unwrap() {
        let model = case.unwrap().path().join("model");
        if model.is_dir() {
            assert_eq!(load(&model).unwrap().warnings, [""; 0], "{}", model.display());
        }
    }
}

#[test]
fn a_misspelt_key_that_no_weight_confirms_is_told() {
    // The default number of heads divides the width of this golden: nothing else would show it.
    assert_eq!(
        warnings("vit-base", &renamed("vit-base", "num_attention_heads", "num_heads")),
        [
            "config.json: `num_attention_heads` is missing, so 12 is taken, and no weight can confirm it; there is \
             `num_heads`, which nothing reads: rename it if it was meant"
        ]
    );
    assert_eq!(
        warnings("vit-base", &renamed("vit-base", "layer_norm_eps", "layernorm_epsilon")),
        [
            "config.json: `layer_norm_eps` is missing, so 1e-12 is taken, and no weight can confirm it; there is \
             `layernorm_epsilon`, which nothing reads: rename it if it was meant"
        ]
    );
    for (case, key, other, taken) in [
        ("vit-base", "hidden_act", "hidden_activation", "`gelu` is taken"),
        ("vit-base", "pooler_act", "poolr_act", "`tanh` is taken"),
        ("clip-new-names", "hidden_act", "hiden_act", "`quick_gelu` is taken"),
        ("siglip-new-names", "layer_norm_eps", "norm_eps", "1e-6 is taken"),
        ("dinov2-no-qkv-bias", "hidden_act", "activation", "`gelu` is taken"),
        ("siglip-full", "hidden_act", "hidden-act", "`vision_config.hidden_act` is missing"),
    ] {
        let found = warnings(case, &renamed(case, key, other)).join("\n");
        assert!(found.contains(taken) && found.contains(other), "{case}: {found}");
    }
}

#[test]
fn a_misspelt_key_that_weights_confirm_is_told_where_they_do_not() {
    let config = renamed("vit-base", "intermediate_size", "intermediate_sizes");
    let message = load_with_config("vit-base", &config).1.unwrap_err().to_string();
    let told =
        "does not set `intermediate_size` = 3072, but `intermediate_sizes`, which nothing reads; ";
    assert!(message.contains(told), "{message}");
    let config = renamed("dinov2-base", "mlp_ratio", "mlp_ration");
    let message = load_with_config("dinov2-base", &config).1.unwrap_err().to_string();
    assert!(message.contains("`mlp_ratio` = 4.0, but `mlp_ration`, which nothing"), "{message}");
    // The default number of heads does not divide the width.
    let config = renamed("clip-new-names", "num_attention_heads", "num_heads");
    let message = load_with_config("clip-new-names", &config).1.unwrap_err().to_string();
    let told = "`num_attention_heads` is missing, but there is `num_heads`: give a divisor of";
    assert!(message.contains(told), "{message}");
    let mut config = config_of_type("dinov2");
    config["model_type"] = json!("dino_v2");
    let message = load_with_config("dinov2-base", &config).1.unwrap_err().to_string();
    assert!(message.contains("did you mean `dinov2`? the supported"), "{message}");
}

fn config_of_type(model_type: &str) -> Value {
    let config = config("dinov2-base");
    assert_eq!(config["model_type"], model_type);
    config
}

/// As in `transformers`, whose configs are typed.
#[test]
fn null_is_refused_where_transformers_refuses_it() {
    let cases: [(&str, &[&str]); 4] = [
        (
            "vit-base",
            &["num_attention_heads", "layer_norm_eps", "hidden_act", "pooler_act", "qkv_bias"],
        ),
        ("clip-new-names", &["num_attention_heads", "layer_norm_eps", "hidden_act", "image_size"]),
        ("siglip-new-names", &["num_hidden_layers", "patch_size", "vision_use_head"]),
        ("dinov2-registers-larger", &["mlp_ratio", "use_swiglu_ffn", "num_register_tokens"]),
    ];
    for (case, keys) in cases {
        for key in keys {
            let mut config = config(case);
            config[*key] = Value::Null;
            let message = load_with_config(case, &config).1.unwrap_err().to_string();
            assert!(message.contains(&format!("config.json: `{key}` is null: give ")), "{message}");
            assert!(message.ends_with(", or leave the key out to have the default"), "{message}");
        }
    }
    // Here `transformers` asks `if value`, and what nobody reads may be anything.
    for (key, value) in [
        ("pooler_output_size", json!(null)),
        ("pooler_output_size", json!(0)),
        ("architectures", json!(null)),
        ("id2label", json!(null)),
        ("attention_probs_dropout_prob", json!(null)),
    ] {
        let mut config = config("vit-base");
        config[key] = value;
        assert_eq!(warnings("vit-base", &config), [""; 0], "{key}");
    }
}

/// Every key that the configs of the families have had, in versions 4 and 5 and inside language models.
const KEYS: &str = "_name_or_path add_cross_attention apply_layernorm architectures attention_dropout \
    attention_probs_dropout_prob bad_words_ids begin_suppress_tokens bos_token_id chunk_size_feed_forward \
    cross_attention_hidden_size decoder_start_token_id diversity_penalty do_sample drop_path_rate dropout dtype \
    early_stopping encoder_no_repeat_ngram_size encoder_stride eos_token_id exponential_decay_length_penalty \
    finetuning_task forced_bos_token_id forced_eos_token_id hidden_dropout_prob id2label initializer_factor \
    initializer_range is_decoder is_encoder_decoder label2id layerscale_value length_penalty logit_scale_init_value \
    max_length min_length model_type no_repeat_ngram_size num_beam_groups num_beams num_image_tokens \
    num_return_sequences out_features out_indices output_attentions output_hidden_states output_scores pad_token_id \
    prefix problem_type projection_dim projector_hidden_act pruned_heads remove_invalid_values repetition_penalty \
    reshape_hidden_states return_dict return_dict_in_generate sep_token_id stage_names suppress_tokens \
    task_specific_params temperature text_config text_config_dict tf_legacy_loss tie_encoder_decoder \
    tie_word_embeddings tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p \
    use_bfloat16 use_mask_token vocab_size";

#[test]
fn a_default_is_no_news_beside_keys_that_have_other_meanings() {
    for case in ["vit-base", "deit-distilled", "clip-new-names", "siglip-new-names", "dinov2-base"]
    {
        let mut config = config(case);
        let object: &mut Map<String, Value> = config.as_object_mut().unwrap();
        for key in ["num_attention_heads", "hidden_act", "pooler_act", "layer_norm_eps"] {
            object.shift_remove(key);
        }
        // The heads must divide the width.
        let heads = if object["hidden_size"].as_i64().unwrap() % 12 == 0 { None } else { Some(1) };
        object.extend(heads.map(|heads| ("num_attention_heads".to_string(), json!(heads))));
        for key in KEYS.split_whitespace() {
            object.entry(key).or_insert(json!("other"));
        }
        assert_eq!(warnings(case, &config), [""; 0], "{case}");
    }
}
