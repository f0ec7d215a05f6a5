//! The kernel families of Ocellus. One folder a family: what it computes, its schedules, one emitter a target.
//!
//! [`launch`] turns one `kernel` operation on concrete layouts into a [`Launch`]: a [`Kernel`] (all that its code
//! depends on; equal kernels share code), the argument block, and the number of tiles. [`Kernel::emit`] writes its MLIR,
//! and [`Kernel::signature`] says what it does with its argument block. What no family can do is a [`Refusal`]; whoever
//! chooses among kernels asks for [`schedules`], and nobody else.
//!
//! # Calling conventions
//! The argument block is what [`Launch::arguments`] lists; each family declares its own, once for launch, signature and
//! code ([`arguments`]). Tiles are independent; any worker may run any interval of them. Scratch belongs to the worker, is
//! aligned to 64 bytes, and holds at least [`Launch::scratch_bytes`]. Neighboring tiles share work where they are of one
//! interval (a gemm packs its rows once), so few long intervals are better than many short ones. How a worker learns of
//! its tiles is the target's affair: `entry/`.

mod access;
pub mod arguments;
pub mod attention;
pub mod back_to_back_gemm;
pub mod batched_gemm;
mod emit;
mod entry;
mod families;
pub mod gemm;
mod kernel;
mod launch;
mod layout;
pub mod mlir;
pub mod movement;
mod nvidia;
mod patch_layout;
mod refusal;
pub mod rows;
pub mod rowwise;
mod subnormals;
mod symbols;
mod target;
mod tile_registers;
pub mod vector;
mod work;

pub use access::{Access, NotStrided};
pub use emit::{emit_module, emit_modules};
pub use families::{Schedule, launch, schedules};
pub use kernel::Kernel;
pub use launch::{Argument, Launch, ThreadBlock, Tiles};
pub use layout::Layout;
pub use patch_layout::PatchLayout;
pub use refusal::{Reason, Refusal};
pub use symbols::symbols;
pub use target::{CpuTarget, NvidiaTarget, Target, TargetError, WARP};
pub use work::{Work, gather_flops, work};
