//! Sessions on a GPU that is simulated: the answers are those of the CPU, to the bit.

use super::graph::faults::with_patch_left_out;
use super::*;
use crate::devices::{DeviceKind, UnfitMachine};
use crate::test_support::gpu::{self, code_object};
use crate::test_support::{artifact, chain, contents, input, load, plan};
use crate::{HostTensor, LoadError, Options, Outputs, RunError, Session};
use proptest::prelude::*;
use std::process::Command;

const SIMULATED: DeviceKind = DeviceKind::Cuda { driver: Driver::Simulator };

fn load_on(code: &CodeObject, device: DeviceKind) -> Result<Session, LoadError> {
    let options = Options { threads: 1, device: Some(device), ..Options::default() };
    // SAFETY: the kernels are what their signatures say.
    unsafe { Session::new(artifact(gpu::contents(code)), options) }
}

fn session() -> Session {
    load_on(&code_object("sm_80"), SIMULATED).unwrap()
}

/// Sizes of both programs, with some that come again.
const SIZES: [usize; 12] = [5, 40, 5, 6, 64, 1, 33, 5, 64, 64, 32, 40];

/// The input of a call, of which no element is one of another call.
fn input_of(call: usize, rows: usize) -> HostTensor {
    let mut x = input(rows);
    x.data.iter_mut().for_each(|element| *element += 256.0 * call as f32);
    x
}

/// The answers of a call for each size.
fn answers(session: &Session, sizes: &[usize]) -> Result<Vec<Outputs>, RunError> {
    let calls = sizes.iter().enumerate();
    calls.map(|(call, rows)| session.run(&[("x", &input_of(call, *rows))])).collect()
}

/// The answers of the CPU.
fn right_answers(sizes: &[usize]) -> Vec<Outputs> {
    answers(&load(artifact(contents(plan())), 1).unwrap(), sizes).unwrap()
}

#[test]
fn answers_are_those_of_the_cpu_at_every_size() {
    assert_eq!(answers(&session(), &SIZES).unwrap(), right_answers(&SIZES));
    assert_eq!(session().notes(), Vec::<String>::new());
}

#[test]
fn observers_see_what_lies_on_the_gpu() {
    let seen = |session: &Session| {
        let mut seen = Vec::new();
        let mut observe = |label: &str, tensor| seen.push((label.to_string(), tensor));
        let outputs = session.run_observed(&[("x", &input(33))], &mut observe).unwrap();
        (seen, outputs)
    };
    let cpu = load(artifact(contents(plan())), 1).unwrap();
    assert_eq!(seen(&session()), seen(&cpu));
    let (outputs, times) = session().run_profiled(&[("x", &input(33))]).unwrap();
    assert_eq!((outputs.len(), times.len()), (2, 3));
}

#[test]
fn calls_of_several_threads_have_streams_of_their_own() {
    let session = session();
    let right = right_answers(&SIZES[..4]);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(answers(&session, &SIZES[..4]).unwrap(), right));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// A graph that has run at one size is told of another, and of the first again. What it gives then is what launches one by
    /// one give, of which each is told everything.
    #[test]
    fn a_graph_keeps_no_size(sizes in proptest::collection::vec(1..=64usize, 2..5)) {
        let session = session();
        for (call, rows) in sizes.iter().chain(sizes.iter().rev()).enumerate() {
            let x = input_of(call, *rows);
            let by_graph = session.run(&[("x", &x)]).unwrap();
            prop_assert_eq!(by_graph, session.run_profiled(&[("x", &x)]).unwrap().0);
        }
    }
}

/// Leaves out one patch of a graph, each in turn: an answer is wrong, or a kernel reads what is not there, which the driver
/// finds.
#[test]
fn a_patch_that_is_left_out_shows() {
    if !is_alone("a_patch_that_is_left_out_shows") {
        return;
    }
    let sizes = [5, 9, 5, 32, 3, 40, 64, 33];
    let right = right_answers(&sizes);
    let (mut left_out, mut shown) = (0, 0);
    loop {
        let session = session();
        let (outputs, was_met) = with_patch_left_out(left_out, || answers(&session, &sizes));
        if !was_met {
            assert_eq!(outputs.unwrap(), right);
            break;
        }
        left_out += 1;
        shown += usize::from(outputs.ok().as_ref() != Some(&right));
    }
    println!("{shown} of {left_out} patches show when they are left out");
    assert!(left_out >= 8 && shown == left_out, "{shown} of {left_out}");
}

