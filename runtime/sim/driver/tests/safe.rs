//! The same through cudarc, which loads the library by the name of NVIDIA's.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

use cudarc::driver::sys::{self, CUfunction, CUresult};
use cudarc::driver::{CudaContext, CudaStream, DevicePtr, DriverError, result};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, CString, c_void};
use std::ptr::null_mut;
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

/// A copy of bytes that lie together, as C describes it.
fn copy(from: (u32, usize), to: (u32, usize), bytes: usize) -> sys::CUDA_MEMCPY3D {
    let kind = |number| match number {
        1 => sys::CUmemorytype::CU_MEMORYTYPE_HOST,
        _ => sys::CUmemorytype::CU_MEMORYTYPE_DEVICE,
    };
    let host = |(number, at): (u32, usize)| if number == 1 { at } else { 0 };
    let device = |(number, at): (u32, usize)| if number == 2 { at as u64 } else { 0 };
    sys::CUDA_MEMCPY3D {
        srcXInBytes: 0,
        srcY: 0,
        srcZ: 0,
        srcLOD: 0,
        srcMemoryType: kind(from.0),
        srcHost: std::ptr::with_exposed_provenance(host(from)),
        srcDevice: device(from),
        srcArray: null_mut(),
        reserved0: null_mut(),
        srcPitch: 0,
        srcHeight: 0,
        dstXInBytes: 0,
        dstY: 0,
        dstZ: 0,
        dstLOD: 0,
        dstMemoryType: kind(to.0),
        dstHost: std::ptr::with_exposed_provenance_mut(host(to)),
        dstDevice: device(to),
        dstArray: null_mut(),
        reserved1: null_mut(),
        dstPitch: 0,
        dstHeight: 0,
        WidthInBytes: bytes,
        Height: 1,
        Depth: 1,
    }
}

#[test]
fn structures_lie_as_in_c() {
    let context = context();
    let (plus, stream) = (function(c"plus"), context.new_stream().unwrap());
    let data = stream.alloc_zeros::<u32>(4).unwrap();
    let (address, recorded) = data.device_ptr(&stream);
    drop(recorded);
    let host = [1_u32, 2, 3, 4].map(std::cell::Cell::new);
    let at = host.as_ptr().expose_provenance();
    let (mut more, count) = (10_u32, 1);
    let mut parameters = [(&raw const address).cast_mut().cast(), (&raw mut more).cast::<c_void>()];
    let kernel = sys::CUDA_KERNEL_NODE_PARAMS {
        func: plus,
        gridDimX: 1,
        gridDimY: 1,
        gridDimZ: 1,
        blockDimX: 4,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: 0,
        kernelParams: parameters.as_mut_ptr(),
        extra: null_mut(),
        kern: null_mut(),
        ctx: null_mut(),
    };
    let (mut graph, mut executable) = (null_mut(), null_mut());
    let (mut there, mut node, mut back) = (null_mut(), null_mut(), null_mut());
    let up = copy((1, at), (2, address as usize), 16);
    let down = copy((2, address as usize), (1, at), 16);
    let own = context.cu_ctx();
    // SAFETY: handles are those that the calls before gave, and what is pointed to is there until the stream is waited for.
    unsafe {
        sys::cuGraphCreate(&mut graph, 0).result().unwrap();
        sys::cuGraphAddMemcpyNode(&mut there, graph, std::ptr::null(), 0, &up, own)
            .result()
            .unwrap();
        sys::cuGraphAddKernelNode_v2(&mut node, graph, &there, count, &kernel).result().unwrap();
        sys::cuGraphAddMemcpyNode(&mut back, graph, &node, count, &down, own).result().unwrap();
        sys::cuGraphInstantiateWithFlags(&mut executable, graph, 0).result().unwrap();
        sys::cuGraphLaunch(executable, stream.cu_stream()).result().unwrap();
    }
    stream.synchronize().unwrap();
    assert_eq!(host.each_ref().map(std::cell::Cell::get), [11, 12, 13, 14]);
    let mut attribute = sys::CUlaunchAttribute {
        id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
        pad: [0; 4],
        value: sys::CUlaunchAttributeValue { programmaticStreamSerializationAllowed: 1 },
    };
    let mut launch = |attributes| {
        let config = sys::CUlaunchConfig {
            gridDimX: 1,
            gridDimY: 1,
            gridDimZ: 1,
            blockDimX: 4,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: 0,
            hStream: stream.cu_stream(),
            attrs: &raw mut attribute,
            numAttrs: attributes,
        };
        // SAFETY: as above.
        unsafe { sys::cuLaunchKernelEx(&config, plus, parameters.as_mut_ptr(), null_mut()) }
    };
    assert_eq!((launch(0), launch(0)), (CUresult::CUDA_SUCCESS, CUresult::CUDA_SUCCESS));
    assert_eq!(stream.clone_dtoh(&data).unwrap(), [31, 32, 33, 34]);
    // With the attribute it may begin early, and where nothing is before it, that is as good.
    assert_eq!(launch(1), CUresult::CUDA_SUCCESS);
    assert_eq!(stream.clone_dtoh(&data).unwrap(), [41, 42, 43, 44]);
}
