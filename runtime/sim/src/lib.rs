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
//! ```
//! use ocellus_sim::{Launch, Memory, Module, Settings, launch};
//!
//! let module = Module::load(
//!     ".version 8.0\n.target sm_80\n.address_size 64
//!      .visible .entry double(.param .u64 data) {
//!      .reg .b32 %r<4>; .reg .b64 %rd<4>;
//!      ld.param.b64 %rd1, [data]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2;
//!      ld.global.b32 %r2, [%rd3]; add.s32 %r3, %r2, %r2; st.global.b32 [%rd3], %r3; ret; }",
//! )?;
//! let memory = Memory::new(1 << 20);
//! let data = memory.allocate(64 * 4)?;
//! memory.write(data, &[7; 63 * 4])?;
//! let what = Launch {
//!     kernel: module.kernel("double").unwrap(),
//!     globals: &module.place(&memory)?,
//!     blocks: [1, 1, 1],
//!     threads: [63, 1, 1],
//!     dynamic_shared: 0,
//!     parameters: &data.to_le_bytes(),
//!     unfinished: None,
//! };
//! let report = launch(&what, &memory, &Settings::default())?;
//! assert_eq!(report.total.global_loaded, 63 * 4);
//! // A thread more reads what was never written.
//! let found = launch(&Launch { threads: [64, 1, 1], ..what }, &memory, &Settings::default());
//! assert!(found.unwrap_err().to_string().contains("thread (63, 0, 0)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it stops
//! - Calls of functions, textures, clusters, `mbarrier`, TMA and `wgmma` are not supported.
//! - Grids run one after the other; where one may begin before the last has ended, [`Launch::unfinished`] tells what must not be
//!   used before `griddepcontrol.wait`. Blocks run in any order, none with the certainty that another runs at the same time. A
//!   kernel whose blocks wait for each other may spin until its budget of instructions is spent.
//! - Of threads of several warps that read the same memory unordered, the earliest read is kept: a race may be missed where
//!   named barriers order some of them, and none is made up.
//! - Of fences, those of a block order nothing between blocks, and all others order everything.
//!
//! # How it works
//! - `translate` makes of each instruction a closure over slots of registers, or an entry of `code::Kind`. Numbers and the
//!   machine's registers have slots as well, so that every operand is one; a slot holds the values of 32 lanes, and an
//!   instruction is one loop over them. It proves of nearly all registers that they are written before they are read; the few
//!   others are looked at while the kernel runs.
//! - Basic blocks are laid out so that each stands behind all that lead to it, loops as wholes. A warp whose lanes went
//!   different ways has several parts, and runs the part that stands first: so lanes meet again as soon as they can. Parts may
//!   wait for each other, as on GPUs whose threads are scheduled independently.
//! - `clocks` stamps each use of memory with warp, lane and clock; `shadow` keeps the last of each for sixteen bytes at once,
//!   and for less where memory is used in smaller pieces. A use that is not known to lie behind an earlier one races with it,
//!   whatever the order in which the simulator ran them.
//! - `machine` runs a block in one thread, its warps in turns, each until it waits. Blocks run on as many threads as there are
//!   CPUs; global memory is made of atomic words, so that a wrong kernel gives wrong answers and no more.

mod address_space;
mod clocks;
mod code;
mod counters;
pub mod exactness;
mod finding;
mod footprint;
mod launch;
mod layout;
mod machine;
mod matrix_shape;
mod memory;
mod module;
mod registers;
mod rounding;
mod settings;
mod shadow;
mod translate;
mod vector;

pub use counters::{Counts, LineCounts, Report};
pub use finding::{Finding, Place, Problem};
pub use footprint::Footprint;
pub use launch::{Launch, LaunchError, MOST_SHARED, launch};
pub use layout::{MOST_STATIC_SHARED, ParameterLayout};
pub use matrix_shape::MatrixShape;
pub use memory::{Memory, MemoryError};
pub use module::{Globals, Kernel, LoadError, Module, Unsupported};
pub use settings::{Settings, WarpOrder};
