//! A functional simulator of PTX: it runs kernels for NVIDIA's GPUs on a CPU, and says what is wrong with them.
//!
//! A [`Module`] is loaded from text; each kernel is translated once, and anything in it that is not supported is said then, with
//! its line. A [`Memory`] stands for the device's. [`launch`] runs a grid: blocks on all CPUs, the 32 lanes of a warp at once. It
//! gives a [`Report`] of what was counted, or the [`Finding`]s.
//!
//! Asynchronous copies are done as late as the program allows: what `cp.async` brings is there when a `wait_group` covers it,
//! and not before; until then there is poison, and reading it is found. Memory that was never written is known as such, byte
//! for byte. Two uses of the same bytes, of which one writes, race unless something orders them: `clocks` says what does.
//!
//! The simulator says nothing of time. What it computes exactly and what only as well as the hardware might is said for
//! each instruction by [`exactness`].
//!
//! # Where it stops
//! - Calls of functions, textures, clusters, `mbarrier`, TMA and `wgmma` are not supported.
//! - Grids run one after the other, and blocks in any order, none with the certainty that another runs at the same time. A
//!   kernel whose blocks wait for each other may spin until its budget of instructions is spent.
//! - Of threads of several warps that read the same memory unordered, the earliest read is kept: a race may be missed where
//!   named barriers order some of them, and none is made up.
//! - Bytes are noted one by one, but of accesses through a fence that releases less than all, or is narrower than the device, no
//!   difference is made: a fence of a block orders nothing between blocks, any other all of them.

mod clocks;
mod code;
mod counters;
pub mod exactness;
mod finding;
mod launch;
mod machine;
mod memory;
mod module;
mod registers;
mod rounding;
mod settings;
mod shadow;
mod translate;
mod vector;

pub use counters::{Counts, LineCounts, MatrixShape, Report};
pub use finding::{Finding, Place, Problem};
pub use launch::{Launch, LaunchError, MOST_SHARED, launch};
pub use memory::{Memory, MemoryError};
pub use module::{Globals, Kernel, LoadError, Module, ParameterLayout, Unsupported};
pub use settings::{Settings, WarpOrder};
