//! What is wrong is said by the error that a driver has for it, and what goes wrong on the device stays with the context.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use std::ffi::{CStr, CString};
use support::*;

fn load(machine: &Machine, text: &str) -> u32 {
    let text = CString::new(text).unwrap();
    machine.cuModuleLoadData(&mut 0, text.as_ptr().cast())
}

#[test]
fn errors_have_names() {
    let driver = Driver::open();
    let mut text = std::ptr::null();
    assert_eq!(driver.cuGetErrorName(ILLEGAL_ADDRESS, &mut text), 0);
    // SAFETY: the driver has texts that last.
    assert_eq!(unsafe { CStr::from_ptr(text) }, c"CUDA_ERROR_ILLEGAL_ADDRESS");
    assert_eq!(driver.cuGetErrorString(0, &mut text), 0);
    // SAFETY: as above.
    assert_eq!(unsafe { CStr::from_ptr(text) }, c"no error");
    assert_eq!(driver.cuGetErrorString(12345, &mut text), INVALID_VALUE);
    assert!(text.is_null());
}

#[test]
fn handles_are_checked() {
    let machine = Machine::new();
    let (stream, event) = (machine.stream(), machine.event());
    let function = machine.function(c"double");
    assert_eq!(machine.cuStreamSynchronize(event), INVALID_HANDLE);
    assert_eq!(machine.cuEventRecord(stream, stream), INVALID_HANDLE);
    assert_eq!(machine.cuEventSynchronize(0), INVALID_HANDLE);
    assert_eq!(machine.launch(stream, 1, 0, &[0]), INVALID_HANDLE);
    assert_eq!(machine.launch(function, 1, 0x1234_5678, &[0]), INVALID_HANDLE);
    assert_eq!(machine.cuModuleUnload(function), INVALID_HANDLE);
    assert_eq!(machine.cuModuleGetFunction(&mut 0, stream, c"double".as_ptr()), INVALID_HANDLE);
    assert_eq!(machine.cuModuleGetFunction(&mut 0, machine.module, c"none".as_ptr()), NOT_FOUND);
    assert_eq!(
        machine.cuModuleGetFunction(&mut 0, machine.module, std::ptr::null()),
        INVALID_VALUE
    );
    assert_eq!(machine.cuGraphLaunch(stream, stream), INVALID_VALUE);
    assert_eq!(machine.cuGraphDestroy(stream), INVALID_VALUE);
    assert_eq!(machine.cuCtxSetCurrent(stream), INVALID_CONTEXT);
    assert_eq!(machine.cuEventDestroy_v2(event), 0);
    assert_eq!(machine.cuEventDestroy_v2(event), INVALID_HANDLE);
    assert_eq!(machine.cuModuleUnload(machine.module), 0);
    assert_eq!(machine.launch(function, 1, 0, &[0]), INVALID_HANDLE, "its module is gone");
    assert_eq!(machine.cuDeviceGet(&mut 0, 1), INVALID_DEVICE);
    assert_eq!(machine.cuDeviceGet(&mut 0, -1), INVALID_DEVICE);
    assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0);
    assert_eq!(machine.cuCtxDestroy_v2(machine.context), INVALID_CONTEXT);
}

#[test]
fn a_context_must_be_current_and_alive() {
    let machine = Machine::new();
    let (mut other, mut current) = (0, 0);
    assert_eq!(machine.cuCtxPopCurrent_v2(&mut current), 0);
    assert_eq!((current, machine.cuMemAlloc_v2(&mut 0, 4)), (machine.context, INVALID_CONTEXT));
    assert_eq!(machine.cuCtxPopCurrent_v2(&mut current), INVALID_CONTEXT);
    assert_eq!(machine.cuCtxPushCurrent_v2(machine.context), 0);
    assert_eq!(machine.cuCtxCreate_v2(&mut other, 0, 0), 0);
    let stream = machine.stream();
    assert_eq!(machine.cuCtxSetCurrent(machine.context), 0);
    let function = machine.function(c"small");
    assert_eq!(machine.launch(function, 1, stream, &[0]), INVALID_HANDLE, "of another context");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), INVALID_CONTEXT);
            assert_eq!(machine.cuCtxSetCurrent(other), 0);
            assert_eq!(machine.cuCtxSetCurrent(machine.context), 0);
            assert_eq!(machine.cuCtxDestroy_v2(other), 0);
            assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), 0);
        });
    });
    assert_eq!(machine.cuStreamSynchronize(stream), INVALID_HANDLE, "its context is gone");
    assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0);
    let mut below = 0;
    assert_eq!((machine.cuCtxPopCurrent_v2(&mut below), below), (0, machine.context));
    assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), INVALID_CONTEXT);
}

