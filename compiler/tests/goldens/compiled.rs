//! Every golden checkpoint, compiled and run, against what `transformers` computed.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, relative_l2, tensors};
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::ElementType;
use ocellus_frontend::hugging_face::{Options, load_with};
use ocellus_runtime::HostTensor;
use std::collections::BTreeMap;
use std::path::Path;

/// bf16 may lie this much further from PyTorch's f32 result than PyTorch's own bf16 run does.
const BF16_FACTOR: f64 = 1.5;

/// The relative L2 error of each output that the golden has.
fn errors(case: &Path, element: ElementType, target: Target) -> BTreeMap<String, f64> {
    let options = Options { ranges: ranges(&golden(case)), element, ..Options::default() };
    let model = load_with(case.join("model"), &options).unwrap();
    let encoder = Compiler::new(target).compile(&model).unwrap();
    let inputs = tensors(&case.join("in.safetensors"));
    let inputs: Vec<(&str, &HostTensor)> =
        inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let found: BTreeMap<String, HostTensor> = encoder.run(&inputs).unwrap().into_iter().collect();
    let expected = tensors(&case.join("out.safetensors"));
    expected
        .iter()
        .map(|(name, tensor)| (name.clone(), relative_l2(&found[name], tensor)))
        .collect()
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_golden_holds_in_f32() {
    for case in cases() {
        for (output, error) in errors(&case, ElementType::F32, Target::host().unwrap()) {
            println!("{:40} {output:20} {error:.2e}", name(&case));
            assert!(error <= F32_RELATIVE_L2, "{} {output}: {error:e}", name(&case));
        }
    }
}

#[test]
fn every_golden_holds_in_bf16_as_well_as_pytorch_does() {
    for case in cases() {
        let pytorch = &golden(&case)["bf16_relative_l2"];
        for (output, error) in errors(&case, ElementType::BF16, Target::host().unwrap()) {
            let bound = BF16_FACTOR * pytorch[&output].as_f64().unwrap();
            println!("{:40} {output:20} {error:.2e} of {bound:.2e}", name(&case));
            assert!(error <= bound, "{} {output}: {error:e} > {bound:e}", name(&case));
        }
    }
}
