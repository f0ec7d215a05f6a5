//! Where the rows that a product reads come from.

use super::{BoundPatches, BoundRows, GatheredPatches, PatchOperand, RowOperand};
use crate::arguments::{Change, Given, Part, Placed, Shape, Stage, Words};
use crate::mlir::{Builder, Value};
use crate::{Layout, Reason, Target};
use ocellus_dialects::ElementType;
use ocellus_runtime::signature::Amount;

/// The rows that a product reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowSource<S: Stage = Shape> {
    /// They lie in memory, each in one run.
    Rows(RowOperand<S>),
    /// Each is a patch of an image.
    Patches(PatchOperand<S>),
}

impl<S: Stage> Part<S> for RowSource<S> {
    type At<T: Stage> = RowSource<T>;

    fn map<T: Stage>(self, change: &mut impl Change<S, T>) -> RowSource<T> {
        match self {
            RowSource::Rows(operand) => RowSource::Rows(operand.map(change)),
            RowSource::Patches(operand) => RowSource::Patches(operand.map(change)),
        }
    }
}

impl RowSource<Given> {
    /// The rows of the operand at that position, of that layout.
    pub(crate) fn of(position: usize, layout: &Layout) -> Result<Self, Reason> {
        Ok(match &layout.patches {
            Some(patches) => RowSource::Patches(PatchOperand::of(position, layout, patches)?),
            None => RowSource::Rows(RowOperand::of(position, layout)),
        })
    }
}

impl RowSource<Placed> {
    /// The kernel reads so many rows of that width.
    pub(crate) fn read(&self, words: &mut Words, rows: &Amount, width: i64) {
        match self {
            RowSource::Rows(operand) => operand.read(words, rows, width),
            RowSource::Patches(operand) => operand.read(words, rows),
        }
    }
}

impl RowSource {
    /// How elements are stored.
    pub fn element(&self) -> ElementType {
        match self {
            RowSource::Rows(operand) => operand.element,
            RowSource::Patches(operand) => operand.patch.element,
        }
    }

    /// Bytes of scratch that reading a row takes.
    pub fn scratch_bytes(&self) -> i64 {
        match self {
            RowSource::Rows(_) => 0,
            RowSource::Patches(operand) => operand.patch.bytes(),
        }
    }

    /// The name in symbols; empty for rows in memory.
    pub fn name(&self) -> String {
        match self {
            RowSource::Rows(_) => String::new(),
            RowSource::Patches(operand) => {
                format!("_patches_{}x{}", operand.patch.height, operand.patch.width)
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
    Patches(GatheredPatches),
}

impl BoundSource {
    /// The rows, of which the argument block is given. `scratch` is where reading a row may write.
    pub(crate) fn load(
        b: &mut Builder,
        block: Value,
        source: &RowSource<Placed>,
        scratch: Value,
    ) -> Self {
        match source {
            RowSource::Rows(operand) => BoundSource::Rows(BoundRows::load(b, block, operand)),
            RowSource::Patches(operand) => {
                let patches = BoundPatches::load(b, block, operand);
                BoundSource::Patches(GatheredPatches::new(patches, scratch))
            }
        }
    }

    /// How elements are stored, and the address of a row, good until the next is asked for.
    pub fn row(
        &self,
        b: &mut Builder,
        target: impl Into<Target>,
        row: Value,
    ) -> (ElementType, Value) {
        match self {
            BoundSource::Rows(rows) => (rows.element, rows.row(b, row)),
            BoundSource::Patches(patches) => (patches.element(), patches.row(b, target, row)),
        }
    }
}
