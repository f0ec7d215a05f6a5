//! A layer's output in place of an encoder's results: the reference's own, and what only the rest reads is gone.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_compiler::verify::random_inputs;
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::ElementType;
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::{Options, load_with};
use ocellus_kernels::CpuTarget;
use ocellus_reference::{evaluate, evaluate_observed};
use std::path::Path;

fn model(options: &Options) -> Model {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens");
    load_with(goldens.join("vit-base/model"), options).unwrap()
}

#[test]
fn it_is_the_output_of_that_block_and_the_rest_is_gone() {
    for element in [ElementType::F32, ElementType::BF16] {
        let whole = model(&Options { element, ..Options::default() });
        let cut = model(&Options { element, feature_layer: Some(-2), ..Options::default() });
        let size = whole.module.symbols.free().map(|(s, range)| (s.clone(), range.min));
        let inputs = random_inputs(&whole.module, &size.collect()).unwrap();
        let mut last_but_one = vec![];
        evaluate_observed(&whole.module, whole.weights.as_ref(), &inputs, &mut |label, tensor| {
            if label.starts_with("layers.") {
                last_but_one.push(tensor.data.clone());
            }
        })
        .unwrap();
        let expected = last_but_one[last_but_one.len() - 2].clone();
        let found = evaluate(&cut.module, cut.weights.as_ref(), &inputs).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found["last_hidden_state"].data, expected);

        let compiler = Compiler::new(Target::Cpu(CpuTarget::X86_64_V4));
        let weights = |model| compiler.stages(model).unwrap().host.weights.len();
        assert!(weights(&cut) < weights(&whole));
    }
}
