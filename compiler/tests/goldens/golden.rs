//! The goldens in `tests/goldens`: what is there, and how far from it a result may lie.

use ocellus_checkpoint::SafetensorsFile;
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_runtime::HostTensor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `tests/goldens/README.md` derives it: thirty times what rounding costs.
pub const F32_RELATIVE_L2: f64 = 1e-5;

pub type Tensors = BTreeMap<String, HostTensor>;

pub fn cases() -> Vec<PathBuf> {
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

pub fn tensors(path: &Path) -> Tensors {
    let file = SafetensorsFile::open(path).unwrap();
    file.names().into_iter().map(|name| (name.clone(), file.tensor(&name).unwrap())).collect()
}

pub fn golden(case: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(case.join("golden.json")).unwrap()).unwrap()
}

pub fn ranges(golden: &Value) -> BTreeMap<String, SymbolRange> {
    let ranges = golden["ranges"].as_object().unwrap().iter();
    let bound = |range: &Value, end: usize| range[end].as_i64().unwrap();
    ranges
        .map(|(name, range)| (name.clone(), SymbolRange::new(bound(range, 0), bound(range, 1))))
        .collect()
}

pub fn relative_l2(found: &HostTensor, expected: &HostTensor) -> f64 {
    assert_eq!(found.shape, expected.shape);
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let pairs = || found.data.iter().zip(&expected.data).map(|(a, b)| (*a as f64, *b as f64));
    norm(&mut pairs().map(|(a, b)| a - b)) / norm(&mut pairs().map(|(_, b)| b))
}
