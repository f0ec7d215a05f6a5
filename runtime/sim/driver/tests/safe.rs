//! The same through cudarc, which loads the library by the name of NVIDIA's.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

use cudarc::driver::sys::{self, CUfunction, CUresult};
use cudarc::driver::{CudaContext, CudaStream, DevicePtr, DriverError, result};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, CString, c_void};
use std::sync::{Arc, Once};

/// A context of cudarc on the simulator, whatever driver the machine may have.
fn context() -> Arc<CudaContext> {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        let path = std::env::current_exe().unwrap().with_file_name("libocellus_cuda_sim.so");
        // SAFETY: to load it runs no code.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.unwrap();
        // SAFETY: nothing is called, and it is asked where the functions lie.
        let [own, theirs] = unsafe {
            let own = *library.get::<*const ()>(b"cuInit").unwrap();
            [own, *sys::culib().get::<*const ()>(b"cuInit").unwrap()]
        };
        assert_eq!(own, theirs, "the name leads to another library");
        std::mem::forget(library);
    });
    CudaContext::new(0).unwrap()
}

/// A module of an image. The safe form of it stands behind a feature that brings NVIDIA's compiler of C++ in.
fn load(image: &[u8]) -> Result<sys::CUmodule, DriverError> {
    let image = CString::new(image).unwrap();
    // SAFETY: the image ends with a zero.
    unsafe { result::module::load_data(image.as_ptr().cast()) }
}

fn function(name: &CStr) -> CUfunction {
    let module = load(include_bytes!("support/kernels.ptx")).unwrap();
    // SAFETY: the module was just loaded.
    unsafe { result::module::get_function(module, name.to_owned()) }.unwrap()
}

/// Launches a kernel whose threads have a word each.
fn launch(function: CUfunction, stream: &CudaStream, data: &impl DevicePtr<u32>, more: u32) {
    let threads = data.len() as u32;
    let (address, _recorded) = data.device_ptr(stream);
    let mut parameters =
        [(&raw const address).cast_mut().cast::<c_void>(), (&raw const more).cast_mut().cast()];
    // SAFETY: the kernels take an address and a number, or the first alone, and use a word a thread.
    unsafe {
        let (grid, block) = ((1, 1, 1), (threads, 1, 1));
        result::launch_kernel(function, grid, block, 0, stream.cu_stream(), &mut parameters)
    }
    .unwrap();
}

#[test]
fn a_kernel_is_launched_and_captured() {
    let context = context();
    assert_eq!(context.compute_capability(), Ok((8, 0)));
    assert!(context.name().unwrap().contains("simulator") && context.uuid().is_ok());
    let (plus, stream) = (function(c"plus"), context.new_stream().unwrap());
    let data = stream.clone_htod(&[1_u32, 2, 3, 4]).unwrap();
    launch(plus, &stream, &data, 10);
    assert_eq!(stream.clone_dtoh(&data).unwrap(), [11, 12, 13, 14]);
    // SAFETY: one stream uses the data from here on.
    unsafe { context.disable_event_tracking() };
    let data = stream.clone_htod(&[0_u32; 4]).unwrap();
    stream.synchronize().unwrap();
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    stream.begin_capture(mode).unwrap();
    for more in [1, 2] {
        launch(plus, &stream, &data, more);
    }
    let flags = sys::CUgraphInstantiate_flags(0);
    let graph = stream.end_capture(flags).unwrap().unwrap();
    graph.upload().unwrap();
    graph.launch().unwrap();
    graph.launch().unwrap();
    assert_eq!(stream.clone_dtoh(&data).unwrap(), [6; 4]);
    let mut host = [0; 4];
    stream.memcpy_dtoh(&data, &mut host).unwrap();
    assert_eq!(host, [6; 4]);
}

#[test]
fn errors_come_through() {
    let context = context();
    let code = |error: Result<_, DriverError>| error.map(|_: ()| ()).unwrap_err().0;
    assert_eq!(code(load(b"nothing").map(drop)), CUresult::CUDA_ERROR_INVALID_IMAGE);
    assert_eq!(code(load(b"\x7fELF....").map(drop)), CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU);
    let stream = context.default_stream();
    let much = stream.alloc_zeros::<u8>(1 << 45).map(drop);
    assert_eq!(code(much), CUresult::CUDA_ERROR_OUT_OF_MEMORY);
}

#[test]
fn page_locked_memory_and_threads() {
    let context = context();
    let double = function(c"double").expose_provenance();
    std::thread::scope(|scope| {
        for number in 1..4_u32 {
            let context = &context;
            scope.spawn(move || {
                let stream = context.new_stream().unwrap();
                // SAFETY: it is written before it is read.
                let mut pinned = unsafe { context.alloc_pinned::<u32>(8) }.unwrap();
                pinned.as_mut_slice().unwrap().fill(number);
                let mut data = stream.alloc_zeros::<u32>(8).unwrap();
                stream.memcpy_htod(&pinned, &mut data).unwrap();
                let double = std::ptr::with_exposed_provenance_mut(double);
                launch(double, &stream, &data, 0);
                stream.memcpy_dtoh(&data, &mut pinned).unwrap();
                assert_eq!(pinned.as_slice().unwrap(), [2 * number; 8]);
            });
        }
    });
}
