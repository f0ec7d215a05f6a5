//! A golden compiled for several targets into one artifact: each of its programs gives what `transformers` computed, and is the one
//! that is compiled for its target alone.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, relative_l2, tensors};
use ocellus_compiler::{Compiler, CpuTarget, Target};
use ocellus_dialects::ElementType;
use ocellus_frontend::Model;
use ocellus_frontend::hugging_face::{Options, load_with};
use ocellus_runtime::devices::DeviceKind;
use ocellus_runtime::devices::cuda::Driver;
use ocellus_runtime::{Artifact, HostTensor, Options as RunOptions, Session};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// With gates, so that there are several packings of a target too.
const CASE: &str = "dinov2-swiglu";

fn case(name: &str) -> PathBuf {
    cases().into_iter().find(|case| case.ends_with(name)).unwrap()
}

fn model(case: &Path, element: ElementType) -> Model {
    let options = Options { ranges: ranges(&golden(case)), element, ..Options::default() };
    load_with(case.join("model"), &options).unwrap()
}

/// The least able last, which the artifact is not to depend on.
fn compiler(targets: impl DoubleEndedIterator<Item = Target>) -> Compiler {
    let mut targets = targets.rev();
    let first = Compiler::new(targets.next().unwrap());
    targets.fold(first, Compiler::and_for).disable("assemble")
}

fn compile(compiler: &Compiler, model: &Model) -> Artifact {
    compiler.compile_artifact(model, &mut |_| {}).unwrap().1
}

/// The greatest relative error of an output, where it runs for that target.
fn error(artifact: &Artifact, case: &Path, options: RunOptions) -> f64 {
    let target = options.target.clone().unwrap();
    let artifact = Artifact::from_bytes(artifact.bytes()).unwrap();
    // SAFETY: it has just been compiled.
    let session = unsafe { Session::new(artifact, options) }.unwrap();
    assert_eq!(session.target().name, target);
    assert!(session.notes().is_empty());
    let inputs = tensors(&case.join("in.safetensors"));
    let inputs: Vec<(&str, &HostTensor)> =
        inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let expected = tensors(&case.join("out.safetensors"));
    let outputs = session.run(&inputs).unwrap();
    let errors = outputs.iter().map(|(name, found)| relative_l2(found, &expected[name]));
    errors.fold(0.0, f64::max)
}

fn named(target: &Target) -> RunOptions {
    RunOptions { target: Some(target.name()), ..RunOptions::default() }
}

fn weight_names(artifact: &Artifact) -> HashSet<String> {
    let weights = artifact.variants().iter().flat_map(|variant| variant.plan.weights.clone());
    weights.map(|weight| weight.name).collect()
}

/// Checks the artifact for all CPUs, and gives it with those for each of them alone.
fn check(element: ElementType, bound: impl Fn(&Path) -> f64) -> (Artifact, Vec<Artifact>) {
    let case = case(CASE);
    let model = model(&case, element);
    let cpus = CpuTarget::ALL.map(Target::Cpu);
    let together = compile(&compiler(cpus.into_iter()), &model);
    let alone: Vec<Artifact> =
        cpus.iter().map(|target| compile(&Compiler::new(*target), &model)).collect();
    assert_eq!(together.variants().len(), alone.len());
    for ((variant, alone), target) in together.variants().iter().zip(&alone).zip(&cpus) {
        let own = &alone.variants()[0];
        assert_eq!(variant.target, target.requirements());
        assert_eq!(variant, own);
        for index in 0..own.plan.weights.len() {
            assert_eq!(together.weight(variant, index), alone.weight(own, index));
        }
        if DeviceKind::of(&variant.target, None).is_ok() {
            let error = error(&together, &case, named(target));
            println!("{:20} {error:.2e}", target.name());
            assert!(error <= bound(&case), "{}: {error:e}", target.name());
        }
    }
    (together, alone)
}

#[test]
fn each_target_of_an_artifact_is_right_in_f32_and_shares_its_weights() {
    let (together, alone) = check(ElementType::F32, |_| F32_RELATIVE_L2);
    let with = CpuTarget::ALL.iter().position(|cpu| *cpu == CpuTarget::X86_64_V4).unwrap();
    let [v4, bf16] = &together.variants()[with..with + 2] else { panic!("two targets") };
    // In f32 these two have one vector width, and one packing of each weight.
    assert_eq!(v4.plan.weights, bf16.plan.weights);
    for index in 0..v4.plan.weights.len() {
        let [a, b] = [v4, bf16].map(|variant| together.weight(variant, index).unwrap().as_ptr());
        assert_eq!(a, b);
    }
    // All that is saved, but for the padding behind headers.
    let sum: usize = alone.iter().map(|alone| alone.bytes().len()).sum();
    let shared: u64 = v4.plan.weights.iter().map(|weight| weight.bytes).sum();
    assert!(together.bytes().len() + shared as usize <= sum + 64 * alone.len());
    let distinct: HashSet<String> = alone.iter().flat_map(weight_names).collect();
    assert_eq!(weight_names(&together), distinct);
}

#[test]
fn each_target_of_an_artifact_is_right_in_bf16() {
    check(ElementType::BF16, |case| {
        let pytorch = golden(case)["bf16_relative_l2"].as_object().unwrap().clone();
        1.5 * pytorch.values().filter_map(serde_json::Value::as_f64).fold(f64::INFINITY, f64::min)
    });
}

#[test]
fn a_cpu_and_a_gpu_may_share_an_artifact() {
    let case = case("vit-base");
    let model = model(&case, ElementType::F32);
    let cpu = Target::Cpu(CpuTarget::X86_64_V3);
    let gpu = Target::from_name("sm_80").unwrap();
    let together = compile(&compiler([cpu, gpu].into_iter()), &model);
    let error_on =
        |target: &Target, device| error(&together, &case, RunOptions { device, ..named(target) });
    assert!(error_on(&cpu, None) <= F32_RELATIVE_L2);
    let simulator = Some(DeviceKind::Cuda { driver: Driver::Simulator });
    // Its products are near those of f32: `compiled.rs` holds them to the bound that is derived.
    assert!(error_on(&gpu, simulator) <= 1e-3);
    // Where no device is asked for, it is the CPU; where a GPU is, its own.
    for (device, target) in [(None, cpu), (simulator, gpu)] {
        let options = RunOptions { device, ..RunOptions::default() };
        let artifact = Artifact::from_bytes(together.bytes()).unwrap();
        // SAFETY: it has just been compiled.
        let session = unsafe { Session::new(artifact, options) }.unwrap();
        assert_eq!(session.target().name, target.name());
        assert!(session.notes().is_empty());
    }
}

#[test]
fn what_is_another_thing_for_each_target_is_asked_for_one() {
    let model = model(&case("vit-base"), ElementType::F32);
    let both = compiler(CpuTarget::ALL[..2].iter().map(Target::from));
    let error = both.stages(&model).unwrap_err().to_string();
    assert!(
        error.contains("`cpu:x86-64-v3`, `cpu:x86-64-v4`") && error.contains("name one"),
        "{error}"
    );
    let twice = both.clone().and_for(Target::Cpu(CpuTarget::X86_64_V3));
    assert_eq!(twice.targets(), both.targets());
}
