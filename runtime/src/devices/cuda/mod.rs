//! NVIDIA's GPUs, by the driver's own interface.
//!
//! # Calling convention
//! Each kernel is an entry of a PTX module:
//!
//! ```text
//! .entry symbol(.param .align 8 .b8 arguments[8 * words], .param .b64 tiles)
//! ```
//!
//! `arguments` is the launch's argument block: addresses and numbers, one 64-bit word each. It is passed by value, so that a
//! node of a graph takes another one without a copy. The grid is a line of blocks, each of which computes so many tiles as the
//! [`KernelEntry`] says; a block behind the last tile does nothing. Scratch memory is the kernel's own affair.

mod capability;
mod code_object;

pub use capability::Capability;
pub use code_object::{CodeObject, CodeObjectError, KernelEntry};
