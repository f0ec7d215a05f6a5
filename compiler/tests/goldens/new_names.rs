//! The golden checkpoints under the names that `transformers` 5 gives their tensors, which `tests/goldens/names.json`
//! has from it: the same features, and errors that speak of the names in the file.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, tensors};
use crate::reference::worst_error;
use ocellus_compiler::{Compiler, Target};
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::{LoadError, Options, load_with};
use ocellus_runtime::HostTensor;
use safetensors::tensor::{Dtype, SafeTensors, View};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[derive(Clone)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        (&self.bytes).into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

impl Tensor {
    /// Its rows in `count` equal parts.
    fn parts(&self, count: usize) -> Vec<Tensor> {
        assert_eq!(self.shape[0] % count, 0);
        let mut shape = self.shape.clone();
        shape[0] /= count;
        let part = |bytes: &[u8]| Tensor { shape: shape.clone(), bytes: bytes.into(), ..*self };
        self.bytes.chunks(self.bytes.len() / count).map(part).collect()
    }
}

type Tensors = BTreeMap<String, Tensor>;

/// All tensors of a golden's checkpoint, from however many files.
fn published(case: &Path) -> Tensors {
    let mut tensors = Tensors::new();
    for file in std::fs::read_dir(case.join("model")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "safetensors") {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            let (dtype, shape) = (view.dtype(), view.shape().to_vec());
            tensors.insert(name.to_string(), Tensor { dtype, shape, bytes: view.data().to_vec() });
        }
    }
    tensors
}

/// What `transformers` calls the tensors of that case's class: by the published name, with `*` for the layer.
fn new_names(case: &Path) -> BTreeMap<String, Vec<String>> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/names.json");
    let table: Value = serde_json::from_str(&std::fs::read_to_string(table).unwrap()).unwrap();
    let config = std::fs::read_to_string(case.join("model/config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let class = golden(case)["model"].as_str().unwrap().to_string();
    let variant = if config["use_swiglu_ffn"] == true { ", SwiGLU" } else { "" };
    let names = table["models"].get(format!("{class}{variant}")).cloned().unwrap_or_default();
    serde_json::from_value(names).unwrap_or_default()
}

fn renamed(
    tensors: &Tensors,
    names: &BTreeMap<String, Vec<String>>,
    is_renamed: impl Fn(usize) -> bool,
) -> Tensors {
    let mut renamed = Tensors::new();
    for (position, (name, tensor)) in tensors.iter().enumerate() {
        let layer = name.split('.').find(|part| part.parse::<usize>().is_ok()).unwrap_or("none");
        let pattern = name.replace(&format!(".{layer}."), ".*.");
        match names.get(&pattern).filter(|_| is_renamed(position)) {
            None => _ = renamed.insert(name.clone(), tensor.clone()),
            Some(others) => {
                let others = others.iter().map(|other| other.replace(".*.", &format!(".{layer}.")));
                let count = others.len();
                renamed.extend(others.zip(tensor.parts(count)));
            }
        }
    }
    renamed
}

fn load(case: &Path, tensors: &Tensors) -> (TempDir, Result<Model, LoadError>) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(case.join("model/config.json"), directory.path().join("config.json")).unwrap();
    let file = directory.path().join("model.safetensors");
    safetensors::serialize_to_file(tensors, None, &file).unwrap();
    let options = Options { ranges: ranges(&golden(case)), ..Options::default() };
    let model = load_with(directory.path(), &options);
    (directory, model)
}

fn case(name: &str) -> PathBuf {
    cases().into_iter().find(|case| case.ends_with(name)).unwrap()
}

fn refused(case: &Path, tensors: &Tensors) -> String {
    load(case, tensors).1.unwrap_err().to_string()
}