#[test]
fn machine_code_for_another_gpu_is_passed_over_for_ptx() {
    let cubin = || Some([b"\x7fELF".as_slice(), &[0; 60]].concat());
    // The simulating driver runs no machine code at all, and says so as one would that has another GPU.
    for architecture in ["sm_80", "sm_75"] {
        let code = CodeObject { cubin: cubin(), ..code_object(architecture) };
        let session = load_on(&code, SIMULATED).unwrap();
        let notes = session.notes();
        let [note] = notes.as_slice() else { panic!("{notes:?}") };
        assert!(note.contains(architecture) && note.contains("assembles its PTX"), "{note}");
        assert_eq!(answers(&session, &SIZES[..3]).unwrap(), right_answers(&SIZES[..3]));
    }
}

/// Kernels that wait for the launch before run as early as an edge lets them. Where one does not wait, the driver finds it, by
/// the kernel's name.
#[test]
fn a_kernel_that_begins_early_waits_for_the_launch_before() {
    if !is_alone("a_kernel_that_begins_early_waits_for_the_launch_before") {
        return;
    }
    let findings = tempfile::NamedTempFile::new().unwrap();
    // SAFETY: this process runs this test alone, which has one thread.
    unsafe {
        std::env::set_var("OCELLUS_SIM_ARCHITECTURE", "sm_90");
        std::env::set_var("OCELLUS_SIM_FINDINGS", findings.path());
    }
    let code = gpu::code_object_that_begins_early();
    let good = load_on(&code, SIMULATED).unwrap();
    assert_eq!(answers(&good, &SIZES).unwrap(), right_answers(&SIZES));
    drop(good);
    let waits: Vec<usize> = code.ptx.match_indices("griddepcontrol.wait;").map(|at| at.0).collect();
    assert_eq!(waits.len(), 3);
    // Nothing runs before the first, which is behind a full edge.
    for (left_out, kernel) in waits.into_iter().zip(["scale_rows", "add_rows", "probe_scratch"]) {
        let mut ptx = code.ptx.clone();
        ptx.replace_range(left_out..left_out + "griddepcontrol.wait;".len(), "");
        let bad = load_on(&CodeObject { ptx, ..code.clone() }, SIMULATED).unwrap();
        let outcome = answers(&bad, &[5]);
        assert_eq!(outcome.is_ok(), kernel == "scale_rows", "{kernel}");
        let text = std::fs::read_to_string(findings.path()).unwrap();
        assert_eq!(
            text.contains(&format!("in kernel `{kernel}`")),
            kernel != "scale_rows",
            "{text}"
        );
        drop(bad);
    }
    let text = std::fs::read_to_string(findings.path()).unwrap();
    assert_eq!(text.matches("without griddepcontrol.wait").count(), 2, "{text}");
}

/// Whether this process runs that test alone, as a kernel that goes wrong ends whatever else there is on the GPU; if it does not,
/// another process does, before this returns.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "OCELLUS_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "--nocapture", &format!("devices::cuda::tests::{test}")]);
    let output = alone.env(ALONE, "").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

/// What is said of a code object that cannot be loaded.
fn refusal(code: &CodeObject) -> String {
    chain(&load_on(code, SIMULATED).err().unwrap())
}

#[test]
fn code_for_a_newer_gpu_is_refused() {
    let text = refusal(&code_object("sm_120"));
    assert!(text.contains("`sm_120`") && text.contains("compile the model again with"), "{text}");
}

#[test]
fn code_that_the_driver_refuses_is_refused_in_its_words() {
    let ptx = gpu::PTX.replace("shl.b64", "shl.b63");
    let text = refusal(&CodeObject { ptx, ..code_object("sm_80") });
    assert!(text.contains("the driver refuses the kernels: ") && text.contains("shl"), "{text}");
    assert!(text.contains("cuModuleLoadDataEx gives CUDA_ERROR_INVALID_PTX"), "{text}");
}

