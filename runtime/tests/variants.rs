//! Which variant of an artifact runs. The plans differ in what they add, so that an answer shows whose it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

mod support;

use ocellus_dialects::plan::LaunchArgument;
use ocellus_runtime::devices::cuda::Driver;
use ocellus_runtime::devices::{DeviceKind, UnfitMachine};
use ocellus_runtime::{ArtifactContents, LoadError, Options, Session, VariantContents};
use support::{artifact, chain, code, constant, expected, input, plan, target};

/// A variant that asks for a feature of no CPU, or for none; it adds `addend`.
fn variant(name: &str, feature: Option<&str>, addend: i64) -> VariantContents {
    let mut plan = plan();
    plan.programs[0].launches[1].arguments[1] = LaunchArgument::Integer(constant(addend));
    let mut target = target();
    target.name = name.to_string();
    target.features.extend(feature.map(String::from));
    VariantContents { target, plan, code: code().to_vec() }
}

fn three() -> Vec<VariantContents> {
    vec![variant("cpu:a", None, 10), variant("cpu:b", None, 20), variant("cpu:c", Some("of-c"), 30)]
}

fn load_with(variants: Vec<VariantContents>, options: Options) -> Result<Session, LoadError> {
    let artifact = artifact(ArtifactContents::new("several", variants));
    // SAFETY: the kernels are what their signatures say.
    unsafe { Session::new(artifact, Options { threads: 1, ..options }) }
}

fn any() -> Options {
    Options::default()
}

fn target_named(name: &str) -> Options {
    Options { target: Some(name.to_string()), ..Options::default() }
}

/// What a session adds.
fn addend(session: &Session) -> f32 {
    let x = input(5);
    let outputs = session.run(&[("x", &x)]).unwrap();
    outputs[0].1.data[0] - (expected(&x).1[0] - 1.0)
}

fn error(result: Result<Session, LoadError>) -> String {
    chain(&result.err().expect("an artifact that does not run here"))
}

#[test]
fn the_most_able_that_the_machine_can_run_is_taken_and_a_note_says_what_is_passed_over() {
    let session = load_with(three(), any()).unwrap();
    assert_eq!((session.target().name.as_str(), addend(&session)), ("cpu:b", 20.0));
    assert_eq!(
        session.notes(),
        [
            "the artifact's variant for `cpu:b` runs, and that for `cpu:c` does not, as this CPU lacks of-c"
        ]
    );
    let mut able = three();
    able[2] = variant("cpu:c", None, 30);
    let session = load_with(able, any()).unwrap();
    assert_eq!((session.target().name.as_str(), addend(&session)), ("cpu:c", 30.0));
    assert!(session.notes().is_empty());
}

#[test]
fn a_target_can_be_named() {
    let session = load_with(three(), target_named("cpu:a")).unwrap();
    assert_eq!((session.target().name.as_str(), addend(&session)), ("cpu:a", 10.0));
    assert!(session.notes().is_empty());
    assert!(error(load_with(three(), target_named("cpu:c"))).contains("this CPU lacks of-c"));
    assert_eq!(
        error(load_with(three(), target_named("cpu:d"))),
        "the artifact was not compiled for `cpu:d`: name `cpu:a` or `cpu:b` or `cpu:c`"
    );
}

#[test]
fn where_none_runs_each_is_told_with_its_reason() {
    let foreign =
        vec![variant("cpu:a", Some("of-a"), 10), variant("abacus", None, 20), three().remove(2)];
    assert_eq!(
        error(load_with(foreign, any())),
        "none of the artifact's variants runs here (`cpu:c`: this CPU lacks of-c; `cpu:a`: this CPU lacks of-a; `abacus`: \
         there is no device here for that): compile the model again for a target that this machine runs, as `ocellus \
         doctor` tells"
    );
    // One alone says what it said before there were several.
    let alone = load_with(vec![three().remove(2)], any()).err().unwrap();
    assert!(matches!(alone, LoadError::Machine(UnfitMachine::Cpu(_))), "{alone}");
}

#[test]
fn a_cpu_goes_before_a_gpu_unless_the_gpu_is_asked_for() {
    let mixed = || vec![variant("cpu:a", None, 10), variant("sm_80", None, 20)];
    let session = load_with(mixed(), any()).unwrap();
    assert_eq!(session.target().name, "cpu:a");
    assert!(session.notes().is_empty());
    // The code is that of a CPU, which shows that it was chosen for the GPU.
    let device = Some(DeviceKind::Cuda { driver: Driver::Simulator });
    let gpu = error(load_with(mixed(), Options { device, ..any() }));
    assert!(gpu.contains("it is not for a GPU"), "{gpu}");

    let cpu = Options { device: Some(DeviceKind::Cpu), ..any() };
    let gpus = vec![variant("sm_80", None, 10), variant("sm_90", None, 20)];
    assert_eq!(
        error(load_with(gpus, cpu)),
        "none of the artifact's variants runs here (`sm_90`: the device `cpu` cannot run that; `sm_80`: the device `cpu` \
         cannot run that): leave `--device` out, or compile the model again for a target of that device"
    );
}

#[test]
fn code_that_is_broken_is_an_error_and_not_passed_over() {
    let mut broken = three();
    broken[1].code = b"no code".to_vec();
    assert!(error(load_with(broken, any())).contains("the dynamic loader refuses the code object"));
}
