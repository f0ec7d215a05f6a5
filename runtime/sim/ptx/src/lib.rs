//! PTX text, read into a typed syntax tree, and a declaration of each instruction.
//!
//! [`parse`] takes PTX 7.0 to 9.0 as LLVM's NVPTX back end writes it, inline assembly with its scopes among it. It knows
//! nothing of single instructions: any opcode with any operands is read, so that whoever uses the tree can say everything
//! that it does not support at once. [`isa`] declares the instructions: a name, the suffixes in their order, the shape of the
//! operands, as data. An [`isa::Form`] is an instruction that agrees with a declaration.
//!
//! ```
//! let module = ocellus_ptx::parse(
//!     ".version 8.0\n.target sm_80\n.address_size 64\n
//!      .visible .entry nothing() { .reg .b32 %r<2>; add.s32 %r0, %r1, 7; ret; }",
//! )?;
//! let body = &module.entries[0].body;
//! let add = body.instructions().next().unwrap();
//! let form = ocellus_ptx::isa::form(add, body).unwrap();
//! assert_eq!(form.declaration.name, "add");
//! assert!(form.has("s32"));
//! # Ok::<(), ocellus_ptx::ParseError>(())
//! ```
//!
//! No text makes the parser panic, run forever, or take memory beyond a small multiple of the text.

pub mod ast;
mod error;
pub mod isa;
mod lexer;
mod parser;

pub use error::{ParseError, Position};
pub use parser::parse;
