//! What the rewriter chooses for every golden checkpoint, read back as `venc` and run by the reference interpreter,
//! against what `transformers` computed: fused, and with nothing but the implementation rules.

use ocellus_compiler::frontend::hugging_face::{Options, load_with};
use ocellus_compiler::passes::specialise;
use ocellus_compiler::reference::{bind_inputs, evaluate};
use ocellus_compiler::rewrite::{Switches, TargetDescription, choose, read_back};
use ocellus_compiler::weights::SafetensorsFile;
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::SymbolRange;
use ocellus_runtime::HostTensor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// As for the program before rewriting (`tests/goldens/README.md`).
const F32_RELATIVE_L2: f64 = 1e-5;

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

fn tensors(path: &Path) -> BTreeMap<String, HostTensor> {
    let file = SafetensorsFile::open(path).unwrap();
    file.names().into_iter().map(|name| (name.clone(), file.tensor(&name).unwrap())).collect()
}

fn ranges(case: &Path) -> BTreeMap<String, SymbolRange> {
    let text = std::fs::read_to_string(case.join("golden.json")).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let bound = |range: &Value, end: usize| range[end].as_i64().unwrap();
    let ranges = golden["ranges"].as_object().unwrap().iter();
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

fn check(case: &Path, switches: &Switches) {
    let options = Options { ranges: ranges(case), ..Options::default() };
    let model = load_with(case.join("model"), &options).unwrap();
    let inputs = tensors(&case.join("in.safetensors"));
    let entry = model.module.entry_function().unwrap();
    let at = bind_inputs(&model.module.symbols, entry, &inputs).unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let name = case.file_name().unwrap().to_string_lossy();
    let (kernels, report) = choose(&specialise(&model.module), &at, &target, switches)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    for function in &report.functions {
        assert!(function.extraction.proven_optimal, "{name}: @{}", function.name);
        assert!(function.saturation.is_complete(), "{name}: @{}", function.name);
    }
    let read = read_back(&kernels).unwrap_or_else(|error| panic!("{name}: {error}"));
    let found = evaluate(&read, model.weights.as_ref(), &inputs).unwrap();
    let launches: usize = report.functions.iter().map(|function| function.kernels.len()).sum();
    for (output, expected) in tensors(&case.join("out.safetensors")) {
        let error = relative_l2(&found[&output], &expected);
        println!("{name:40} {output:20} {launches:3} kernels {error:.2e}");
        assert!(error <= F32_RELATIVE_L2, "{name}: {output} is off by {error:e}");
    }
}

#[test]
fn what_is_chosen_computes_what_was_asked_for() {
    cases().iter().for_each(|case| check(case, &Switches::default()));
}

#[test]
fn implementation_rules_alone_compile_everything() {
    let switches = Switches::without(["exploration", "recognition", "fusion"]).unwrap();
    cases().iter().for_each(|case| check(case, &switches));
}

#[test]
fn what_is_chosen_in_bf16_means_the_same_program() {
    for case in cases() {
        let options =
            Options { ranges: ranges(&case), element: ElementType::BF16, ..Options::default() };
        let model = load_with(case.join("model"), &options).unwrap();
        let inputs = tensors(&case.join("in.safetensors"));
        let entry = model.module.entry_function().unwrap();
        let at = bind_inputs(&model.module.symbols, entry, &inputs).unwrap();
        let target = TargetDescription::named("x86-64-v4-bf16").unwrap();
        let module = specialise(&model.module);
        let (kernels, _) = choose(&module, &at, &target, &Switches::default()).unwrap();
        let read = read_back(&kernels).unwrap();
        let found = evaluate(&read, model.weights.as_ref(), &inputs).unwrap();
        let expected = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
        for (output, expected) in expected {
            // The interpreter rounds where a cast says so; a tie may fall to either side of one of those.
            let error = relative_l2(&found[&output], &expected);
            assert!(error <= F32_RELATIVE_L2, "{}: {output} is off by {error:e}", case.display());
        }
    }
}
