//! [`CudaError`]: what a GPU or its driver could not do.

use super::call::CallError;
use super::capability::Capability;
use super::code_object::CodeObjectError;
use std::path::PathBuf;

/// What a GPU or its driver could not do.
#[derive(Debug, thiserror::Error)]
pub enum CudaError {
    /// The code object.
    #[error(transparent)]
    CodeObject(#[from] CodeObjectError),
    /// There is no driver.
    #[error(
        "there is no driver of NVIDIA's GPUs here (no `libcuda.so.1`): install NVIDIA's driver, or compile the model again \
         with `--target cpu`"
    )]
    NoDriver,
    /// There is no simulating driver.
    #[error(
        "the simulating driver `{}` cannot be loaded: put it beside the program, or name it by the environment variable \
         OCELLUS_CUDA_DRIVER", path.display()
    )]
    NoSimulator {
        /// Where it was looked for.
        path: PathBuf,
        /// What the loader says.
        #[source]
        source: libloading::Error,
    },
    /// Another library was taken for the driver.
    #[error(
        "another driver was loaded in place of the simulating one: use one that has the name `libcuda.so` for the loader \
         (SONAME), or take the other out of LD_LIBRARY_PATH"
    )]
    SimulatorNotTaken,
    /// A second driver.
    #[error(
        "this process runs kernels by the driver `{used}`, and is asked to by `{asked}` as well: a process can use one \
         driver only, so use another process"
    )]
    OtherDriver {
        /// The one in use, as `--device` calls it.
        used: &'static str,
        /// The other.
        asked: &'static str,
    },
    /// A driver that lacks a function.
    #[error("the driver has no `{function}`: install one for CUDA 12.0 or later")]
    OldDriver {
        /// The function.
        function: &'static str,
    },
    /// No GPU.
    #[error(
        "there is a driver for CUDA {driver}, but no GPU that it can use: look at `nvidia-smi` and CUDA_VISIBLE_DEVICES, or \
         compile the model again with `--target cpu`"
    )]
    NoGpu {
        /// The version of CUDA.
        driver: String,
    },
    /// A number of a GPU that there is none of.
    #[error("there is no GPU {asked}: the driver has {count}, and counts from 0")]
    NoSuchGpu {
        /// The number.
        asked: u32,
        /// How many there are.
        count: usize,
    },
    /// An address that is none of a GPU's.
    #[error(
        "the address {address:#x} is none of a GPU's memory: copy the tensor there, or give it as one of the host's"
    )]
    NotOnGpu {
        /// The address.
        address: u64,
    },
    /// An address of another GPU.
    #[error(
        "the address {address:#x} is one of GPU {found}, and the session runs on GPU {own}: copy the tensor there, or load \
         the session with the device `cuda:{found}`"
    )]
    OtherGpu {
        /// The address.
        address: u64,
        /// Whose it is.
        found: u32,
        /// The GPU of the session.
        own: u32,
    },
    /// A GPU that is older than the code.
    #[error(
        "the artifact was compiled for `{architecture}`, and the GPU `{gpu}` has compute capability {capability}, which is \
         older: {}", advice(*capability)
    )]
    OldGpu {
        /// What the code was compiled for.
        architecture: String,
        /// The GPU.
        gpu: String,
        /// What it has.
        capability: Capability,
    },
    /// A driver that is older than the PTX.
    #[error(
        "the driver is for CUDA {driver}, which is too old for the PTX of the artifact (version {ptx}): install a newer \
         driver, or compile the model again where `ptxas` is found, for machine code of `{architecture}`"
    )]
    OldForPtx {
        /// The version of CUDA.
        driver: String,
        /// The version of PTX.
        ptx: String,
        /// The GPU's architecture.
        architecture: String,
    },
    /// A driver that refuses the code.
    #[error("the driver refuses the kernels{}", said(log))]
    Refused {
        /// What it wrote when it assembled them.
        log: String,
        /// What it gave.
        #[source]
        source: CallError,
    },
    /// A kernel that needs more shared memory than there is.
    #[error(
        "the kernel `{kernel}` needs {bytes} bytes of shared memory a block, and the GPU `{gpu}` has {limit}: compile the \
         model again for this GPU"
    )]
    SharedMemory {
        /// The kernel.
        kernel: String,
        /// What it needs.
        bytes: u32,
        /// The GPU.
        gpu: String,
        /// What a block can have.
        limit: u32,
    },
    /// A kernel that the driver does not take.
    #[error("the kernel `{kernel}` cannot be launched")]
    Launch {
        /// The kernel.
        kernel: String,
        /// What the driver gave.
        #[source]
        source: CallError,
    },
    /// A launch of more blocks than a grid can have.
    #[error(
        "a launch of the kernel `{kernel}` has {blocks} blocks, and a grid can have 2147483647"
    )]
    Grid {
        /// The kernel.
        kernel: String,
        /// How many.
        blocks: u32,
    },
    /// The GPU lacks memory.
    #[error("the GPU `{gpu}` has {free} of {total} bytes of memory left")]
    Memory {
        /// The GPU.
        gpu: String,
        /// Bytes that nobody uses.
        free: usize,
        /// Bytes that it has.
        total: usize,
        /// What the driver gave.
        #[source]
        source: CallError,
    },
    /// A kernel went wrong.
    #[error("{}", failed(kernels))]
    Kernel {
        /// Those of which one did, in the order of their launches.
        kernels: Vec<String>,
        /// What the driver gave.
        #[source]
        source: CallError,
    },
    /// Something went wrong before, after which the driver runs nothing.
    #[error(
        "nothing runs on the GPU any more in this process, since this happened before: {before}; drop all sessions on the \
         GPU and load them again, or start the program again"
    )]
    Broken {
        /// What happened.
        before: String,
    },
    /// Any other call of the driver.
    #[error("the driver failed")]
    Call(#[from] CallError),
}