#[test]
fn a_context_that_another_thread_ended_is_said_to_be_gone() {
    let machine = Machine::new();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0));
    });
    assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), CONTEXT_IS_DESTROYED);
}

#[test]
fn memory_is_checked() {
    let machine = Machine::new();
    let (data, host) = (machine.device(Ok(&[0; 4])), machine.pinned(&[0; 4]));
    assert_eq!(machine.cuMemAlloc_v2(&mut 0, 0), INVALID_VALUE);
    assert_eq!(machine.cuMemAlloc_v2(&mut 0, 1 << 50), OUT_OF_MEMORY);
    assert_eq!(machine.cuMemcpyHtoD_v2(data, host.address, 17), INVALID_VALUE);
    assert_eq!(machine.cuMemcpyHtoD_v2(data + 8, host.address, 8), 0);
    assert_eq!(machine.cuMemcpyHtoD_v2(host.address, host.address, 8), INVALID_VALUE);
    assert_eq!(machine.cuMemcpyDtoH_v2(0, data, 4), INVALID_VALUE);
    assert_eq!(machine.cuMemcpy(host.address, data, 4), 0);
    assert_eq!(machine.cuMemsetD32_v2(data + 2, 0, 1), INVALID_VALUE);
    assert_eq!(machine.cuMemsetD2D32Async(data, 8, 1, 1, 2, 0), 0);
    assert_eq!(machine.read(data, 4), [1, 0, 1, 0]);
    assert_eq!(machine.cuMemsetD2D32Async(data, 8, 1, 1, 3, 0), INVALID_VALUE);
    assert_eq!(machine.cuMemFree_v2(data + 4), INVALID_VALUE);
    assert_eq!(machine.cuMemFree_v2(0), 0);
    assert_eq!(machine.cuMemFreeHost(host.address + 4), INVALID_VALUE);
    assert_eq!(machine.cuMemHostRegister_v2(host.address, 4, 0), ALREADY_REGISTERED);
    assert_eq!(machine.cuMemHostUnregister(host.address), NOT_REGISTERED);
    let mut kind = 0;
    assert_eq!(machine.cuPointerGetAttribute(&mut kind, 2, data + 5), 0);
    assert_eq!(kind, 2);
    assert_eq!(machine.cuPointerGetAttribute(&mut kind, 11, host.address + 5), 0);
    assert_eq!(kind, host.address);
    assert_eq!(machine.cuPointerGetAttribute(&mut kind, 2, 16), INVALID_VALUE);
}

#[test]
fn images_are_checked() {
    let machine = Machine::new();
    let cubin = *b"\x7fELF\x02\x01\x01\x33";
    assert_eq!(machine.cuModuleLoadData(&mut 0, cubin.as_ptr()), NO_BINARY_FOR_GPU);
    let fat = 0xba55_ed50_u32.to_le_bytes();
    assert_eq!(machine.cuModuleLoadData(&mut 0, fat.as_ptr()), NO_BINARY_FOR_GPU);
    assert_eq!(load(&machine, ""), INVALID_IMAGE);
    assert_eq!(load(&machine, "no"), INVALID_IMAGE);
    assert_eq!(load(&machine, "nothing like a kernel"), INVALID_IMAGE);
    let head = ".version 8.0\n.target sm_80\n.address_size 64\n";
    assert_eq!(load(&machine, head), 0);
    assert_eq!(load(&machine, &format!("{head}.visible .entry k( {{")), INVALID_PTX);
    assert_eq!(load(&machine, &head.replace("sm_80", "sm_90")), NO_BINARY_FOR_GPU);
    // Whatever it has that only the other GPU has.
    let newer = format!("{}.visible .entry k() {{ only.there; ret; }}", head.replace("80", "90a"));
    assert_eq!(load(&machine, &newer), NO_BINARY_FOR_GPU);
    assert_eq!(load(&machine, &newer.replace("90a", "80, debug")), INVALID_PTX);
    assert_eq!(load(&machine, &head.replace("8.0", "9.1")), UNSUPPORTED_PTX_VERSION);
    assert_eq!(machine.cuModuleLoad(&mut 0, c"/none.ptx".as_ptr()), FILE_NOT_FOUND);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), KERNELS).unwrap();
    let name = CString::new(file.path().to_str().unwrap()).unwrap();
    assert_eq!(machine.cuModuleLoad(&mut 0, name.as_ptr()), 0);
}

