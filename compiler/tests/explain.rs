//! What is said of a compilation: the form of the JSON, what an artifact keeps, and that no limit is hit in silence.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::{Compiler, Explanation, Target, explanation_attachment};
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face;
use serde_json::{Value, json};
use std::path::Path;

fn golden(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens").join(name);
    hugging_face::load(folder.join("model")).unwrap()
}

fn compiler() -> Compiler {
    Compiler::new(Target::from_name("cpu:x86-64-v4").unwrap())
}

/// Replaces what changes with every new rule and every new rate, so that the snapshot is of the form.
fn redact(value: &mut Value) {
    const COUNTS: [&str; 10] = [
        "nodes",
        "classes",
        "rounds",
        "values",
        "candidates",
        "states",
        "matches",
        "fired",
        "refused",
        "packed_weights",
    ];
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let is_time = name.ends_with("_us") || name.ends_with("_ms");
                let is_share = name.ends_with("_percent")
                    || name.ends_with("_gflops")
                    || name.ends_with("_per_s");
                match field {
                    Value::String(reason) if reason.starts_with("it would take") => {
                        *field = json!("it would take [number] us ([number] %) longer");
                    }
                    Value::Number(_) if COUNTS.contains(&name.as_str()) => {
                        *field = json!("[count]")
                    }
                    Value::Number(_) if is_time || is_share => *field = json!("[number]"),
                    Value::Array(numbers) if numbers.len() > 16 => {
                        *field = json!(["[numbers]"]);
                    }
                    _ => redact(field),
                }
            }
        }
        Value::Array(items) if items.iter().all(Value::is_number) && items.len() > 16 => {
            *value = json!(["[numbers]"]);
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

#[test]
fn the_json_has_this_form() {
    let model = golden("dinov2-swiglu");
    let compiler = compiler().range("images", 1..=32).disable("softmax-into-prologue");
    let explanation = compiler.stages(&model).unwrap().explanation;
    let mut json: Value = serde_json::from_str(&explanation.to_json().unwrap()).unwrap();
    // Of the rules, one that fires and one that is off.
    let kept = ["merge-qkv-with-bias", "softmax-into-prologue"];
    let rules = json["rules"].as_array_mut().unwrap();
    rules.retain(|rule| kept.contains(&rule["name"].as_str().unwrap()));
    // Of the pieces, the kernels of a block and the fusions that were not done, the first ones.
    json["pieces"].as_array_mut().unwrap().truncate(1);
    json["pieces"][0]["kernels"].as_array_mut().unwrap().truncate(2);
    json["missed"].as_array_mut().unwrap().truncate(2);
    redact(&mut json);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn what_runs_adds_up() {
    let explanation = compiler().stages(&golden("vit-base")).unwrap().explanation;
    assert!(explanation.warnings.is_empty(), "{:?}", explanation.warnings);
    for piece in &explanation.pieces {
        let times = piece.kernels.iter().map(|kernel| kernel.predicted_us * kernel.count as f64);
        let sum: f64 = times.sum();
        assert!((sum / piece.predicted_us - 1.0).abs() < 1e-3, "{sum} {}", piece.predicted_us);
        assert!(piece.kernels.iter().all(|kernel| kernel.count > 0));
        // The roofline: the longer of the two, and the launch.
        let longest = piece.kernels.iter().map(|k| k.compute_us.max(k.memory_us) / k.predicted_us);
        assert!(longest.fold(0.0, f64::max) <= 1.0);
    }
    for plot in &explanation.plots {
        assert!(plot.predicted_us.iter().all(|line| line.len() == plot.sizes.len()));
        assert_eq!(plot.piece.len(), plot.sizes.len());
        assert!(plot.sizes.windows(2).all(|pair| pair[0] < pair[1]));
    }
    assert!(explanation.rules.iter().any(|rule| rule.fired > 0 && !rule.because.is_empty()));
}

#[test]
fn what_costs_more_is_told_with_how_much() {
    let explanation = compiler().stages(&golden("dinov2-swiglu")).unwrap().explanation;
    let costlier = explanation.missed.iter().find(|missed| missed.extra_us.is_some()).unwrap();
    assert!(costlier.reason.contains("us (") && costlier.extra_percent.unwrap() >= 0.0);
    let refused = explanation.missed.iter().find(|missed| missed.condition.is_some()).unwrap();
    let (condition, value) = (refused.condition.as_ref().unwrap(), refused.value.as_ref().unwrap());
    assert!(refused.reason.contains(condition) && refused.reason.contains(value));
    assert!(!value.is_empty() && refused.times > 0);
}

#[test]
fn an_artifact_keeps_its_explanation_and_stays_the_same() {
    let model = golden("vit-base");
    let compile = || compiler().compile_artifact(&model, &mut |_| {}).unwrap();
    let ((programs, artifact), (_, again)) = (compile(), compile());
    let name = explanation_attachment(&programs[0].target.name());
    let kept = Explanation::from_json(artifact.attachment(&name).unwrap()).unwrap();
    // Numbers may lose a last digit in JSON, so the texts are compared.
    let explanation = programs[0].explanation.clone().without_times().to_json().unwrap();
    assert_eq!(artifact.attachment(&name), Some(explanation.as_str()));
    assert_eq!(artifact.bytes(), again.bytes());
    assert!(kept.to_string().contains("@layer: 5 kernel(s)"));
}

#[test]
fn an_explanation_of_another_format_is_refused() {
    let error = Explanation::from_json(r#"{"format": 99}"#).unwrap_err().to_string();
    assert!(error.contains("format 99"), "{error}");
    assert!(Explanation::from_json("no json").is_err());
}

#[test]
fn names_of_a_model_cannot_become_markup() {
    let name = "</title><script>alert(1)</script>";
    let page = compiler().tag(name).stages(&golden("vit-base")).unwrap().explanation.to_html();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    for elsewhere in ["http:", "https:", "src=", "@import", "url(h"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}
