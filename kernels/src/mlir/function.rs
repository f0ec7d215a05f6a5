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
    /// Blocks that a multiprocessor's registers must be enough for. Where it is not said, the assembler strives for more by
    /// heuristics, and may spill for it.
    pub blocks_at_once: Option<i64>,
}

impl From<i64> for GpuThreads {
    fn from(of_block: i64) -> Self {
        GpuThreads { of_block, blocks_at_once: None }
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
