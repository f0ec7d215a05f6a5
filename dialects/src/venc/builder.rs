//! Builds one function of a module, node by node, each checked as it is added.

use super::{Argument, Call, Function, Module, Node, Op, Role, ValueId, VencError, Weight, infer};
use crate::tensor::TensorType;

/// A function under construction.
#[derive(Clone, Debug)]
pub struct FunctionBuilder {
    function: Function,
}

impl FunctionBuilder {
    /// An empty function.
    pub fn new(name: &str) -> Self {
        FunctionBuilder {
            function: Function {
                name: name.to_string(),
                arguments: vec![],
                nodes: vec![],
                results: vec![],
            },
        }
    }

    /// Adds an argument. All arguments come before the first node.
    pub fn argument(&mut self, name: &str, ty: TensorType, role: Role) -> ValueId {
        debug_assert!(self.function.nodes.is_empty(), "arguments come before nodes");
        self.function.arguments.push(Argument { name: name.to_string(), ty, role });
        ValueId(self.function.arguments.len() as u32 - 1)
    }

    /// Adds a tensor of the checkpoint.
    pub fn weight(&mut self, name: &str, ty: TensorType) -> ValueId {
        self.append(Weight { name: name.to_string() }, vec![], ty)
    }

    /// Adds an operation; its operands are checked.
    pub fn push(&mut self, op: impl Into<Op>, operands: &[ValueId]) -> Result<ValueId, VencError> {
        let op = op.into();
        let types: Vec<&TensorType> = operands.iter().map(|v| self.function.type_of(*v)).collect();
        let ty = infer(&op, &types)?;
        Ok(self.append(op, operands.to_vec(), ty))
    }

    /// Adds a call of a function of `module`.
    pub fn call(
        &mut self,
        module: &Module,
        callee: &str,
        operands: &[ValueId],
    ) -> Result<ValueId, VencError> {
        let types: Vec<&TensorType> = operands.iter().map(|v| self.function.type_of(*v)).collect();
        let ty = module.infer_call(callee, &types)?;
        Ok(self.append(Call { callee: callee.to_string() }, operands.to_vec(), ty))
    }

    /// Names a value, for people and for `verify`.
    pub fn label(&mut self, value: ValueId, label: &str) {
        if let Some(position) = value.index().checked_sub(self.function.arguments.len()) {
            self.function.nodes[position].label = Some(label.to_string());
        }
    }

    /// The type of a value made so far.
    pub fn type_of(&self, value: ValueId) -> &TensorType {
        self.function.type_of(value)
    }

    /// Adds a result.
    pub fn result(&mut self, name: &str, value: ValueId) {
        self.function.results.push((name.to_string(), value));
    }

    /// The function.
    pub fn finish(self) -> Function {
        self.function
    }

    fn append(&mut self, op: impl Into<Op>, operands: Vec<ValueId>, ty: TensorType) -> ValueId {
        self.function.nodes.push(Node { op: op.into(), operands, ty, label: None });
        self.function.value_of(self.function.nodes.len() - 1)
    }
}