#[test]
fn kernels_that_are_not_there_are_named() {
    let mut code = code_object("sm_80");
    let scale = code.kernels.remove(0);
    assert!(refusal(&code).contains("has no kernel `scale_rows`"));
    code.kernels.push(KernelEntry { symbol: "scale_columns".to_string(), ..scale.clone() });
    assert!(refusal(&code).contains("has no kernel `scale_rows`"));
    let ptx = gpu::PTX.replace("scale_rows", "scale_columns");
    let text = refusal(&CodeObject { ptx, ..code_object("sm_80") });
    assert!(text.contains("has no kernel `scale_rows`"), "{text}");
    code.kernels[2] = KernelEntry { shared_bytes: 1 << 20, ..scale };
    let text = refusal(&code);
    assert!(text.contains("needs 1048576 bytes of shared memory"), "{text}");
}

#[test]
fn code_for_another_plan_is_refused() {
    let code = CodeObject { plan: Some("another".to_string()), ..code_object("sm_80") };
    assert!(refusal(&code).contains("compiled for another plan"));
    let bytes = [2; 100];
    // SAFETY: nothing of it is run.
    let refused = unsafe { SIMULATED.load(&bytes, &plan(), &Options::default()) };
    assert!(refused.err().unwrap().to_string().contains("not for a GPU"));
}

#[test]
fn each_device_refuses_what_was_compiled_for_the_other() {
    let cpu = Options { threads: 1, device: Some(DeviceKind::Cpu), ..Options::default() };
    let gpu_artifact = artifact(gpu::contents(&code_object("sm_80")));
    // SAFETY: nothing of it is run.
    let error = unsafe { Session::new(gpu_artifact, cpu) }.err().unwrap();
    assert!(matches!(&error, LoadError::Machine(UnfitMachine::OtherDevice { .. })));
    let text = chain(&error);
    assert!(text.contains("`sm_80`") && text.contains("the device `cpu`"), "{text}");
    let options = Options { threads: 1, device: Some(SIMULATED), ..Options::default() };
    // SAFETY: as above.
    let error = unsafe { Session::new(artifact(contents(plan())), options) }.err().unwrap();
    let text = chain(&error);
    assert!(text.contains("`cpu`") && text.contains("the device `sim`"), "{text}");
    assert!(text.contains("--target sm_80"), "{text}");
}

#[test]
fn a_process_has_one_driver() {
    let _session = session();
    let code = code_object("sm_80");
    let error = load_on(&code, DeviceKind::Cuda { driver: Driver::System }).err().unwrap();
    let text = chain(&error);
    assert!(text.contains("by the driver `sim`") && text.contains("`cuda`"), "{text}");
}

#[test]
fn more_memory_than_there_is_is_refused_with_how_much_it_was() {
    let device = CudaDevice::of(&code_object("sm_80"));
    let error = device.allocate(1 << 60).err().unwrap();
    let text = chain(&error);
    assert!(text.contains("cannot allocate 1152921504606846976 bytes"), "{text}");
    assert!(text.contains("bytes of memory left"), "{text}");
}

#[test]
fn copies_larger_than_what_is_kept_for_them_wait_for_each_other() {
    let device = CudaDevice::of(&code_object("sm_80"));
    // More than the parts that there is room for, and no multiple of them.
    let bytes: Vec<u8> = (0..100_000_003u32).map(|i| (i ^ (i >> 9)) as u8).collect();
    let memory = device.allocate(bytes.len()).unwrap();
    let mut stream = device.stream().unwrap();
    let mut back = vec![0; bytes.len()];
    // SAFETY: the memory is as large as both, and all stay until the stream is synchronized.
    unsafe {
        stream.upload(&bytes, memory.address()).unwrap();
        stream.download(memory.address(), &mut back).unwrap();
    }
    stream.synchronize().unwrap();
    assert!(back == bytes);
}

impl CudaDevice {
    fn of(code: &CodeObject) -> CudaDevice {
        let code = code.to_bytes().unwrap();
        // SAFETY: the kernels are what their signatures say.
        unsafe { CudaDevice::load(&code, &plan(), (Driver::Simulator, 0)) }.unwrap().0
    }
}

#[test]
fn a_stream_that_is_dropped_has_delivered() {
    let device = CudaDevice::of(&code_object("sm_80"));
    let memory = device.allocate(4).unwrap();
    let mut stream = device.stream().unwrap();
    let mut back = [0; 4];
    // SAFETY: as above; to drop the stream is to wait for it.
    unsafe {
        stream.upload(&[1, 2, 3, 4], memory.address()).unwrap();
        stream.download(memory.address(), &mut back).unwrap();
    }
    drop(stream);
    assert_eq!(back, [1, 2, 3, 4]);
}
