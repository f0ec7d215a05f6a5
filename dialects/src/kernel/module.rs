//! A `kernel` module: functions whose steps are launches and calls.

use super::{KernelOp, View};
use crate::symbolic::Symbols;
use crate::tensor::TensorType;
use crate::venc::{self, Role, ValueId};

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
    /// What the host does, in the order of what the steps make.
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
