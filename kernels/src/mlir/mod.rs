//! Writes MLIR text: `func`, `scf`, `arith`, `vector` and the memory operations of `llvm`.
//!
//! Values carry their type, so that an operation's type need not be said again. The builder checks nothing else:
//! MLIR's own verifier reads the text next and names the line where something is wrong.

mod builder;
mod function;
mod intrinsic;
mod memory;
mod module;
mod value;

pub use builder::{Builder, Comparison};
pub use function::{Function, GpuThreads, Linkage};
pub use module::Module;
pub use value::{Scalar, Type, Value};
