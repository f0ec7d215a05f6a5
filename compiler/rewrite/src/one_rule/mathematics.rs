//! An e-graph in which each value is made in one way, as a `venc` program.

use super::OneFunction;
use crate::analysis::Sort;
use crate::error::RewriteError;
use crate::language::{Leaf, Term};
use crate::meaning::{Algebra, Children, Meaning, meaning};
use egg::{CostFunction, Extractor, Id, Language};
use ocellus_dialects::TensorType;
use ocellus_dialects::venc::{self, FunctionBuilder, Op, Source, ValueId};
use std::collections::HashMap;

/// The module of these functions.
pub(super) fn program(
    module: &venc::Module,
    functions: &[OneFunction],
) -> Result<venc::Module, RewriteError> {
    let functions = functions.iter().map(|function| read(module, function));
    let program = venc::Module {
        symbols: module.symbols.clone(),
        functions: functions.collect::<Result<_, _>>()?,
        entry: module.entry.clone(),
    };
    program.verify()?;
    Ok(program)
}

/// The fewest terms, kernels only where there is nothing else.
struct FewTerms;

impl CostFunction<Term> for FewTerms {
    type Cost = u64;

    fn cost<C: FnMut(Id) -> u64>(&mut self, term: &Term, mut cost: C) -> u64 {
        let (sort, is_logical) = (Sort::of(term), Sort::is_logical(term));
        let own = if is_logical || sort == Sort::Attribute { 1 } else { 1_000 };
        term.fold(own, |sum, child| sum.saturating_add(cost(child)))
    }
}

fn read(module: &venc::Module, of: &OneFunction) -> Result<venc::Function, RewriteError> {
    let extractor = Extractor::new(&of.egraph, FewTerms);
    let builder = FunctionBuilder::new(&of.function.name);
    let mut writer = Writer { module, function: of.function, builder, leaves: HashMap::new() };
    for (position, argument) in of.function.arguments.iter().enumerate() {
        let value = writer.builder.argument(&argument.name, argument.ty.clone(), argument.role);
        writer.leaves.insert(Leaf(position as u32), value);
    }
    let mut made: HashMap<Id, Meaning<ValueId>> = HashMap::new();
    // A stack of our own: a program may be deep.
    let mut open = of.results();
    open.reverse();
    while let Some(class) = open.pop() {
        if made.contains_key(&class) {
            continue;
        }
        let term = extractor.find_best_node(class);
        let children = term.children().iter().map(|child| of.egraph.find(*child));
        let missing: Vec<Id> = children.filter(|child| !made.contains_key(child)).collect();
        if !missing.is_empty() {
            open.push(class);
            open.extend(missing.into_iter().rev());
            continue;
        }
        let child = |id: Id| {
            made.get(&of.egraph.find(id)).cloned().ok_or_else(|| "no such child".to_string())
        };
        let found = meaning(&mut writer, term, &Children(&child));
        let found = found.map_err(|reason| of.internal(reason))?;
        if let (Meaning::Tensor(value), Some(label)) = (&found, of.labels.get(&class)) {
            writer.builder.label(*value, label);
        }
        made.insert(class, found);
    }
    for ((name, _), class) in of.function.results.iter().zip(of.results()) {
        match made.get(&class) {
            Some(Meaning::Tensor(value)) => writer.builder.result(name, *value),
            _ => return Err(of.internal("a result is no tensor")),
        }
    }
    Ok(writer.builder.finish())
}

/// Values of the new function as an algebra: to apply an operation is to write it down.
struct Writer<'a> {
    module: &'a venc::Module,
    function: &'a venc::Function,
    builder: FunctionBuilder,
    /// Arguments and weights, each written once.
    leaves: HashMap<Leaf, ValueId>,
}

impl Algebra for Writer<'_> {
    type Tensor = ValueId;

    fn leaf(&mut self, leaf: Leaf) -> Result<ValueId, String> {
        if let Some(value) = self.leaves.get(&leaf) {
            return Ok(*value);
        }
        let node = self.function.node_of(ValueId(leaf.0));
        let Some((ty, Source::Checkpoint(name))) = node.map(|node| (&node.ty, node.op.source()))
        else {
            return Err(format!("{leaf} is no argument"));
        };
        let value = self.builder.weight(name, ty.clone());
        self.leaves.insert(leaf, value);
        Ok(value)
    }

    fn apply(&mut self, op: impl Into<Op>, operands: &[ValueId]) -> Result<ValueId, String> {
        let op = op.into();
        let pushed = match op.source() {
            Source::Function(callee) => self.builder.call(self.module, callee, operands),
            Source::Checkpoint(_) | Source::Operands => self.builder.push(op, operands),
        };
        pushed.map_err(|error| error.to_string())
    }

    fn type_of(&self, tensor: &ValueId) -> TensorType {
        self.builder.type_of(*tensor).clone()
    }
}
