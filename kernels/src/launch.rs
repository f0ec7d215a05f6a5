//! [`Launch`]: how a kernel is run.

use crate::gemm::WeightPacking;
use crate::{Layout, Reason};
use ocellus_dialects::symbolic::Dim;

/// How a kernel of type `K` is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch<K> {
    /// The code.
    pub kernel: K,
    /// The argument block, one 64-bit word each.
    pub arguments: Vec<Argument>,
    /// How many tiles there are.
    pub tiles: Tiles,
    /// Bytes of scratch memory that each worker needs.
    pub scratch_bytes: Dim,
    /// The operands that must be packed at compile time, by position. All others are read as they are.
    pub packed: Vec<(usize, WeightPacking)>,
}

impl<K> Launch<K> {
    /// The same launch of the kernel as one among more.
    pub(crate) fn map<L>(self, map: impl FnOnce(K) -> L) -> Launch<L> {
        let Launch { kernel, arguments, tiles, scratch_bytes, packed } = self;
        Launch { kernel: map(kernel), arguments, tiles, scratch_bytes, packed }
    }
}

/// The thread blocks that run a kernel on a GPU, which are a line of as many as the tiles need or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadBlock {
    /// Threads of a block.
    pub threads: i64,
    /// Tiles of a block.
    pub tiles: i64,
    /// Bytes of shared memory that a launch must give a block, beside what the kernel declares.
    pub shared_bytes: i64,
}

/// One word of the argument block.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// The address of an operand, by position.
    Operand(usize),
    /// The address of the result.
    Result,
    /// A number.
    Integer(Dim),
}

/// A count of tiles: the product of `ceil(extent / step)`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tiles(pub Vec<(Dim, i64)>);

/// The operand of that position.
pub(crate) fn operand(operands: &[Layout], position: usize) -> Result<&Layout, Reason> {
    operands.get(position).ok_or(Reason::MissingOperand { operand: position })
}
