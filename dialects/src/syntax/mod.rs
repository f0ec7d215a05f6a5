//! The text form of the dialects, which is MLIR's: pieces of it to print, and a tree of it to read.
//!
//! ```mlir
//! module attributes {venc.entry = @main} {
//!   func.func @main(%x: tensor<2xf32> {venc.name = "x"}) -> tensor<2xf32> {
//!     %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2xf32>) -> tensor<2xf32>
//!     func.return %0 : tensor<2xf32>
//!   }
//! }
//! ```
//!
//! What is read is the part of MLIR that our dialects need: a module of functions of one block, operations in their generic
//! form in them and beside them, and upstream's short forms of `func.func`, `func.call` and `func.return`. Other things that MLIR would take (aliases,
//! several blocks, operations with several results) are errors that say so. MLIR itself reads the same text:
//! `ocellus-mlir` holds it against the dialects' IRDL.

#[cfg(test)]
pub(crate) mod damage;
mod lexer;
mod parser;
pub mod text;
mod tree;

pub use lexer::SyntaxError;
pub use parser::parse;
pub use tree::{Argument, Attribute, Function, Module, Operation, Parameters, Place, Type, Value};
