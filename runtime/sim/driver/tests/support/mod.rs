//! The driver as a plain program has it: a shared library, and its functions by their names.

#![allow(non_snake_case, dead_code, reason = "the names are the driver's, and each test uses some")]
#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]
#![allow(clippy::too_many_arguments, reason = "the driver API has functions with eleven")]

use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;
use std::process::Command;

/// A handle, or an address on the host or on the device.
pub type Address = usize;

pub const INVALID_VALUE: u32 = 1;
pub const OUT_OF_MEMORY: u32 = 2;
pub const NOT_INITIALIZED: u32 = 3;
pub const NO_DEVICE: u32 = 100;
pub const INVALID_DEVICE: u32 = 101;
pub const INVALID_IMAGE: u32 = 200;
pub const INVALID_CONTEXT: u32 = 201;
pub const NO_BINARY_FOR_GPU: u32 = 209;
pub const INVALID_PTX: u32 = 218;
pub const UNSUPPORTED_PTX_VERSION: u32 = 222;
pub const FILE_NOT_FOUND: u32 = 301;
pub const INVALID_HANDLE: u32 = 400;
pub const ILLEGAL_STATE: u32 = 401;
pub const NOT_FOUND: u32 = 500;
pub const ILLEGAL_ADDRESS: u32 = 700;
pub const LAUNCH_OUT_OF_RESOURCES: u32 = 701;
pub const LAUNCH_TIMEOUT: u32 = 702;
pub const CONTEXT_IS_DESTROYED: u32 = 709;
pub const ALREADY_REGISTERED: u32 = 712;
pub const NOT_REGISTERED: u32 = 713;
pub const MISALIGNED_ADDRESS: u32 = 716;
pub const LAUNCH_FAILED: u32 = 719;
pub const NOT_SUPPORTED: u32 = 801;
pub const CAPTURE_UNSUPPORTED: u32 = 900;
pub const CAPTURE_INVALIDATED: u32 = 901;
pub const CAPTURE_MERGE: u32 = 902;
pub const CAPTURE_UNMATCHED: u32 = 903;
pub const CAPTURE_UNJOINED: u32 = 904;
pub const CAPTURE_ISOLATION: u32 = 905;
pub const CAPTURE_IMPLICIT: u32 = 906;
pub const CAPTURED_EVENT: u32 = 907;
pub const UPDATE_FAILURE: u32 = 910;

/// The mode of a capture that does not disturb tests beside it.
pub const THREAD_LOCAL: u32 = 1;

/// `CUDA_KERNEL_NODE_PARAMS_v2`
#[repr(C)]
pub struct KernelNode {
    pub function: Address,
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    pub parameters: *const *const c_void,
    pub extra: *const *const c_void,
    pub kernel: Address,
    pub context: Address,
}

/// `CUDA_MEMSET_NODE_PARAMS`
#[repr(C)]
pub struct MemsetNode {
    pub to: Address,
    pub pitch: usize,
    pub value: u32,
    pub element: u32,
    pub width: usize,
    pub height: usize,
}

/// `CUlaunchConfig`
#[repr(C)]
pub struct LaunchConfig {
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    pub stream: Address,
    pub attributes: *const [u32; 18],
    pub attribute_count: u32,
}

macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        /// The driver's functions.
        pub struct Driver {
            $($name: unsafe extern "C" fn($($type),*) -> u32,)*
            pub library: Library,
        }

        impl Driver {
            /// Opens the library that was built for this test.
            pub fn open() -> Self {
                // SAFETY: to load it runs no code.
                let library = unsafe { Library::new(path()) }.unwrap();
                // SAFETY: the functions are declared as NVIDIA documents them.
                unsafe {
                    Self { $($name: *library.get(stringify!($name)).unwrap(),)* library }
                }
            }

            $(
                pub fn $name(&self, $($argument: $type),*) -> u32 {
                    // SAFETY: tests pass handles that are checked, and addresses of what is there.
                    unsafe { (self.$name)($($argument),*) }
                }
            )*
        }
    };
}

