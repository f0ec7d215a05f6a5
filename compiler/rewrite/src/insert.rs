//! Writes a `venc` function down as terms of an e-graph.

use super::analysis::{LeafFacts, Types};
use super::error::RewriteError;
use super::language::{Children, Leaf, ListTerm, OperandTerm, StepTerm, Term};
use super::operation::Operation;
use egg::{EGraph, Id};
use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{
    Attribute, Concat, Function, Module, Op, Reshape, Role, Source, ValueId,
};
use std::collections::HashMap;

/// The e-graph of one function, and where its values are.
pub struct Inserted {
    /// The terms.
    pub egraph: EGraph<Term, Types>,
    /// The class of each value of the function.
    pub values: Vec<Id>,
}

impl Inserted {
    /// The label of each class that has one. Where rules find two named values equal, the first name stays.
    pub fn labels(&self, function: &Function) -> HashMap<Id, String> {
        let mut labels = HashMap::new();
        for (position, node) in function.nodes.iter().enumerate() {
            if let Some(label) = &node.label {
                let class = self.egraph.find(self.values[function.value_of(position).index()]);
                labels.entry(class).or_insert_with(|| label.clone());
            }
        }
        labels
    }
}

/// The e-graph that holds exactly the function's own terms. The module has been verified.
pub fn insert(module: &Module, function: &Function) -> Result<Inserted, RewriteError> {
    let egraph = EGraph::new(types_of(module, function));
    let mut inserted = Inserted { egraph, values: vec![] };
    for position in 0..function.arguments.len() {
        let class = inserted.egraph.add(Term::Leaf(Leaf(position as u32)));
        inserted.values.push(class);
    }
    for (position, node) in function.nodes.iter().enumerate() {
        let operands: Vec<Id> =
            node.operands.iter().map(|operand| inserted.values[operand.index()]).collect();
        let class = match node.op.source() {
            Source::Checkpoint(_) => {
                inserted.egraph.add(Term::Leaf(Leaf(function.value_of(position).0)))
            }
            Source::Function(callee) => {
                Writer { egraph: &mut inserted.egraph }.call(callee, &operands)
            }
            Source::Operands => {
                let mut writer = Writer { egraph: &mut inserted.egraph };
                writer.operation(&node.op, &operands, &node.ty)?
            }
        };
        inserted.values.push(class);
    }
    inserted.egraph.rebuild();
    Ok(inserted)
}

fn types_of(module: &Module, function: &Function) -> Types {
    let arguments = function.arguments.iter().enumerate().map(|(position, argument)| {
        let facts = LeafFacts { ty: argument.ty.clone(), is_weight: argument.role == Role::Weight };
        (Leaf(position as u32), facts)
    });
    let weights =
        function.nodes.iter().enumerate().filter_map(|(position, node)| match node.op.source() {
            Source::Checkpoint(_) => {
                let ValueId(number) = function.value_of(position);
                Some((Leaf(number), LeafFacts { ty: node.ty.clone(), is_weight: true }))
            }
            Source::Function(_) | Source::Operands => None,
        });
    let callees = module.functions.iter().filter_map(|callee| {
        let (_, result) = callee.results.first()?;
        Some((callee.name.clone(), callee.type_of(*result).clone()))
    });
    Types {
        leaves: arguments.chain(weights).collect(),
        callees: callees.collect(),
        ..Types::default()
    }
}

struct Writer<'a> {
    egraph: &'a mut EGraph<Term, Types>,
}

impl Writer<'_> {
    fn attribute(&mut self, attribute: Attribute) -> Id {
        self.egraph.add(Term::Attribute(attribute))
    }

    fn list(&mut self, operands: &[Id]) -> Id {
        let end = self.egraph.add(ListTerm::End([]).into());
        operands.iter().rev().fold(end, |rest, operand| {
            let read = self.egraph.add(OperandTerm::Read([*operand]).into());
            self.egraph.add(ListTerm::List([read, rest]).into())
        })
    }

    fn call(&mut self, callee: &str, operands: &[Id]) -> Id {
        let name = self.attribute(Attribute::Name(callee.to_string()));
        let list = self.list(operands);
        self.egraph.add(StepTerm::Call([name, list]).into())
    }

    fn operation(&mut self, op: &Op, operands: &[Id], ty: &TensorType) -> Result<Id, RewriteError> {
        if let Op::Concat(Concat { axis }) = op {
            return self.concat(*axis, operands, ty);
        }
        self.term(op, operands)
    }

    /// The operands of an operation, then its attributes.
    fn term(&mut self, op: &Op, operands: &[Id]) -> Result<Id, RewriteError> {
        let operation = Operation::of(op).ok_or_else(|| RewriteError::Internal {
            function: String::new(),
            reason: format!("venc.{} of {} operands", op.name(), operands.len()),
        })?;
        let operands = match operation.takes_list() {
            true => vec![self.list(operands)],
            false => operands.to_vec(),
        };
        let attributes = op.operation().attributes();
        let attributes: Vec<Id> =
            attributes.into_iter().map(|attribute| self.attribute(attribute)).collect();
        let children = Children::new(operands.into_iter().chain(attributes));
        Ok(self.egraph.add(Term::Operation(operation, children)))
    }

    /// Kernels concatenate along the tokens or along the last dimension. Along another one, the dimensions before and
    /// after it are flattened first, so that it becomes the tokens.
    fn concat(
        &mut self,
        axis: usize,
        operands: &[Id],
        ty: &TensorType,
    ) -> Result<Id, RewriteError> {
        let plain = self.term(&Concat { axis }.into(), operands)?;
        let has_kernel = axis + 1 == ty.rank() || (axis == 1 && ty.rank() == 3);
        if has_kernel {
            return Ok(plain);
        }
        let around = |ty: &TensorType| {
            let before: Dim = ty.shape[..axis].iter().cloned().product();
            let after: Dim = ty.shape[axis + 1..].iter().cloned().product();
            vec![before, ty.shape[axis].clone(), after]
        };
        let mut flat = vec![];
        for operand in operands {
            let shape = self.egraph[*operand].data.ty().map(around);
            let Some(shape) = shape else { return Ok(plain) };
            flat.push(self.term(&Reshape { shape }.into(), &[*operand])?);
        }
        let joined = self.term(&Concat { axis: 1 }.into(), &flat)?;
        let restored = self.term(&Reshape { shape: ty.shape.clone() }.into(), &[joined])?;
        self.egraph.union(plain, restored);
        Ok(plain)
    }
}
