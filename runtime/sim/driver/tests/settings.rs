//! What the settings in the environment change. Each case is a process of its own: this test, run again.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use support::*;

fn initialize() -> u32 {
    Driver::open().cuInit(0)
}

#[test]
fn no_device() {
    if with("no_device", &[("DEVICES", "0")]) {
        assert_eq!(initialize(), NO_DEVICE);
        assert_eq!(Driver::open().cuDeviceGetCount(&mut 0), NOT_INITIALIZED);
    }
}

#[test]
fn a_setting_that_is_wrong() {
    if with("a_setting_that_is_wrong", &[("ARCHITECTURE", "sm_8x")]) {
        assert_eq!(initialize(), INVALID_VALUE);
    }
}

#[test]
fn several_devices_have_no_address_in_common() {
    if with("several_devices_have_no_address_in_common", &[("DEVICES", "2")]) {
        let machine = Machine::new();
        let (mut count, mut other) = (0, 0);
        assert_eq!((machine.cuDeviceGetCount(&mut count), count), (0, 2));
        let here = machine.device(Ok(&[1; 4]));
        assert_eq!(machine.cuCtxCreate_v2(&mut other, 0, 1), 0);
        let there = machine.device(Ok(&[2; 4]));
        assert_ne!(here, there);
        let mut device = 9;
        assert_eq!(machine.cuPointerGetAttribute(&mut device, 9, here), 0);
        assert_eq!(device as u32, 0);
        assert_eq!(machine.cuMemcpyDtoH_v2(1, here, 4), INVALID_VALUE);
    }
}

#[test]
fn another_architecture() {
    let settings = [("ARCHITECTURE", "sm_90"), ("MULTIPROCESSORS", "7"), ("NAME", "Test")];
    if with("another_architecture", &settings) {
        let machine = Machine::new();
        let attribute = |number| {
            let mut value = 0;
            assert_eq!(machine.cuDeviceGetAttribute(&mut value, number, 0), 0);
            value
        };
        // Compute capability, multiprocessors, shared memory that a block may ask for.
        assert_eq!([75, 76, 16, 97].map(attribute), [9, 0, 7, 227 << 10]);
        let mut name = [9_u8; 8];
        assert_eq!(machine.cuDeviceGetName(name.as_mut_ptr(), 4, 0), 0);
        assert_eq!(&name[..5], b"Tes\0\x09");
    }
}

#[test]
fn little_memory() {
    if with("little_memory", &[("MEMORY", "1M")]) {
        let machine = Machine::new();
        let (mut free, mut total) = (0, 0);
        assert_eq!(machine.cuMemAlloc_v2(&mut 0, (1 << 20) + 1), OUT_OF_MEMORY);
        let data = machine.device(Err(1 << 17));
        assert_eq!(
            machine.cuMemAlloc_v2(&mut 0, 1 << 19),
            OUT_OF_MEMORY,
            "of a variable's four bytes"
        );
        assert_eq!(machine.cuMemGetInfo_v2(&mut free, &mut total), 0);
        assert_eq!((free, total), ((1 << 19) - 4, 1 << 20));
        assert_eq!(machine.cuMemFree_v2(data), 0);
        assert_eq!(machine.cuModuleUnload(machine.module), 0);
        assert_eq!(machine.cuMemAlloc_v2(&mut 0, 1 << 20), 0);
    }
}

#[test]
fn a_context_gives_back_all_that_it_had() {
    if with("a_context_gives_back_all_that_it_had", &[("MEMORY", "1M")]) {
        let machine = Machine::new();
        let (stream, mut pooled) = (machine.stream(), 0);
        machine.device(Err(64));
        assert_eq!(machine.cuMemAllocAsync(&mut pooled, 256, stream), 0);
        assert_eq!(machine.launch(machine.function(c"gives_up"), 1, stream, &[0]), 0);
        assert_eq!(machine.cuMemFreeAsync(pooled, stream), 0);
        assert_eq!(machine.cuStreamSynchronize(stream), LAUNCH_FAILED);
        assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0);
        let (mut context, mut free, mut total) = (0, 0, 0);
        assert_eq!(machine.cuCtxCreate_v2(&mut context, 0, 0), 0);
        assert_eq!(machine.cuMemGetInfo_v2(&mut free, &mut total), 0);
        assert_eq!(free, total);
    }
}