functions! {
    cuInit(flags: u32);
    cuDriverGetVersion(version: &mut i32);
    cuGetErrorName(error: u32, name: &mut *const c_char);
    cuGetErrorString(error: u32, text: &mut *const c_char);
    cuGetProcAddress_v2(name: *const c_char, at: &mut Address, version: i32, flags: u64, status: &mut u32);
    cuDeviceGetCount(count: &mut i32);
    cuDeviceGet(device: &mut i32, ordinal: i32);
    cuDeviceGetName(name: *mut u8, length: i32, device: i32);
    cuDeviceGetAttribute(value: &mut i32, attribute: u32, device: i32);
    cuDeviceTotalMem_v2(bytes: &mut usize, device: i32);
    cuDevicePrimaryCtxRetain(context: &mut Address, device: i32);
    cuDevicePrimaryCtxRelease_v2(device: i32);
    cuDevicePrimaryCtxReset_v2(device: i32);
    cuDevicePrimaryCtxGetState(device: i32, flags: &mut u32, active: &mut i32);
    cuCtxCreate_v2(context: &mut Address, flags: u32, device: i32);
    cuCtxDestroy_v2(context: Address);
    cuCtxSetCurrent(context: Address);
    cuCtxGetCurrent(context: &mut Address);
    cuCtxPushCurrent_v2(context: Address);
    cuCtxPopCurrent_v2(context: &mut Address);
    cuCtxSynchronize();
    cuMemAlloc_v2(address: &mut Address, bytes: usize);
    cuMemFree_v2(address: Address);
    cuMemAllocAsync(address: &mut Address, bytes: usize, stream: Address);
    cuMemFreeAsync(address: Address, stream: Address);
    cuMemGetInfo_v2(free: &mut usize, total: &mut usize);
    cuMemHostAlloc(address: &mut Address, bytes: usize, flags: u32);
    cuMemFreeHost(address: Address);
    cuMemHostRegister_v2(address: Address, bytes: usize, flags: u32);
    cuMemHostUnregister(address: Address);
    cuPointerGetAttribute(value: &mut Address, attribute: u32, address: Address);
    cuMemcpyHtoD_v2(to: Address, from: Address, bytes: usize);
    cuMemcpyDtoH_v2(to: Address, from: Address, bytes: usize);
    cuMemcpyHtoDAsync_v2(to: Address, from: Address, bytes: usize, stream: Address);
    cuMemcpyDtoHAsync_v2(to: Address, from: Address, bytes: usize, stream: Address);
    cuMemcpyDtoDAsync_v2(to: Address, from: Address, bytes: usize, stream: Address);
    cuMemcpy(to: Address, from: Address, bytes: usize);
    cuMemsetD32_v2(to: Address, value: u32, count: usize);
    cuMemsetD8Async(to: Address, value: u8, count: usize, stream: Address);
    cuMemsetD2D32Async(to: Address, pitch: usize, value: u32, width: usize, height: usize, stream: Address);
    cuModuleLoad(module: &mut Address, file: *const c_char);
    cuModuleLoadData(module: &mut Address, image: *const u8);
    cuModuleLoadDataEx(module: &mut Address, image: *const u8, count: u32, options: *const u32, values: *mut usize);
    cuModuleUnload(module: Address);
    cuModuleGetFunction(function: &mut Address, module: Address, name: *const c_char);
    cuModuleGetGlobal_v2(address: &mut Address, bytes: &mut usize, module: Address, name: *const c_char);
    cuFuncGetAttribute(value: &mut i32, attribute: u32, function: Address);
    cuFuncSetAttribute(function: Address, attribute: u32, value: i32);
    cuOccupancyMaxActiveBlocksPerMultiprocessor(count: &mut i32, function: Address, threads: i32, shared: usize);
    cuStreamCreate(stream: &mut Address, flags: u32);
    cuStreamDestroy_v2(stream: Address);
    cuStreamSynchronize(stream: Address);
    cuStreamQuery(stream: Address);
    cuStreamWaitEvent(stream: Address, event: Address, flags: u32);
    cuStreamBeginCapture_v2(stream: Address, mode: u32);
    cuStreamEndCapture(stream: Address, graph: &mut Address);
    cuStreamIsCapturing(stream: Address, status: &mut u32);
    cuThreadExchangeStreamCaptureMode(mode: &mut u32);
    cuEventCreate(event: &mut Address, flags: u32);
    cuEventDestroy_v2(event: Address);
    cuEventRecord(event: Address, stream: Address);
    cuEventSynchronize(event: Address);
    cuEventQuery(event: Address);
    cuEventElapsedTime(milliseconds: &mut f32, start: Address, end: Address);
    cuLaunchKernel(
        function: Address,
        x: u32, y: u32, z: u32,
        threads_x: u32, threads_y: u32, threads_z: u32,
        shared: u32,
        stream: Address,
        parameters: *const *const c_void,
        extra: *const *const c_void
    );
    cuLaunchKernelEx(config: &LaunchConfig, function: Address, parameters: *const *const c_void, extra: *const *const c_void);
    cuLaunchHostFunc(stream: Address, function: extern "C" fn(&mut Vec<u32>), data: &mut Vec<u32>);
    cuGraphCreate(graph: &mut Address, flags: u32);
    cuGraphDestroy(graph: Address);
    cuGraphAddKernelNode_v2(node: &mut Address, graph: Address, after: *const Address, count: usize, parameters: &KernelNode);
    cuGraphAddMemsetNode(node: &mut Address, graph: Address, after: *const Address, count: usize, parameters: &MemsetNode, context: Address);
    cuGraphAddEmptyNode(node: &mut Address, graph: Address, after: *const Address, count: usize);
    cuGraphAddDependencies(graph: Address, from: &Address, to: &Address, count: usize);
    cuGraphGetEdges_v2(graph: Address, from: &mut Address, to: &mut Address, data: &mut [u8; 8], count: &mut usize);
    cuGraphGetNodes(graph: Address, nodes: *mut Address, count: &mut usize);
    cuGraphNodeGetType(node: Address, kind: &mut u32);
    cuGraphNodeGetDependencies(node: Address, others: *mut Address, count: &mut usize);
    cuGraphKernelNodeGetParams_v2(node: Address, parameters: &mut KernelNode);
    cuGraphKernelNodeSetParams_v2(node: Address, parameters: &KernelNode);
    cuGraphInstantiateWithFlags(executable: &mut Address, graph: Address, flags: u64);
    cuGraphExecKernelNodeSetParams_v2(executable: Address, node: Address, parameters: &KernelNode);
    cuGraphExecMemsetNodeSetParams(executable: Address, node: Address, parameters: &MemsetNode, context: Address);
    cuGraphExecUpdate_v2(executable: Address, graph: Address, information: &mut [usize; 3]);
    cuGraphNodeSetEnabled(executable: Address, node: Address, is_enabled: u32);
    cuGraphUpload(executable: Address, stream: Address);
    cuGraphLaunch(executable: Address, stream: Address);
    cuGraphExecDestroy(executable: Address);
}

