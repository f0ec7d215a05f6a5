//! Every schedule that a machine may choose gives what `transformers` computed, not only the compiler's.

use crate::golden::{F32_RELATIVE_L2, cases, golden, ranges, relative_l2, tensors};
use ocellus_compiler::verify::tolerance;
use ocellus_compiler::{Compiler, Target};
use ocellus_dialects::ElementType;
use ocellus_frontend::hugging_face::{Options, load_with};
use ocellus_runtime::devices::DeviceKind;
use ocellus_runtime::devices::cuda::Driver;
use ocellus_runtime::signature::plan_hash;
use ocellus_runtime::tuning::{Tuning, TuningFile};
use ocellus_runtime::{HostTensor, Options as RunOptions, Session};

/// Patches, gates, and heads of which one is no multiple of eight.
const CASES: [&str; 2] = ["dinov2-swiglu", "siglip-so400m-like"];

/// What a simulated GPU runs in a few seconds.
const CASES_OF_GPU: [&str; 1] = ["vit-base"];

/// The most schedules of a launch.
const SCHEDULES: usize = 4;

fn check(names: &[&str], target: Target, options: RunOptions) {
    for case in cases().into_iter().filter(|case| names.iter().any(|name| case.ends_with(name))) {
        let ranges = ranges(&golden(&case));
        let model =
            load_with(case.join("model"), &Options { ranges, ..Options::default() }).unwrap();
        let compiler = Compiler::new(target).schedules(SCHEDULES);
        let compiler = compiler.disable("assemble").disable("cut-range");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("artifact");
        let programs = compiler.compile_to_file(&model, &path, &mut |_| {}).unwrap();
        let plan = &programs[0].host.plan;
        let launches = plan.programs.iter().map(|program| program.launches.len()).max().unwrap();
        let offered = plan.programs.iter().flat_map(|program| &program.launches);
        assert!(offered.clone().any(|launch| launch.schedules().count() == SCHEDULES));
        let product_error = target.product_error(ElementType::F32);
        let bound = F32_RELATIVE_L2 + tolerance(ElementType::F32, product_error, launches, 1);
        // SAFETY: it has just been compiled, and nobody else writes into it.
        let load = || unsafe { Session::load(&path, options.clone()) }.unwrap();
        let device = load().device_name();
        for number in 0..SCHEDULES {
            let mut file = TuningFile::default();
            let schedules = vec![vec![number; launches]; plan.programs.len()];
            let (plan, device) = (plan_hash(plan), device.clone());
            file.remember(Tuning { plan, device, schedules });
            file.write(&TuningFile::path_for(&path)).unwrap();
            let session = load();
            assert_eq!(session.notes(), [""; 0]);
            let inputs = tensors(&case.join("in.safetensors"));
            let inputs: Vec<(&str, &HostTensor)> =
                inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
            let expected = tensors(&case.join("out.safetensors"));
            for (name, found) in session.run(&inputs).unwrap() {
                let error = relative_l2(&found, &expected[&name]);
                assert!(error <= bound, "{name} by schedule {number}: {error:e} > {bound:e}");
            }
        }
    }
}

#[test]
fn every_schedule_of_a_launch_is_right() {
    check(&CASES, Target::host().unwrap(), RunOptions::default());
}

#[test]
fn every_schedule_of_a_launch_on_a_gpu_is_right() {
    let device = Some(DeviceKind::Cuda { driver: Driver::Simulator });
    let options = RunOptions { device, ..RunOptions::default() };
    check(&CASES_OF_GPU, Target::from_name("sm_80").unwrap(), options);
}