/// What to compile for, where a GPU of that capability is to run it.
fn advice(capability: Capability) -> String {
    let architecture = capability.architecture();
    match capability >= Capability::OLDEST {
        true => format!(
            "compile the model again with `--target {architecture}`, or that of a GPU before it"
        ),
        false => format!(
            "no kernels are written for GPUs before {}, so compile the model again with `--target cpu`",
            Capability::OLDEST
        ),
    }
}

impl CudaError {
    /// What is in the way of the GPU running code that was compiled for another, or of there being a GPU, as a clause.
    pub fn unfit(&self) -> Option<String> {
        Some(match self {
            CudaError::NoDriver => "there is no driver of NVIDIA's GPUs here".to_string(),
            CudaError::NoGpu { .. } => "there is no GPU that the driver can use".to_string(),
            CudaError::OldGpu { gpu, capability, .. } => {
                format!("the GPU `{gpu}` has compute capability {capability}, which is older")
            }
            CudaError::OldForPtx { driver, ptx, .. } => {
                format!(
                    "the driver is for CUDA {driver}, which is too old for its PTX (version {ptx})"
                )
            }
            CudaError::SharedMemory { kernel, bytes, gpu, limit } => format!(
                "its kernel `{kernel}` needs {bytes} bytes of shared memory a block, and the GPU `{gpu}` has {limit}"
            ),
            _ => return None,
        })
    }
}

fn said(log: &str) -> String {
    match log.trim() {
        "" => String::new(),
        log => format!(": {log}"),
    }
}

fn failed(kernels: &[String]) -> String {
    match kernels {
        [] => "the GPU failed".to_string(),
        [kernel] => format!("the kernel `{kernel}` failed on the GPU"),
        kernels => format!(
            "one of these kernels failed on the GPU: {} (`ocellus-run --profile` runs them one by one, and names the one)",
            kernels.join(", ")
        ),
    }
}