#[test]
fn every_golden_holds_under_the_names_of_transformers_5() {
    let mut families = BTreeMap::<String, usize>::new();
    for case in cases() {
        let (tensors, names) = (published(&case), new_names(&case));
        if names.is_empty() {
            continue;
        }
        let all = renamed(&tensors, &names, |_| true);
        let mixed = renamed(&tensors, &names, |position| position % 2 == 0);
        for (how, renamed) in [("new", all), ("mixed", mixed)] {
            assert!(renamed.keys().ne(tensors.keys()), "{how}: {}", case.display());
            let (_directory, model) = load(&case, &renamed);
            let error = worst_error(&case, &model.unwrap());
            assert!(error <= F32_RELATIVE_L2, "{how}: {}: {error:e}", case.display());
        }
        *families.entry(golden(&case)["model"].as_str().unwrap().to_string()).or_default() += 1;
    }
    assert!(families.len() >= 8, "{families:?}");
}

#[test]
fn errors_speak_of_the_names_in_the_file() {
    let vit = case("vit-base");
    let new = renamed(&published(&vit), &new_names(&vit), |_| true);

    let mut lacking = new.clone();
    lacking.remove("layers.1.attention.q_proj.weight");
    let message = refused(&vit, &lacking);
    assert!(message.contains("the checkpoint lacks 1 tensor(s)"), "{message}");
    assert!(message.contains(": layers.1.attention.q_proj.weight: "), "{message}");

    let mut twice = new.clone();
    let old = "encoder.layer.0.output.dense.bias";
    twice.insert(old.to_string(), new["layers.0.mlp.fc2.bias"].clone());
    let message = refused(&vit, &twice);
    assert!(message.contains("one weight is there twice"), "{message}");
    assert!(message.contains(old) && message.contains("layers.0.mlp.fc2.bias"), "{message}");

    let mut more = new.clone();
    let unknown = "layers.0.attention.q_norm.weight";
    more.insert(unknown.to_string(), new["layers.0.mlp.fc2.bias"].clone());
    let message = refused(&vit, &more);
    assert!(message.contains(&format!("has no place for: {unknown}")), "{message}");
}

#[test]
fn halves_of_a_weight_are_checked_one_by_one() {
    let dinov2 = case("dinov2-swiglu");
    let new = renamed(&published(&dinov2), &new_names(&dinov2), |_| true);
    let [gate, up] = ["gate", "up"].map(|half| format!("encoder.layer.0.mlp.{half}_proj.bias"));

    let mut lacking = new.clone();
    lacking.remove(&up);
    let message = refused(&dinov2, &lacking);
    assert!(message.contains(&format!("asks for: {up}: ")), "{message}");

    // Of different lengths, but together as long as they should be.
    let mut uneven = new.clone();
    let rows = uneven[&gate].shape[0];
    for (name, rows) in [(&gate, rows + 2), (&up, rows - 2)] {
        let tensor = Tensor { dtype: Dtype::F32, shape: vec![rows], bytes: vec![0; 4 * rows] };
        uneven.insert(name.clone(), tensor);
    }
    let message = refused(&dinov2, &uneven);
    assert!(message.contains(&format!("`{gate}` has the shape [{}]", rows + 2)), "{message}");

    let mut whole_too = new;
    let whole = "encoder.layer.0.mlp.weights_in.bias";
    whole_too.insert(whole.to_string(), published(&dinov2)[whole].clone());
    let message = refused(&dinov2, &whole_too);
    assert!(message.contains("there twice") && message.contains(whole), "{message}");
}

#[test]
fn halves_of_a_weight_are_joined_when_the_model_is_compiled() {
    let case = case("dinov2-registers-swiglu");
    let old = published(&case);
    let new = renamed(&old, &new_names(&case), |_| true);
    assert!(new.len() > old.len());
    let inputs = tensors(&case.join("in.safetensors"));
    let inputs: Vec<(&str, &HostTensor)> =
        inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let [from_old, from_new] = [old, new].map(|tensors| {
        let (_directory, model) = load(&case, &tensors);
        let compiler = Compiler::new(Target::host().unwrap());
        compiler.compile(&model.unwrap()).unwrap().run(&inputs).unwrap()
    });
    assert_eq!(from_old, from_new);
}
