//! A `venc` module: symbols, and functions in static single assignment form.

use super::Op;
use crate::symbolic::Symbols;
use crate::tensor::TensorType;

/// A value of a function: first its arguments, then the results of its nodes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// Its position among the function's values.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an argument is to its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It changes from call to call.
    Activation,
    /// It comes from the checkpoint: work that depends on such alone is done at compile time.
    Weight,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name: for the entry function, that of the Hugging Face forward.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// Where it comes from.
    pub role: Role,
}

/// One application of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// What it is applied to.
    pub operands: Vec<ValueId>,
    /// The type of its result.
    pub ty: TensorType,
    /// A name that people and `verify` know the result by, such as `layers.3`.
    pub label: Option<String>,
}

/// A function: one result where it is called by another, any number where it is the entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name, without the `@`.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// Its body, each node after its operands.
    pub nodes: Vec<Node>,
    /// The results, each with the name that the output file gives it.
    pub results: Vec<(String, ValueId)>,
}

impl Function {
    /// The type of a value of this function. The value must be one of it.
    pub fn type_of(&self, value: ValueId) -> &TensorType {
        match value.index().checked_sub(self.arguments.len()) {
            None => &self.arguments[value.index()].ty,
            Some(node) => &self.nodes[node].ty,
        }
    }

    /// The node that makes a value; `None` for an argument.
    pub fn node_of(&self, value: ValueId) -> Option<&Node> {
        self.nodes.get(value.index().checked_sub(self.arguments.len())?)
    }

    /// The value that the node at `position` makes.
    pub fn value_of(&self, position: usize) -> ValueId {
        ValueId((self.arguments.len() + position) as u32)
    }
}

/// A module: what a frontend makes and the rewriter reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The symbols that dimensions speak of.
    pub symbols: Symbols,
    /// The functions; a repeated block is one, called many times.
    pub functions: Vec<Function>,
    /// The name of the function that a run calls.
    pub entry: String,
}

impl Module {
    /// The function of that name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// The function that a run calls.
    pub fn entry_function(&self) -> Option<&Function> {
        self.function(&self.entry)
    }
}
