//! What the rewriter chooses for every golden checkpoint, read back as `venc` and run by the reference interpreter,
//! against what `transformers` computed: fused, and with nothing but the implementation rules.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, relative_l2, tensors};
use ocellus_dialects::ElementType;
use ocellus_frontend::hugging_face::{Options, load_with};
use ocellus_reference::{bind_inputs, evaluate};
use ocellus_rewrite::specialize;
use ocellus_rewrite::{Switches, TargetDescription, choose, raise};
use std::path::Path;

fn check(case: &Path, switches: &Switches) {
    let options = Options { ranges: ranges(&golden(case)), ..Options::default() };
    let model = load_with(case.join("model"), &options).unwrap();
    let inputs = tensors(&case.join("in.safetensors"));
    let entry = model.module.entry_function().unwrap();
    let at = bind_inputs(&model.module.symbols, entry, &inputs).unwrap();
    let target = TargetDescription::named("x86-64-v4").unwrap();
    let name = case.file_name().unwrap().to_string_lossy();
    let (kernels, report) = choose(&specialize(&model.module), &at, &target, switches)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    for function in &report.functions {
        assert!(function.extraction.proven_optimal, "{name}: @{}", function.name);
        assert!(function.saturation.is_complete(), "{name}: @{}", function.name);
    }
    let read = raise(&kernels).unwrap_or_else(|error| panic!("{name}: {error}"));
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
        let options = Options {
            ranges: ranges(&golden(&case)),
            element: ElementType::BF16,
            ..Options::default()
        };
        let model = load_with(case.join("model"), &options).unwrap();
        let inputs = tensors(&case.join("in.safetensors"));
        let entry = model.module.entry_function().unwrap();
        let at = bind_inputs(&model.module.symbols, entry, &inputs).unwrap();
        let target = TargetDescription::named("x86-64-v4-bf16").unwrap();
        let module = specialize(&model.module);
        let (kernels, _) = choose(&module, &at, &target, &Switches::default()).unwrap();
        let read = raise(&kernels).unwrap();
        let found = evaluate(&read, model.weights.as_ref(), &inputs).unwrap();
        let expected = evaluate(&model.module, model.weights.as_ref(), &inputs).unwrap();
        for (output, expected) in expected {
            // The interpreter rounds where a cast says so; a tie may fall to either side of one of those.
            let error = relative_l2(&found[&output], &expected);
            assert!(error <= F32_RELATIVE_L2, "{}: {output} is off by {error:e}", case.display());
        }
    }
}
