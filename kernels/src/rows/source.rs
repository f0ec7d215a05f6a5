//! Where the rows that a product reads come from.

use super::{ArgumentReader, BoundPatches, BoundRows, PatchOperand, RowOperand};
use crate::mlir::{Builder, Value};
use crate::words::Words;
use crate::{Argument, CpuTarget, Layout, Reason};
use ocellus_dialects::ElementType;
use ocellus_runtime::signature::{Access, Amount};

/// What code depends on of the rows that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowSource {
    /// They lie in memory, each in one run.
    Rows(RowOperand),
    /// Each is a patch of an image.
    Patches(PatchOperand),
}

impl RowSource {
    /// The rows of that layout, and the words that [`RowSource::read`] reads.
    pub fn of(position: usize, layout: &Layout) -> Result<(Self, Vec<Argument>), Reason> {
        match &layout.patches {
            Some(patches) => {
                let (operand, words) = PatchOperand::of(position, layout, patches)?;
                Ok((RowSource::Patches(operand), words))
            }
            None => {
                let operand = RowOperand::of(layout);
                let period = layout.rows_per_image();
                let words = operand.arguments(Argument::Operand(position), layout, period);
                Ok((RowSource::Rows(operand), words))
            }
        }
    }

    /// Declares those words, where `rows` rows of that width are read.
    pub(crate) fn declare(&self, words: &mut Words, (rows, width): (Amount, i64)) {
        match self {
            RowSource::Rows(operand) => operand.declare(words, Access::Read, (rows, width)),
            RowSource::Patches(operand) => operand.declare(words, rows),
        }
    }

    /// How elements are stored.
    pub fn element(&self) -> ElementType {
        match self {
            RowSource::Rows(operand) => operand.element,
            RowSource::Patches(operand) => operand.element,
        }
    }

    /// Bytes of scratch that reading a row takes.
    pub fn scratch_bytes(&self) -> i64 {
        match self {
            RowSource::Rows(_) => 0,
            RowSource::Patches(operand) => operand.scratch_bytes(),
        }
    }

    /// The name in symbols; empty for rows in memory.
    pub fn name(&self) -> String {
        match self {
            RowSource::Rows(_) => String::new(),
            RowSource::Patches(operand) => {
                format!("_patches_{}x{}", operand.height, operand.width)
            }
        }
    }

    /// The rows at run time. `scratch` is where reading a row may write.
    pub fn read(
        &self,
        b: &mut Builder,
        arguments: &mut ArgumentReader,
        scratch: Value,
    ) -> BoundSource {
        match self {
            RowSource::Rows(operand) => BoundSource::Rows(operand.read(b, arguments)),
            RowSource::Patches(operand) => {
                BoundSource::Patches(operand.read(b, arguments, scratch))
            }
        }
    }
}

/// Rows at run time.
#[derive(Clone, Copy, Debug)]
pub enum BoundSource {
    /// They lie in memory.
    Rows(BoundRows),
    /// They are gathered.
    Patches(BoundPatches),
}

impl BoundSource {
    /// How elements are stored, and the address of a row, good until the next is asked for.
    pub fn row(&self, b: &mut Builder, target: &CpuTarget, row: Value) -> (ElementType, Value) {
        match self {
            BoundSource::Rows(rows) => (rows.element, rows.row(b, row)),
            BoundSource::Patches(patches) => (patches.element(), patches.row(b, target, row)),
        }
    }
}