#[test]
fn a_block_has_no_more_shared_memory_than_it_asked_for() {
    let machine = Machine::new();
    let text = |bytes: u32| {
        format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n.extern .shared .align 4 .b8 more[];\n\
             .visible .entry k() {{\n.shared .align 4 .b8 own[{bytes}];\n.reg .b32 %r<3>;\n\
             mov.u32 %r1, own;\nmov.u32 %r2, more;\nret;\n}}\n"
        )
    };
    // No attribute of a function makes room for more than that of variables, on any GPU.
    assert_eq!(load(&machine, &text((48 << 10) + 1)), INVALID_PTX);
    assert_eq!(load(&machine, &text(48 << 10)), 0);
    // What a launch asks for comes on top.
    let (mut module, mut function) = (0, 0);
    let text = CString::new(text(16 << 10)).unwrap();
    assert_eq!(machine.cuModuleLoadData(&mut module, text.as_ptr().cast()), 0);
    assert_eq!(machine.cuModuleGetFunction(&mut function, module, c"k".as_ptr()), 0);
    let none = std::ptr::null();
    let launch = |bytes| {
        machine.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, bytes, 0, std::ptr::null(), none)
    };
    assert_eq!(launch(32 << 10), 0);
    assert_eq!(launch((32 << 10) + 1), INVALID_VALUE);
    assert_eq!(machine.cuFuncSetAttribute(function, 8, (147 << 10) + 1), INVALID_VALUE);
    assert_eq!(machine.cuFuncSetAttribute(function, 8, 147 << 10), 0);
    assert_eq!(launch(147 << 10), 0);
    assert_eq!(launch((147 << 10) + 1), INVALID_VALUE);
    assert_eq!(machine.cuCtxSynchronize(), 0);
}

#[test]
fn a_kernel_has_no_more_local_memory_and_parameters_than_a_gpu_has() {
    let machine = Machine::new();
    let text = |version: &str, parameters: u32, local: u32| {
        format!(
            ".version {version}\n.target sm_80\n.address_size 64\n.visible .entry k(.param .align 4 .b8 p[{parameters}]) \
             {{\n.local .align 4 .b8 own[{local}];\n.reg .b64 %rd<2>;\nmov.u64 %rd1, own;\nret;\n}}\n"
        )
    };
    assert_eq!(load(&machine, &text("8.1", 4, 512 << 10)), 0);
    assert_eq!(load(&machine, &text("8.1", 4, (512 << 10) + 1)), INVALID_PTX);
    assert_eq!(load(&machine, &text("8.0", 4352, 4)), 0);
    assert_eq!(load(&machine, &text("8.0", 4353, 4)), INVALID_PTX);
    assert_eq!(load(&machine, &text("8.1", 32764, 4)), 0);
    assert_eq!(load(&machine, &text("8.1", 32765, 4)), INVALID_PTX);
}

#[test]
fn no_numbers_of_a_text_are_too_large_to_be_looked_at() {
    let machine = Machine::new();
    for version in ["7.4294967295", "8.4294967295", "9.4294967295", "4294967295.4294967295"] {
        let text = format!(".version {version}\n.target sm_80\n.address_size 64\n");
        assert_eq!(load(&machine, &text), UNSUPPORTED_PTX_VERSION, "{version}");
    }
}

