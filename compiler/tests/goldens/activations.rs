//! Every activation of `transformers` that has no parameters, from its name in a config to features, against
//! `tests/goldens/activations.json`.

use crate::golden::{F32_RELATIVE_L2, Tensors, cases, relative_l2, tensors};
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::symbolic::Bindings;
use ocellus_dialects::venc::{self, Activate, Activation, Op};
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::load;
use ocellus_reference::evaluate;
use ocellus_runtime::HostTensor;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &Value) -> Vec<T> {
    text.as_str().unwrap().split(' ').map(|number| number.parse().unwrap()).collect()
}

fn table() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/activations.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn names(table: &Value) -> Vec<&String> {
    let names: Vec<&String> = table["values"].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 22);
    names
}

fn case() -> PathBuf {
    cases().into_iter().find(|case| case.ends_with("vit-base")).unwrap()
}

/// The golden with that activation in its blocks and in its pooler.
fn model(name: &str) -> Model {
    let case = case().join("model");
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(case.join("model.safetensors"), directory.path().join("model.safetensors"))
        .unwrap();
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(case.join("config.json")).unwrap()).unwrap();
    (config["hidden_act"], config["pooler_act"]) = (json!(name), json!(name));
    std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    load(directory.path()).unwrap()
}

/// What the name of an activation became: `None` for the identity.
fn activation(model: &Model) -> Option<Activation> {
    let nodes = model.module.functions.iter().flat_map(|function| &function.nodes);
    let mut activations = nodes.filter_map(|node| match &node.op {
        Op::Activate(Activate { function: activation }) => Some(*activation),
        _ => None,
    });
    activations.next()
}

/// One rounding to f32 lies between the interpreter and float64.
fn is_close(found: f32, expected: f64) -> bool {
    let unit = f64::from(f32::EPSILON);
    let min = f64::from(f32::from_bits(1));
    (found.is_nan() && expected.is_nan())
        || found == expected as f32
        || (f64::from(found) - expected).abs() <= unit * expected.abs() + min
}

#[test]
fn the_interpreter_computes_what_torch_computes() {
    let table = table();
    let x: Vec<f32> = numbers(&table["numbers"]);
    let x = HostTensor::new(vec![x.len()], x).unwrap();
    for name in names(&table) {
        let expected: Vec<f64> = numbers(&table["values"][name]);
        let found = match activation(&model(name)) {
            Some(one) => {
                let op = Activate { function: one }.into();
                venc::evaluate(&op, &[&x], &Bindings::new()).unwrap()
            }
            None => x.clone(),
        };
        for ((x, found), expected) in x.data.iter().zip(&found.data).zip(expected) {
            // The arguments of the table are those of f32, but for their last bits.
            let slack = 4.0 * f64::from(f32::EPSILON) * expected.abs();
            let is_slack = (f64::from(*found) - expected).abs() <= slack;
            assert!(
                is_close(*found, expected) || is_slack,
                "{name}({x}) is {found} and not {expected}"
            );
        }
    }
}

#[test]
fn every_activation_gives_the_features_of_transformers() {
    let (table, case) = (table(), case());
    let inputs: Tensors = tensors(&case.join("in.safetensors"));
    let borrowed: Vec<(&str, &HostTensor)> =
        inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut functions = BTreeSet::new();
    for name in names(&table) {
        let features: Vec<f32> = numbers(&table["features"][name]);
        let expected = HostTensor::new(vec![1, features.len()], features).unwrap();
        let model = model(name);
        let found = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
        let error = relative_l2(&found["pooler_output"], &expected);
        assert!(error <= F32_RELATIVE_L2, "{name}: {error:e}");
        functions.insert(activation(&model));
        // The code of each activation has a test of its own; these have most of what code can have, and none.
        if ["mish", "sqrtsoftplus", "linear"].contains(&name.as_str()) {
            let encoder = Compiler::new(Target::host().unwrap()).compile(&model).unwrap();
            let outputs: Tensors = encoder.run(&borrowed).unwrap().into_iter().collect();
            let error = relative_l2(&outputs["pooler_output"], &expected);
            assert!(error <= F32_RELATIVE_L2, "{name}, compiled: {error:e}");
        }
    }
    assert_eq!(functions.len(), Activation::ALL.len() + 1);
}