/// Where Cargo puts the library: beside the tests.
pub fn path() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libocellus_cuda_sim.so")
}

/// Runs a test again in a process of its own with settings, and says whether this is that process.
pub fn with(test: &str, settings: &[(&str, &str)]) -> bool {
    if std::env::var("OCELLUS_SIM_TEST").is_ok() {
        return true;
    }
    let settings = settings.iter().map(|(name, value)| (format!("OCELLUS_SIM_{name}"), value));
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("OCELLUS_SIM_TEST", "1")
        .envs(settings)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    false
}

/// Kernels of one line each.
pub const KERNELS: &str = include_str!("kernels.ptx");

/// A driver with a context of its own, that is current, and the module of [`KERNELS`].
pub struct Machine {
    pub driver: Driver,
    pub context: Address,
    pub module: Address,
}

impl std::ops::Deref for Machine {
    type Target = Driver;

    fn deref(&self) -> &Driver {
        &self.driver
    }
}

impl Machine {
    pub fn new() -> Self {
        let driver = Driver::open();
        assert_eq!(driver.cuInit(0), 0);
        let (mut context, mut module) = (0, 0);
        assert_eq!(driver.cuCtxCreate_v2(&mut context, 0, 0), 0);
        let text = CString::new(KERNELS).unwrap();
        assert_eq!(driver.cuModuleLoadData(&mut module, text.as_ptr().cast()), 0);
        Self { driver, context, module }
    }

