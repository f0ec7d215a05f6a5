//! `ocellus-run` on a GPU that is simulated, and what it says where that cannot be.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use ocellus_runtime::devices::cuda::CodeObject;
use ocellus_runtime::{ArtifactContents, read_tensors, write_tensors};
use std::path::PathBuf;
use std::process::{Command, Output};
use support::gpu::{PTX, code_object, contents};
use support::{expected, input, write_artifact, write_artifact_of};
use tempfile::TempDir;

/// A folder with an artifact and inputs for it.
struct Case {
    folder: TempDir,
}

impl Case {
    fn new(code: &CodeObject) -> Self {
        let case = Case { folder: tempfile::tempdir().unwrap() };
        write_artifact_of(&case.path("artifact"), contents(code));
        write_tensors(&case.path("in"), &[("x".to_string(), input(40))]).unwrap();
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ocellus-run artifact --input in --output out`, and more, with settings of the simulating driver.
    fn run(&self, more: &[&str], settings: &[(&str, &str)]) -> Output {
        let mut command = ocellus_run(settings);
        command.arg(self.path("artifact")).arg("--input").arg(self.path("in"));
        command.arg("--output").arg(self.path("out")).args(more);
        command.output().unwrap()
    }

    /// What is said of a run that must fail in an orderly way.
    fn error(&self, more: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(more, settings);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.starts_with("error: ") && !text.contains("panicked"), "{text}");
        assert!(!self.path("out").exists());
        text
    }
}

/// The command, which finds the simulating driver beside this test.
fn ocellus_run(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ocellus-run"));
    let driver = std::env::current_exe().unwrap().with_file_name("libocellus_cuda_sim.so");
    // What the driver finds is told to nobody: it is the runtime's words that are wanted.
    command.env("OCELLUS_CUDA_DRIVER", driver).env("OCELLUS_SIM_FINDINGS", "/dev/null");
    command.envs(settings.iter().copied());
    command
}

const SIM: [&str; 2] = ["--device", "sim"];

fn case() -> Case {
    Case::new(&code_object("sm_80"))
}

#[test]
fn runs_an_artifact() {
    for more in [&[][..], &["--profile"]] {
        let case = case();
        let output = case.run(&[&SIM, more].concat(), &[]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !text.contains("note: "), "{text}");
        let outputs = read_tensors(&case.path("out"), |_| false).unwrap();
        assert_eq!(outputs["y"].data, expected(&input(40)).1);
        assert_eq!(text.contains("scale_rows  scaled"), more == ["--profile"], "{text}");
    }
}

#[test]
fn calls_are_timed_with_tensors_of_the_host_and_on_the_device() {
    let output = case().run(&[&SIM[..], &["--runs", "2", "--on-device"]].concat(), &[]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let [whole, on_device] = lines[..] else { panic!("{text}") };
    assert!(whole.starts_with("a call takes "), "{text}");
    assert!(on_device.starts_with("a call whose tensors stay on the device takes "), "{text}");
}

#[test]
fn machine_code_for_another_gpu_is_passed_over_with_a_note() {
    let cubin = Some([b"\x7fELF".as_slice(), &[0; 60]].concat());
    let case = Case::new(&CodeObject { cubin, ..code_object("sm_80") });
    // The simulating driver takes none at all, and not since it is for another GPU.
    let output = case.run(&SIM, &[]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("for `sm_80` is none that the driver takes"), "{text}");
    let output = case.run(&SIM, &[("OCELLUS_SIM_ARCHITECTURE", "sm_90")]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.starts_with("note: ") && text.contains("is for `sm_80`"), "{text}");
    assert!(text.contains("(`sm_90`)") && text.contains("assembles its PTX"), "{text}");
    let outputs = read_tensors(&case.path("out"), |_| false).unwrap();
    assert_eq!(outputs["y"].data, expected(&input(40)).1);
}

#[test]
fn of_several_architectures_the_latest_that_the_gpu_can_run_is_taken() {
    let of = |architectures: &[&str]| {
        let variants = architectures.iter().flat_map(|architecture| {
            let ArtifactContents { variants, .. } = contents(&code_object(architecture));
            variants
        });
        let contents = ArtifactContents::new("several", variants.collect());
        let case = case();
        write_artifact_of(&case.path("artifact"), contents);
        case
    };
    let both = of(&["sm_80", "sm_90"]);
    for (gpu, note) in [("sm_80", true), ("sm_86", true), ("sm_90", false), ("sm_120", false)] {
        let output = both.run(&SIM, &[("OCELLUS_SIM_ARCHITECTURE", gpu)]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        let said =
            text.contains("variant for `sm_80` runs, and that for `sm_90` does not, as the GPU");
        assert_eq!(said, note, "{gpu}: {text}");
        let outputs = read_tensors(&both.path("out"), |_| false).unwrap();
        assert_eq!(outputs["y"].data, expected(&input(40)).1);
        std::fs::remove_file(both.path("out")).unwrap();
    }
    let named = [&SIM[..], &["--target", "sm_80"]].concat();
    let output = both.run(&named, &[("OCELLUS_SIM_ARCHITECTURE", "sm_90")]);
    assert!(output.status.success());
    std::fs::remove_file(both.path("out")).unwrap();
    let text = of(&["sm_90", "sm_120"]).error(&SIM, &[("OCELLUS_SIM_ARCHITECTURE", "sm_80")]);
    assert!(
        text.contains("none of the artifact's variants runs here (`sm_120`: the GPU"),
        "{text}"
    );
    let text = both.error(&[&SIM[..], &["--target", "sm_86"]].concat(), &[]);
    assert!(text.contains("was not compiled for `sm_86`: name `sm_80` or `sm_90`"), "{text}");
}

#[test]
fn without_a_driver_it_says_so() {
    let listed = ocellus_run(&[]).arg("--devices").output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    if listed.contains("a driver for CUDA") {
        eprintln!("skipped: there is a driver here");
        return;
    }
    assert!(listed.contains("cpu   ") && listed.contains("cuda  none: "), "{listed}");
    // The device of the artifact's target is one that needs a driver.
    for more in [&["--device", "cuda"][..], &[]] {
        let text = case().error(more, &[]);
        assert!(text.contains("there is no driver of NVIDIA's GPUs here"), "{text}");
        assert!(text.contains("install NVIDIA's driver"), "{text}");
    }
}

#[test]
fn without_the_simulating_driver_it_says_where_it_looked() {
    let text = case().error(&SIM, &[("OCELLUS_CUDA_DRIVER", "/nowhere/libcuda.so")]);
    assert!(
        text.contains("the simulating driver `/nowhere/libcuda.so` cannot be loaded"),
        "{text}"
    );
    assert!(text.contains("OCELLUS_CUDA_DRIVER"), "{text}");
}

#[test]
fn without_a_gpu_it_says_so() {
    let none = [("OCELLUS_SIM_DEVICES", "0"), ("OCELLUS_SIM_DRIVER_VERSION", "12040")];
    let text = case().error(&SIM, &none);
    assert!(text.contains("a driver for CUDA 12.4, but no GPU that it can use"), "{text}");
    assert!(text.contains("`nvidia-smi`"), "{text}");
}

#[test]
fn a_gpu_is_chosen_by_its_number() {
    let two = [("OCELLUS_SIM_DEVICES", "2")];
    let case = case();
    let output = case.run(&["--device", "sim:1"], &two);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let outputs = read_tensors(&case.path("out"), |_| false).unwrap();
    assert_eq!(outputs["y"].data, expected(&input(40)).1);
    let other = self::case();
    let text = other.error(&["--device", "sim:2"], &two);
    assert!(text.contains("there is no GPU 2: the driver has 2, and counts from 0"), "{text}");
    let output = other.run(&["--device", "sim:two"], &two);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("or a GPU by its number, as `cuda:1`"), "{text}");
}

#[test]
fn an_older_gpu_is_told_what_to_compile_for() {
    let text = Case::new(&code_object("sm_90")).error(&SIM, &[]);
    assert!(text.contains("`sm_90`") && text.contains("compute capability 8.0"), "{text}");
    assert!(text.contains("compile the model again with `--target sm_80`"), "{text}");
    // There is no target for it.
    let text = case().error(&SIM, &[("OCELLUS_SIM_ARCHITECTURE", "sm_75")]);
    assert!(text.contains("no kernels are written for GPUs before 8.0"), "{text}");
    assert!(text.contains("with `--target cpu`") && !text.contains("--target sm_75"), "{text}");
}

#[test]
fn too_little_memory_is_refused_with_how_much_it_needs() {
    let text = case().error(&SIM, &[("OCELLUS_SIM_MEMORY", "32")]);
    assert!(text.contains("cannot put the weights into the memory of the device"), "{text}");
    assert!(text.contains("cannot allocate 64 bytes of memory of the GPU"), "{text}");
    assert!(text.contains("of 32 bytes of memory left"), "{text}");
    let text = case().error(&SIM, &[("OCELLUS_SIM_MEMORY", "1K")]);
    assert!(text.contains("cannot allocate") && text.contains("for the arena"), "{text}");
    assert!(text.contains("give a smaller input"), "{text}");
}

#[test]
fn each_device_refuses_what_was_compiled_for_the_other() {
    let text = case().error(&["--device", "cpu"], &[]);
    assert!(text.contains("compiled for `sm_80`, and the device `cpu` cannot run that"), "{text}");
    assert!(text.contains("leave `--device` out, or compile the model again"), "{text}");
    let of_cpu = case();
    write_artifact(&of_cpu.path("artifact"));
    for device in ["cuda", "sim"] {
        let text = of_cpu.error(&["--device", device], &[]);
        let wanted = format!("compiled for `cpu`, and the device `{device}` cannot run that");
        assert!(text.contains(&wanted) && text.contains("`--target sm_80`"), "{text}");
    }
    let output = of_cpu.run(&["--device", "tpu"], &[]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("give one of `cpu`, `cuda`, `sim`"), "{text}");
}

#[test]
fn a_driver_that_is_too_old_for_the_ptx_is_told_from_a_defect() {
    let ptx = PTX.replace(".version 7.0", ".version 8.7");
    let case = Case::new(&CodeObject { ptx, ..code_object("sm_80") });
    let text = case.error(&SIM, &[("OCELLUS_SIM_DRIVER_VERSION", "12020")]);
    assert!(text.contains("for CUDA 12.2, which is too old for the PTX"), "{text}");
    assert!(text.contains("(version 8.7)") && text.contains("install a newer driver"), "{text}");
    assert!(case.run(&SIM, &[]).status.success());
}

#[test]
fn a_kernel_that_fails_is_named() {
    let second = [("OCELLUS_SIM_FAIL", "launch@2=CUDA_ERROR_ILLEGAL_ADDRESS")];
    let text = case().error(&SIM, &second);
    let all = "one of these kernels failed on the GPU: scale_rows, add_rows, probe_scratch";
    assert!(text.contains(all) && text.contains("`ocellus-run --profile`"), "{text}");
    let text = case().error(&["--device", "sim", "--profile"], &second);
    assert!(text.contains("the kernel `add_rows` failed on the GPU"), "{text}");
    assert!(text.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{text}");
}

#[test]
fn a_kernel_that_cannot_be_launched_is_named() {
    for (function, more, kernel) in [
        ("cuLaunchKernelEx@2", &["--profile"][..], "add_rows"),
        ("cuGraphAddKernelNode_v2@3", &[], "probe_scratch"),
        ("cuFuncSetAttribute@1", &[], "scale_rows"),
    ] {
        let failure = format!("{function}=CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES");
        let text = case().error(&[&SIM, more].concat(), &[("OCELLUS_SIM_FAIL", &failure)]);
        assert!(text.contains(&format!("the kernel `{kernel}` cannot be launched")), "{text}");
        assert!(text.contains("gives CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"), "{text}");
    }
}

#[test]
fn a_call_of_the_driver_that_fails_is_named() {
    for (function, error) in [
        ("cuGraphInstantiateWithFlags", "CUDA_ERROR_OUT_OF_MEMORY"),
        ("cuStreamCreate", "CUDA_ERROR_INVALID_VALUE"),
        ("cuMemcpyHtoDAsync_v2", "CUDA_ERROR_INVALID_VALUE"),
        ("cuInit", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
    ] {
        let text = case().error(&SIM, &[("OCELLUS_SIM_FAIL", &format!("{function}@1={error}"))]);
        let name = function.trim_end_matches("_v2").trim_end_matches("WithFlags");
        assert!(text.contains(&format!("{name} gives {error}")), "{text}");
    }
}

#[test]
fn devices_are_listed() {
    let settings = [
        ("OCELLUS_SIM_ARCHITECTURE", "sm_90"),
        ("OCELLUS_SIM_NAME", "A GPU"),
        ("OCELLUS_SIM_DEVICES", "2"),
        ("OCELLUS_SIM_MEMORY", "80G"),
        ("OCELLUS_SIM_DRIVER_VERSION", "12080"),
    ];
    let output = ocellus_run(&settings).args(["--devices", "--device", "sim"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("cpu   "), "{text}");
    assert!(text.contains("sim   a driver for CUDA 12.8, 2 GPUs\n"), "{text}");
    assert!(text.contains("sim   A GPU (sm_90), 80.0 GiB, "), "{text}");
}