#[test]
fn what_is_wrong_with_a_text_is_logged() {
    let machine = Machine::new();
    let text = CString::new(".version 8.0\n.target sm_80\n.address_size 64\n.nonsense").unwrap();
    let mut log = [1_u8; 64];
    let mut values = [log.as_mut_ptr().expose_provenance(), log.len()];
    let options = [5_u32, 6];
    let load = |values: &mut [usize; 2]| {
        let text = text.as_ptr().cast();
        machine.cuModuleLoadDataEx(&mut 0, text, 2, options.as_ptr(), values.as_mut_ptr())
    };
    assert_eq!(load(&mut values), INVALID_PTX);
    let said = CStr::from_bytes_until_nul(&log).unwrap().to_str().unwrap();
    assert!(said.starts_with("the text is not PTX"), "{said}");
    assert_eq!(values[1], said.len());
    // A buffer that is too small has what there is room for, and its end.
    let mut values = [log.as_mut_ptr().expose_provenance(), 5];
    assert_eq!(load(&mut values), INVALID_PTX);
    assert_eq!((&log[..5], values[1]), (b"the \0".as_slice(), 4));
}

#[test]
fn launches_are_checked() {
    let machine = Machine::new();
    let (shared, small) = (machine.function(c"shared"), machine.function(c"small"));
    let values = [machine.device(Err(64)) as u64];
    let (parameters, none) = (addresses(&values), std::ptr::null());
    let launch = |function, [x, y]: [u32; 2], threads, bytes| {
        let parameters = parameters.as_ptr();
        machine.cuLaunchKernel(function, x, y, 1, threads, 1, 1, bytes, 0, parameters, none)
    };
    assert_eq!(launch(shared, [1, 1], 32, 48 << 10), 0);
    assert_eq!(launch(shared, [1, 1], 32, (48 << 10) + 16), INVALID_VALUE);
    assert_eq!(machine.cuFuncSetAttribute(shared, 8, (163 << 10) + 1), INVALID_VALUE);
    assert_eq!(machine.cuFuncSetAttribute(shared, 8, 163 << 10), 0);
    assert_eq!(launch(shared, [1, 1], 32, 163 << 10), 0);
    let mut most = 0;
    assert_eq!(machine.cuFuncGetAttribute(&mut most, 8, shared), 0);
    assert_eq!(most, 163 << 10);
    assert_eq!(launch(shared, [0, 1], 32, 128), INVALID_VALUE);
    assert_eq!(launch(shared, [1, 65536], 32, 128), INVALID_VALUE);
    assert_eq!(launch(shared, [1, 1], 1025, 128), INVALID_VALUE);
    assert_eq!(launch(small, [1, 1], 65, 0), LAUNCH_OUT_OF_RESOURCES);
    assert_eq!(machine.cuLaunchKernel(small, 1, 1, 1, 1, 1, 1, 0, 0, none, none), INVALID_VALUE);
    // Eleven blocks with 12 KiB and one KiB reserved fit into 164 KiB, and two with 80.
    let mut blocks = 0;
    let occupancy = |blocks: &mut i32, threads, bytes| {
        machine.cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, shared, threads, bytes)
    };
    assert_eq!((occupancy(&mut blocks, 128, 12 << 10), blocks), (0, 12));
    assert_eq!((occupancy(&mut blocks, 128, 80 << 10), blocks), (0, 2));
    assert_eq!((occupancy(&mut blocks, 1024, 0), blocks), (0, 2));
    assert_eq!(machine.cuCtxSynchronize(), 0);
}

/// A kernel goes wrong with an error, which all that comes after it in the context gives as well.
fn goes_wrong(name: &CStr, data: Result<&[u32], usize>, threads: u32, error: u32) {
    let machine = Machine::new();
    let data = machine.device(data);
    let other = machine.device(Ok(&[1; 4]));
    assert_eq!(machine.launch(machine.function(name), threads, 0, &[data as u64]), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 4, 0, &[other as u64]), 0);
    assert_eq!(machine.cuCtxSynchronize(), error, "{name:?}");
    assert_eq!(machine.cuCtxSynchronize(), error);
    assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), error);
    assert_eq!(machine.cuMemFree_v2(data), error);
    assert_eq!(machine.launch(0, 1, 0, &[]), error);
    assert_eq!(machine.cuCtxDestroy_v2(machine.context), 0);
    let next = Machine::new();
    assert_eq!(next.cuCtxSynchronize(), 0, "another context works");
    assert_eq!(next.cuCtxDestroy_v2(next.context), 0);
}

