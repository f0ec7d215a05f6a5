//! A `kernel` module: functions whose steps are launches and calls.

use super::KernelOp;
use crate::symbolic::{Dim, Symbols};
use crate::tensor::TensorType;
use crate::venc::{self, Role, ValueId};

/// A way to read a value without moving it.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// `venc.slice_columns`: each row from `start` on.
    SliceColumns {
        /// The first column.
        start: i64,
    },
    /// `venc.select_token`: of `[images, tokens, n]`, one row an image.
    SelectToken {
        /// Which token.
        index: i64,
    },
    /// `venc.slice_tokens`: of `[images, tokens, n]`, those of each image from `start` on.
    SliceTokens {
        /// The first token.
        start: i64,
    },
    /// `venc.reshape`.
    Reshape,
    /// `venc.broadcast_images`: the same memory for each image.
    BroadcastImages {
        /// The new first dimension.
        images: Dim,
    },
    /// `venc.patchify`: of an image `[images, channels, H, W]`, one row a patch.
    Patches {
        /// Pixels in a patch, downwards.
        height: i64,
        /// Pixels in a patch, across.
        width: i64,
        /// Patches downwards.
        rows: Dim,
        /// Patches across.
        cols: Dim,
    },
}

impl View {
    /// The operation as a way to read its operand; `None` where it is none.
    pub fn of(op: &venc::Op) -> Option<Self> {
        Some(match op.clone() {
            venc::Op::SliceColumns(venc::SliceColumns { start, .. }) => {
                View::SliceColumns { start }
            }
            venc::Op::SelectToken(venc::SelectToken { index }) => View::SelectToken { index },
            venc::Op::SliceTokens(venc::SliceTokens { start, .. }) => View::SliceTokens { start },
            venc::Op::Reshape(_) => View::Reshape,
            venc::Op::BroadcastImages(venc::BroadcastImages { images }) => {
                View::BroadcastImages { images }
            }
            venc::Op::Patchify(venc::Patchify { height, width, rows, cols }) => {
                View::Patches { height, width, rows, cols }
            }
            _ => return None,
        })
    }
}

/// How a value comes to be.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueKind {
    /// An argument of the function, by position.
    Argument(usize),
    /// A tensor of the checkpoint, by name.
    Weight(String),
    /// A `venc` operation on weights alone: done once, at compile time.
    Offline(venc::Op, Vec<ValueId>),
    /// Another value, read differently.
    View(View, ValueId),
    /// The result of the step at that position.
    Step(usize),
}

/// A value and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// How it comes to be.
    pub kind: ValueKind,
    /// Its type.
    pub ty: TensorType,
}

/// Something the host does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Launches a kernel.
    Launch {
        /// Which.
        op: KernelOp,
        /// What it reads, in the order that [`KernelOp`] says.
        operands: Vec<ValueId>,
        /// What it writes.
        result: ValueId,
        /// The label of the `venc` value it makes, where that has one.
        label: Option<String>,
    },
    /// Calls a function of the module.
    Call {
        /// Its name.
        callee: String,
        /// Its arguments.
        operands: Vec<ValueId>,
        /// Its result.
        result: ValueId,
        /// The label of the call in the `venc` function.
        label: Option<String>,
    },
}

impl Step {
    /// What the step reads.
    pub fn operands(&self) -> &[ValueId] {
        match self {
            Step::Launch { operands, .. } | Step::Call { operands, .. } => operands,
        }
    }

    /// The name of what the step makes, where it has one.
    pub fn label(&self) -> Option<&str> {
        match self {
            Step::Launch { label, .. } | Step::Call { label, .. } => label.as_deref(),
        }
    }

    /// What the step makes.
    pub fn result(&self) -> ValueId {
        match self {
            Step::Launch { result, .. } | Step::Call { result, .. } => *result,
        }
    }
}

/// An argument: as in `venc`.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub role: Role,
    /// Its value.
    pub value: ValueId,
}

/// A function: its values, and the steps that make them, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its arguments, in order.
    pub arguments: Vec<Argument>,
    /// Every value; operands come before what uses them.
    pub values: Vec<Value>,
    /// What the host does.
    pub steps: Vec<Step>,
    /// The results, each with its name.
    pub results: Vec<(String, ValueId)>,
}

impl Function {
    /// The value of that number. It must be one of this function.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// Whether a value is made at compile time: it depends on weights alone.
    pub fn is_offline(&self, id: ValueId) -> bool {
        match &self.value(id).kind {
            ValueKind::Weight(_) | ValueKind::Offline(..) => true,
            ValueKind::Argument(position) => self.arguments[*position].role == Role::Weight,
            ValueKind::View(_, of) => self.is_offline(*of),
            ValueKind::Step(_) => false,
        }
    }
}

/// A module of one piece: what runs for one part of the range.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The symbols, with the ranges of this piece.
    pub symbols: Symbols,
    /// The functions.
    pub functions: Vec<Function>,
    /// The function that a run calls.
    pub entry: String,
}

impl Module {
    /// The function of that name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}
