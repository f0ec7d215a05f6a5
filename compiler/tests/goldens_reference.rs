//! Every golden checkpoint, loaded and run by the reference interpreter, against what `transformers` computed.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::frontend::Model;
use ocellus_compiler::frontend::hugging_face::{Options, load, load_with};
use ocellus_compiler::reference::evaluate;
use ocellus_compiler::weights::SafetensorsFile;
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_runtime::HostTensor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `tests/goldens/README.md` derives it: thirty times what rounding costs.
const F32_RELATIVE_L2: f64 = 1e-5;

type Tensors = BTreeMap<String, HostTensor>;

fn cases() -> Vec<PathBuf> {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(goldens)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("golden.json").is_file())
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "the goldens are not there");
    cases
}

fn tensors(path: &Path) -> Tensors {
    let file = SafetensorsFile::open(path).unwrap();
    file.names().into_iter().map(|name| (name.clone(), file.tensor(&name).unwrap())).collect()
}

fn golden(case: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(case.join("golden.json")).unwrap()).unwrap()
}

fn ranges(golden: &Value) -> BTreeMap<String, SymbolRange> {
    let ranges = golden["ranges"].as_object().unwrap().iter();
    let bound = |range: &Value, end: usize| range[end].as_i64().unwrap();
    ranges
        .map(|(name, range)| (name.clone(), SymbolRange::new(bound(range, 0), bound(range, 1))))
        .collect()
}

fn relative_l2(found: &HostTensor, expected: &HostTensor) -> f64 {
    assert_eq!(found.shape, expected.shape);
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let pairs = || found.data.iter().zip(&expected.data).map(|(a, b)| (*a as f64, *b as f64));
    norm(&mut pairs().map(|(a, b)| a - b)) / norm(&mut pairs().map(|(_, b)| b))
}

/// The worst error over the outputs, all of which must be there.
fn worst_error(case: &Path, model: &Model) -> f64 {
    let expected = tensors(&case.join("out.safetensors"));
    let inputs = tensors(&case.join("in.safetensors"));
    let found = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
    let names: Vec<&String> = found.keys().filter(|name| *name != "image_embeds").collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{}", case.display());
    expected.iter().map(|(name, tensor)| relative_l2(&found[name], tensor)).fold(0.0, f64::max)
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

#[test]
fn a_size_that_was_not_declared_is_refused() {
    let case = cases().into_iter().find(|case| case.ends_with("vit-interpolated")).unwrap();
    let model = load(case.join("model")).unwrap();
    let inputs = tensors(&case.join("in.safetensors"));
    let error = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap_err().to_string();
    assert!(error.contains("pixel_values"), "{error}");
}
