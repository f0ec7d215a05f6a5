//! Every golden checkpoint, loaded and run by the reference interpreter, against what `transformers` computed.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, relative_l2, tensors};
use ocellus_dialects::ElementType;
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::{Options, load, load_with};
use ocellus_reference::evaluate;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The worst error over the outputs, all of which must be there.
pub fn worst_error(case: &Path, model: &Model) -> f64 {
    errors(case, model).into_values().fold(0.0, f64::max)
}

/// The error of each output, all of which must be there.
fn errors(case: &Path, model: &Model) -> BTreeMap<String, f64> {
    let expected = tensors(&case.join("out.safetensors"));
    let inputs = tensors(&case.join("in.safetensors"));
    let found = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
    let names: Vec<&String> = found.keys().filter(|name| *name != "image_embeds").collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{}", case.display());
    let error = |(name, tensor)| (String::clone(name), relative_l2(&found[name], tensor));
    expected.iter().map(error).collect()
}

#[test]
fn every_golden_holds_over_its_range_of_sizes() {
    for case in cases() {
        let options = Options { ranges: ranges(&golden(&case)), ..Options::default() };
        let error = worst_error(&case, &load_with(case.join("model"), &options).unwrap());
        println!("{:40} {error:.2e}", case.file_name().unwrap().to_string_lossy());
        assert!(error <= F32_RELATIVE_L2, "{}: {error:e}", case.display());
    }
}

#[test]
fn every_golden_of_its_native_size_holds_without_a_range() {
    for case in cases() {
        if golden(&case)["interpolate_pos_encoding"] == true {
            continue;
        }
        let error = worst_error(&case, &load(case.join("model")).unwrap());
        assert!(error <= F32_RELATIVE_L2, "{}: {error:e}", case.display());
    }
}

/// The interpreter rounds weights alone, so it must lie well inside what all of PyTorch's roundings cost.
#[test]
fn every_golden_holds_with_weights_in_bf16() {
    for case in cases() {
        let golden = golden(&case);
        let element = ElementType::BF16;
        let options = Options { element, ranges: ranges(&golden), ..Options::default() };
        let model = load_with(case.join("model"), &options).unwrap();
        for (name, error) in errors(&case, &model) {
            let bound = 1.5 * golden["bf16_relative_l2"][&name].as_f64().unwrap();
            assert!(error <= bound, "{}: {name}: {error:e} above {bound:e}", case.display());
        }
    }
}

/// An encoder of CLIP's as another model has it: under another prefix, in a `vision_config` (which early configs call
/// `vision_config_dict`), with a buffer that old versions saved, and beside weights that are not its own.
#[test]
fn an_encoder_is_found_inside_any_model() {
    let case = cases().into_iter().find(|case| case.ends_with("clip-new-names")).unwrap();
    let config = std::fs::read_to_string(case.join("model/config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let weights = std::fs::read(case.join("model/model.safetensors")).unwrap();
    let weights = SafeTensors::deserialize(&weights).unwrap();
    let tower = "model.vision_tower.vision_model";
    let ids = TensorView::new(Dtype::I64, vec![1, 1], &[0; 8]).unwrap();
    let other = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
    let mut tensors: BTreeMap<String, TensorView> =
        weights.iter().map(|(name, tensor)| (format!("{tower}.{name}"), tensor)).collect();
    tensors.insert(format!("{tower}.embeddings.position_ids"), ids);
    tensors.insert("model.language_model.embed_tokens.weight".to_string(), other);

    for key in ["vision_config", "vision_config_dict"] {
        let directory = tempfile::tempdir().unwrap();
        let whole = json!({ "model_type": "llava", key: config.clone() }).to_string();
        std::fs::write(directory.path().join("config.json"), whole).unwrap();
        let file = directory.path().join("model.safetensors");
        safetensors::serialize_to_file(&tensors, None, &file).unwrap();
        let error = worst_error(&case, &load(directory.path()).unwrap());
        assert!(error <= F32_RELATIVE_L2, "{key}: {error:e}");
    }
}

#[test]
fn a_size_that_was_not_declared_is_refused() {
    let case = cases().into_iter().find(|case| case.ends_with("vit-interpolated")).unwrap();
    let model = load(case.join("model")).unwrap();
    let inputs = tensors(&case.join("in.safetensors"));
    let error = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap_err().to_string();
    assert!(error.contains("pixel_values"), "{error}");
}
