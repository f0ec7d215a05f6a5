//! [`Function`]: what can be called.

use super::Type;

/// Who may call a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Whoever loads the code object.
    Exported,
    /// The functions of the module. It is never inlined: it is there to be shared.
    Internal,
}

/// The threads of a kernel that a GPU runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuThreads {
    /// Threads of a block.
    pub of_block: i64,
    /// Blocks that a multiprocessor's registers must be enough for. Were it not said, the assembler would strive for more by
    /// heuristics, and spill a few registers for it.
    pub blocks_at_once: i64,
}

impl From<i64> for GpuThreads {
    /// As many registers as threads can have.
    fn from(of_block: i64) -> Self {
        GpuThreads { of_block, blocks_at_once: 1 }
    }
}

/// A function that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its symbol.
    pub name: String,
    /// The types of its parameters. It returns nothing.
    pub parameters: Vec<Type>,
}
