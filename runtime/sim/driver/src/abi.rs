//! The structures of the driver API, as C lays them out.

use crate::arguments::{In, Out};
use crate::handles::Handle;

/// `CUDA_KERNEL_NODE_PARAMS`; the first version ends before `kernel`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KernelNodeParams {
    pub function: Handle,
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    pub parameters: In<In<u8>>,
    pub extra: In<usize>,
    pub kernel: Handle,
    pub context: Handle,
}

/// `CUDA_KERNEL_NODE_PARAMS_v1`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KernelNodeParamsV1 {
    pub function: Handle,
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    pub parameters: In<In<u8>>,
    pub extra: In<usize>,
}

impl KernelNodeParamsV1 {
    /// The same as the later version has it.
    pub(crate) fn later(self) -> KernelNodeParams {
        let Self { function, blocks, threads, dynamic_shared, parameters, extra } = self;
        KernelNodeParams {
            function,
            blocks,
            threads,
            dynamic_shared,
            parameters,
            extra,
            kernel: 0,
            context: 0,
        }
    }
}

/// `CUDA_MEMSET_NODE_PARAMS`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemsetNodeParams {
    pub to: u64,
    pub pitch: usize,
    pub value: u32,
    pub element: u32,
    pub width: usize,
    pub height: usize,
}

/// `CUDA_HOST_NODE_PARAMS`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HostNodeParams {
    pub function: Option<unsafe extern "C" fn(usize)>,
    pub data: usize,
}

/// `CUDA_MEMCPY3D`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Memcpy3d {
    pub from: Memcpy3dEnd,
    pub to: Memcpy3dEnd,
    pub width_bytes: usize,
    pub height: usize,
    pub depth: usize,
}

/// One end of a `CUDA_MEMCPY3D`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Memcpy3dEnd {
    pub x_bytes: usize,
    pub y: usize,
    pub z: usize,
    pub level: usize,
    pub memory_type: u32,
    pub host: usize,
    pub device: u64,
    pub array: Handle,
    pub reserved: usize,
    pub pitch: usize,
    pub rows: usize,
}

/// `CUlaunchConfig`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LaunchConfig {
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    pub stream: Handle,
    pub attributes: In<LaunchAttribute>,
    pub attribute_count: u32,
}

/// `CUlaunchAttribute`
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct LaunchAttribute {
    pub id: u32,
    pub padding: u32,
    pub value: [u32; 16],
}

/// `CUgraphEdgeData`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EdgeData {
    pub from_port: u8,
    pub to_port: u8,
    pub kind: u8,
    pub reserved: [u8; 5],
}

/// `CUgraphExecUpdateResultInfo`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ExecUpdateResultInfo {
    pub result: u32,
    pub node: Handle,
    pub from_node: Handle,
}

/// `CUDA_GRAPH_INSTANTIATE_PARAMS`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct GraphInstantiateParams {
    pub flags: u64,
    pub upload_stream: Handle,
    pub error_node: Handle,
    pub result: u32,
}

/// `CUuuid`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Uuid(pub [u8; 16]);

/// Where a value of any type is put, of which something else says what type it has.
pub type Anything = Out<u8>;
