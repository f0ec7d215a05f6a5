//! Every golden checkpoint, compiled and run, against what `transformers` computed.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, relative_l2, tensors};
use ocellus_compiler::verify::tolerance;
use ocellus_compiler::{Compiler, Encoder, Target};
use ocellus_dialects::ElementType;
use ocellus_frontend::hugging_face::{Options, load_with};
use ocellus_runtime::devices::DeviceKind;
use ocellus_runtime::devices::cuda::Driver;
use ocellus_runtime::{HostTensor, Options as RunOptions};
use std::collections::BTreeMap;
use std::path::Path;

/// bf16 may lie this much further from PyTorch's f32 result than PyTorch's own bf16 run does.
const BF16_FACTOR: f64 = 1.5;

/// The golden's model, compiled, to be run by this machine or the GPU that is simulated on it.
fn encoder(case: &Path, element: ElementType, target: Target) -> Encoder {
    let options = Options { ranges: ranges(&golden(case)), element, ..Options::default() };
    let model = load_with(case.join("model"), &options).unwrap();
    match target {
        Target::Cpu(_) => Compiler::new(target).compile(&model).unwrap(),
        // The driver takes PTX alone, and to assemble it takes longer than all else.
        Target::Nvidia(gpu) => {
            let device = Some(DeviceKind::Cuda { driver: Driver::Simulator });
            let options = RunOptions { device, ..RunOptions::default() };
            let compiler = Compiler::new(target).disable("assemble");
            // The kernels of tf32 differ from those of f32 in one instruction: one program for all sizes is enough.
            let compiler = if gpu.tf32 { compiler.disable("cut-range") } else { compiler };
            compiler.compile_for(&model, options).unwrap()
        }
    }
}

/// The relative L2 error of each output that the golden has.
fn errors(case: &Path, encoder: &Encoder) -> BTreeMap<String, f64> {
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

/// As far from the golden as PyTorch's own bf16 is, or little more.
fn check_bf16(target: Target) {
    for case in cases() {
        let pytorch = &golden(&case)["bf16_relative_l2"];
        let encoder = encoder(&case, ElementType::BF16, target);
        for (output, error) in errors(&case, &encoder) {
            let bound = BF16_FACTOR * pytorch[&output].as_f64().unwrap();
            println!("{:40} {output:20} {error:.2e} of {bound:.2e}", name(&case));
            assert!(error <= bound, "{} {output}: {error:e} > {bound:e}", name(&case));
        }
    }
}

/// As far as the products of the target are from those of f32.
fn check_f32_products(target: Target) {
    for case in cases() {
        let encoder = encoder(&case, ElementType::F32, target);
        let programs = &encoder.program().host.plan.programs;
        let launches = programs.iter().map(|program| program.launches.len()).max().unwrap();
        let product_error = target.product_error(ElementType::F32);
        let bound = F32_RELATIVE_L2 + tolerance(ElementType::F32, product_error, launches, 1);
        for (output, error) in errors(&case, &encoder) {
            println!("{:40} {output:20} {error:.2e} of {bound:.2e}", name(&case));
            assert!(error <= bound, "{} {output}: {error:e} > {bound:e}", name(&case));
        }
    }
}

fn gpu() -> Target {
    Target::from_name("sm_80").unwrap()
}

#[test]
fn every_golden_holds_in_f32() {
    for case in cases() {
        let encoder = encoder(&case, ElementType::F32, Target::host().unwrap());
        for (output, error) in errors(&case, &encoder) {
            println!("{:40} {output:20} {error:.2e}", name(&case));
            assert!(error <= F32_RELATIVE_L2, "{} {output}: {error:e}", name(&case));
        }
    }
}

#[test]
fn every_golden_holds_in_bf16_as_well_as_pytorch_does() {
    check_bf16(Target::host().unwrap());
}

#[test]
fn every_golden_holds_in_bf16_on_a_gpu() {
    check_bf16(gpu());
}

#[test]
fn every_golden_holds_in_products_of_bf16_on_a_gpu() {
    check_f32_products(gpu());
}

#[test]
fn every_golden_holds_in_tf32_on_a_gpu() {
    check_f32_products(gpu().with_tf32().unwrap());
}
