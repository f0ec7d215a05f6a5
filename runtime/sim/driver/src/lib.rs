//! The simulator of PTX as a CUDA driver: a shared library with the functions of `libcuda.so.1`, so that a program that uses the
//! driver API runs on a machine without a GPU, and is told what is wrong with its kernels and with its waits.
//!
//! Whoever opens the library by its path gets it again by the name `libcuda.so`, which is the first that cudarc looks for. For
//! other programs, a folder in `LD_LIBRARY_PATH` with links of the names `libcuda.so` and `libcuda.so.1` to it will do.
//!
//! # When work is done
//! As late as the program allows. A stream is a queue, and what is in it is done when something waits for it: a synchronization, a
//! query, a blocking copy, memory that is freed. So a wait that is missing shows as a wrong answer:
//! - What an asynchronous copy brings to page-locked memory is there after a wait, and before it there are ones in all bits.
//! - What an asynchronous copy takes from page-locked memory is read when its turn comes, and may have been overwritten by then.
//! - Streams that do not wait for each other run in the order in which they are waited for, and nodes of a graph that do not wait
//!   for each other run from the last that was added to the first.
//!
//! What the simulator finds wrong with a kernel is written to standard error, and is an error that stays with the context, as a
//! GPU's is: `ILLEGAL_ADDRESS`, `MISALIGNED_ADDRESS`, `LAUNCH_TIMEOUT` for what does not end, `LAUNCH_FAILED` for all else, races
//! and memory that was never written among it.
//!
//! # Settings
//! They are read from the environment at the first `cuInit`, which gives `INVALID_VALUE` where one is wrong, and says so on standard
//! error. Numbers of bytes may end with `K`, `M` or `G`.
//!
//! | `OCELLUS_SIM_…` | is | without it |
//! | --- | --- | --- |
//! | `DEVICES` | how many devices there are; with 0, `cuInit` gives `NO_DEVICE` | 1 |
//! | `ARCHITECTURE` | what they are: `sm_75`, `sm_80`, `sm_86`, `sm_87`, `sm_89`, `sm_90`, `sm_100` or `sm_120` | `sm_80` |
//! | `NAME` | what they are called | `Ocellus simulator of sm_80` |
//! | `MULTIPROCESSORS` | how many each says that it has | as a common GPU of the architecture |
//! | `MEMORY` | bytes of memory of each | `16G` |
//! | `DRIVER_VERSION` | the version of the driver; PTX that is newer gives `UNSUPPORTED_PTX_VERSION` | 13000 |
//! | `FAIL` | errors that are provoked: `cuMemAlloc_v2@3=OUT_OF_MEMORY` at the third call, several separated by commas; the function `launch` is a kernel as it runs | none |
//! | `CHECKS` | `all`, `none`, or a list of `races`, `uninitialized` and `counts` (of sectors and bank conflicts) | `all` |
//! | `INSTRUCTIONS` | how many a warp may execute in a block before the launch is given up with `LAUNCH_TIMEOUT` | 2³² |
//! | `ORDER` | in which the warps of a block run: `forward`, `backward`, or the seed of one that differs each time | `forward` |
//! | `WORKERS` | threads that run the blocks of a launch; 0 for one a CPU | 0 |
//! | `COUNTERS` | a file to which each launch appends what it counted, a line of JSON | none |
//! | `FINDINGS` | a file to which findings are appended, and not written to standard error | none |
//!
//! A line of `COUNTERS` is an object: `kernel`, `grid`, `block`, `dynamic_shared`, `programmatic`, `barriers`, `multiplications` (by the
//! names of `ocellus_sim::MatrixShape`), `counts`, and `lines`, of which each has `line`, `opcode` and `counts`. The counts are those of
//! `ocellus_sim::Counts`, by their names.
//!
//! # Where it stops
//! - Machine code is not run: a cubin gives `NO_BINARY_FOR_GPU`, as one for another GPU does, and the program loads its PTX.
//! - Kernels cannot reach the memory of the host, there is no managed memory, no texture, no cooperative launch, no cluster and no
//!   copy from device to device. Graphs have no nodes that allocate, none that wait for events, and copies of one dimension alone.
//!   What asks for one of these gets `NOT_SUPPORTED`.
//! - Registers are not assigned: a function has 0 of them, and occupancy counts threads, blocks and shared memory.
//! - Events have the times of this machine, which say nothing of a GPU.

mod abi;
mod architecture;
mod arguments;
mod calls;
mod driver;
mod errors;
mod execution;
mod handles;
mod objects;
mod reports;
mod settings;
mod submission;