    pub fn function(&self, name: &CStr) -> Address {
        let mut function = 0;
        assert_eq!(self.cuModuleGetFunction(&mut function, self.module, name.as_ptr()), 0);
        function
    }

    /// Device memory with so many words, written or not.
    pub fn device(&self, words: Result<&[u32], usize>) -> Address {
        let mut address = 0;
        let count = words.map_or_else(|count| count, <[u32]>::len);
        assert_eq!(self.cuMemAlloc_v2(&mut address, count * 4), 0);
        if let Ok(words) = words {
            assert_eq!(self.cuMemcpyHtoD_v2(address, words.as_ptr().addr(), count * 4), 0);
        }
        address
    }

    /// Page-locked memory.
    pub fn pinned(&self, words: &[u32]) -> Pinned {
        let mut address = 0;
        assert_eq!(self.cuMemHostAlloc(&mut address, words.len() * 4, 0), 0);
        let pinned = Pinned { address, words: words.len() };
        pinned.set(words);
        pinned
    }

    /// What lies on the device, when all work before it is done.
    pub fn read(&self, address: Address, words: usize) -> Vec<u32> {
        let mut read = vec![0_u32; words];
        assert_eq!(self.cuMemcpyDtoH_v2(read.as_mut_ptr().addr(), address, words * 4), 0);
        read
    }

    pub fn stream(&self) -> Address {
        let mut stream = 0;
        assert_eq!(self.cuStreamCreate(&mut stream, 1), 0);
        stream
    }

    pub fn event(&self) -> Address {
        let mut event = 0;
        assert_eq!(self.cuEventCreate(&mut event, 0), 0);
        event
    }

    /// Launches a kernel of which each thread has a word.
    pub fn launch(&self, function: Address, threads: u32, stream: Address, values: &[u64]) -> u32 {
        let (parameters, zero) = (addresses(values), std::ptr::null());
        self.cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, stream, parameters.as_ptr(), zero)
    }
}

/// Where each parameter lies.
pub fn addresses(values: &[u64]) -> Vec<*const c_void> {
    values.iter().map(|value| std::ptr::from_ref(value).cast()).collect()
}

/// What a node launches: one block, each thread a word.
pub fn kernel_node(function: Address, threads: u32, parameters: &[*const c_void]) -> KernelNode {
    KernelNode {
        function,
        blocks: [1; 3],
        threads: [threads, 1, 1],
        dynamic_shared: 0,
        parameters: parameters.as_ptr(),
        extra: std::ptr::null(),
        kernel: 0,
        context: 0,
    }
}

/// Page-locked memory.
pub struct Pinned {
    pub address: Address,
    pub words: usize,
}

impl Pinned {
    pub fn get(&self) -> Vec<u32> {
        let at = std::ptr::with_exposed_provenance::<u32>(self.address);
        // SAFETY: the driver gave that many bytes.
        (0..self.words).map(|word| unsafe { at.add(word).read_volatile() }).collect()
    }

    pub fn set(&self, words: &[u32]) {
        let at = std::ptr::with_exposed_provenance_mut::<u32>(self.address);
        // SAFETY: as above.
        words
            .iter()
            .enumerate()
            .for_each(|(word, value)| unsafe { at.add(word).write_volatile(*value) });
    }
}