#[test]
fn what_goes_wrong_on_the_device_stays_with_the_context() {
    goes_wrong(c"double", Ok(&[1; 4]), 5, ILLEGAL_ADDRESS);
    goes_wrong(c"double", Err(4), 4, LAUNCH_FAILED);
    goes_wrong(c"misaligned", Ok(&[1; 4]), 1, MISALIGNED_ADDRESS);
    goes_wrong(c"race", Ok(&[1; 4]), 2, LAUNCH_FAILED);
    goes_wrong(c"stuck", Ok(&[1; 4]), 64, LAUNCH_TIMEOUT);
    goes_wrong(c"gives_up", Ok(&[1; 4]), 1, LAUNCH_FAILED);
}

#[test]
fn memory_that_was_freed_in_a_stream_must_not_be_used_behind_that() {
    let machine = Machine::new();
    let (stream, mut data) = (machine.stream(), 0);
    assert_eq!(machine.cuMemAllocAsync(&mut data, 16, stream), 0);
    assert_eq!(machine.cuMemsetD8Async(data, 0, 16, stream), 0);
    assert_eq!(machine.cuMemFreeAsync(data, stream), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 4, stream, &[data as u64]), 0);
    assert_eq!(machine.cuStreamSynchronize(stream), ILLEGAL_ADDRESS);
}

#[test]
fn the_primary_context_is_shared_until_it_is_released() {
    let driver = Driver::open();
    assert_eq!(driver.cuInit(0), 0);
    let (mut first, mut second, mut current) = (0, 0, 0);
    assert_eq!(driver.cuDevicePrimaryCtxRetain(&mut first, 0), 0);
    assert_eq!(driver.cuDevicePrimaryCtxRetain(&mut second, 0), 0);
    assert_eq!((first, driver.cuCtxSetCurrent(first)), (second, 0));
    let mut data = 0;
    assert_eq!(driver.cuMemAlloc_v2(&mut data, 64), 0);
    assert_eq!(driver.cuCtxDestroy_v2(first), INVALID_CONTEXT);
    assert_eq!(driver.cuDevicePrimaryCtxRelease_v2(0), 0);
    assert_eq!((driver.cuCtxGetCurrent(&mut current), current), (0, first));
    assert_eq!(driver.cuMemFree_v2(data), 0);
    assert_eq!(driver.cuDevicePrimaryCtxRelease_v2(0), 0);
    assert_eq!(driver.cuDevicePrimaryCtxRelease_v2(0), INVALID_CONTEXT);
    assert_eq!(driver.cuMemAlloc_v2(&mut data, 64), CONTEXT_IS_DESTROYED);
}

#[test]
fn functions_are_found_by_their_names_and_versions() {
    let driver = Driver::open();
    let find = |name: &CStr, version| {
        let (mut at, mut status) = (0, 9);
        let error = driver.cuGetProcAddress_v2(name.as_ptr(), &mut at, version, 0, &mut status);
        (error, at, status)
    };
    // SAFETY: nothing is called, and it is asked where the functions lie.
    let at = |name: &[u8]| unsafe { *driver.library.get::<*const ()>(name).unwrap() }.addr();
    assert_eq!(find(c"cuMemAlloc", 12000), (0, at(b"cuMemAlloc_v2"), 0));
    assert_eq!(find(c"cuCtxCreate", 11000), (0, at(b"cuCtxCreate_v2"), 0));
    assert_eq!(find(c"cuCtxCreate", 13000), (0, at(b"cuCtxCreate_v4"), 0));
    assert_eq!(find(c"cuGraphInstantiate", 12000), (0, at(b"cuGraphInstantiateWithFlags"), 0));
    assert_eq!(find(c"cuNothing", 12000), (NOT_FOUND, 0, 1));
}
