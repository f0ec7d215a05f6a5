//! [`Launch`]: how a kernel is run.

use crate::gemm::WeightPacking;
use crate::{Kernel, Layout, Reason};
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Access, Signature, Word};

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

impl Launch<Kernel> {
    /// Whether it gives the words that the kernel reads: a number for each number, an operand where the kernel reads and
    /// the result where it writes.
    pub(crate) fn gives_what_is_read(&self) -> bool {
        let Signature { words, .. } = self.kernel.signature();
        let fits = |(argument, word): (&Argument, &Word)| match (argument, word) {
            (Argument::Integer(_), Word::Count { .. } | Word::Distance) => true,
            (Argument::Operand(_), Word::Pointer(pointer)) => pointer.access == Access::Read,
            (Argument::Result, Word::Pointer(pointer)) => pointer.access == Access::Write,
            _ => false,
        };
        words.len() == self.arguments.len() && self.arguments.iter().zip(&words).all(fits)
    }
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