#[test]
fn a_primary_context_that_is_reset_begins_again() {
    if with("a_primary_context_that_is_reset_begins_again", &[("FAIL", "launch=ILLEGAL_ADDRESS")]) {
        let driver = Driver::open();
        let (mut context, mut other, mut data) = (0, 0, 0);
        assert_eq!(driver.cuInit(0), 0);
        assert_eq!(driver.cuDevicePrimaryCtxRetain(&mut context, 0), 0);
        assert_eq!(driver.cuCtxSetCurrent(context), 0);
        assert_eq!(driver.cuMemAlloc_v2(&mut data, 16), 0);
        let machine = Machine { module: 0, context, driver };
        let text = format!("{KERNELS}\0");
        let mut module = 0;
        assert_eq!(machine.cuModuleLoadData(&mut module, text.as_ptr()), 0);
        let machine = Machine { module, ..machine };
        let double = machine.function(c"double");
        assert_eq!(machine.launch(double, 4, 0, &[data as u64]), 0);
        assert_eq!(machine.cuCtxSynchronize(), ILLEGAL_ADDRESS);
        assert_eq!(machine.cuDevicePrimaryCtxReset_v2(0), 0);
        // The context is the same, and empty; and it is still retained.
        assert_eq!((machine.cuCtxGetCurrent(&mut other), other), (0, context));
        assert_eq!(machine.cuCtxSynchronize(), 0);
        assert_eq!(machine.cuMemFree_v2(data), INVALID_VALUE);
        assert_eq!(machine.launch(double, 4, 0, &[data as u64]), INVALID_HANDLE);
        assert_eq!(machine.cuMemAlloc_v2(&mut data, 16), 0);
        assert_eq!(machine.cuDevicePrimaryCtxRelease_v2(0), 0);
        assert_eq!(machine.cuMemFree_v2(data), CONTEXT_IS_DESTROYED);
    }
}

#[test]
fn a_driver_that_does_not_begin() {
    if with("a_driver_that_does_not_begin", &[("FAIL", "cuInit=SYSTEM_DRIVER_MISMATCH")]) {
        assert_eq!(initialize(), 803);
    }
}

#[test]
fn an_old_driver() {
    if with("an_old_driver", &[("DRIVER_VERSION", "12040")]) {
        let machine = Machine::new();
        let load = |version: &str| {
            let text = format!("{}\0", KERNELS.replacen("8.0", version, 1));
            machine.cuModuleLoadData(&mut 0, text.as_ptr())
        };
        let mut version = 0;
        assert_eq!((machine.cuDriverGetVersion(&mut version), version), (0, 12040));
        assert_eq!((load("8.4"), load("8.5")), (0, UNSUPPORTED_PTX_VERSION));
    }
}

#[test]
fn errors_that_are_provoked() {
    let fail = "cuMemAlloc_v2@2=OUT_OF_MEMORY,cuStreamCreate=999,launch@2=ILLEGAL_ADDRESS";
    if with("errors_that_are_provoked", &[("FAIL", fail)]) {
        let machine = Machine::new();
        let data = machine.device(Ok(&[1; 4]));
        assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), OUT_OF_MEMORY);
        assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), 0);
        assert_eq!(machine.cuStreamCreate(&mut 0, 1), 999);
        let (stream, double) = (machine.stream(), machine.function(c"double"));
        assert_eq!(machine.launch(double, 4, stream, &[data as u64]), 0);
        assert_eq!(machine.cuStreamSynchronize(stream), 0);
        assert_eq!(machine.launch(double, 4, stream, &[data as u64]), 0);
        assert_eq!(machine.cuStreamSynchronize(stream), ILLEGAL_ADDRESS);
        assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), ILLEGAL_ADDRESS, "it stays with the context");
    }
}

#[test]
fn checks_that_are_left_out() {
    if with("checks_that_are_left_out", &[("CHECKS", "none")]) {
        let machine = Machine::new();
        let data = machine.device(Err(4));
        assert_eq!(machine.launch(machine.function(c"race"), 4, 0, &[data as u64]), 0);
        assert_eq!(machine.launch(machine.function(c"double"), 4, 0, &[data as u64]), 0);
        assert_eq!(machine.cuCtxSynchronize(), 0);
    }
}

#[test]
fn a_kernel_that_does_not_end() {
    if with("a_kernel_that_does_not_end", &[("INSTRUCTIONS", "1000")]) {
        let machine = Machine::new();
        assert_eq!(machine.launch(machine.function(c"forever"), 4, 0, &[0]), 0);
        assert_eq!(machine.cuCtxSynchronize(), LAUNCH_TIMEOUT);
    }
}

#[test]
fn what_is_counted_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let (counters, findings) = (folder.path().join("counters"), folder.path().join("findings"));
    let settings =
        [("COUNTERS", counters.to_str().unwrap()), ("FINDINGS", findings.to_str().unwrap())];
    if with("what_is_counted_and_found", &settings) {
        let machine = Machine::new();
        let data = machine.device(Ok(&[1; 4]));
        assert_eq!(machine.launch(machine.function(c"double"), 4, 0, &[data as u64]), 0);
        assert_eq!(machine.launch(machine.function(c"gives_up"), 1, 0, &[data as u64]), 0);
        assert_eq!(machine.cuCtxSynchronize(), LAUNCH_FAILED);
        return;
    }
    let counted = std::fs::read_to_string(counters).unwrap();
    let counted: Vec<serde_json::Value> =
        counted.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(counted.len(), 1);
    assert_eq!((&counted[0]["kernel"], &counted[0]["block"][0]), (&"double".into(), &4.into()));
    let counts = &counted[0]["counts"];
    assert_eq!((&counts["global_loaded"], &counts["sectors"]), (&16.into(), &2.into()));
    let line = &counted[0]["lines"][0];
    assert!(line["opcode"].is_string() && line["counts"]["warps"] == 1, "{line}");
    let found = std::fs::read_to_string(findings).unwrap();
    assert!(found.contains("trap") && found.contains("in kernel `gives_up`"), "{found}");
}
