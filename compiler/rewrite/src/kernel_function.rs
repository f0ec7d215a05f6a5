//! From what was extracted to a `kernel` function: launches in order, work of compile time as `offline` values, views
//! where kernels read through them.

use super::analysis::{Sort, Types};
use super::candidate::{Candidate, Operand, Producer};
use super::error::RewriteError;
use super::language::{Leaf, Term};
use super::meaning::{Algebra, Children, Meaning, meaning};
use super::offline::OfflineTerms;
use egg::{EGraph, Id, Language};
use ocellus_dialects::TensorType;
use ocellus_dialects::kernel::{Argument, Function, Step, Value, ValueKind, View};
use ocellus_dialects::venc::{self, Op, Reshape, Source, ValueId};
use std::collections::HashMap;

/// What was chosen for one function.
pub struct Chosen<'a> {
    /// The `venc` function.
    pub function: &'a venc::Function,
    /// Its e-graph.
    pub egraph: &'a EGraph<Term, Types>,
    /// The candidate chosen for each class that is made, and its schedule.
    pub candidates: HashMap<Id, (&'a Candidate, usize)>,
    /// The class of each result.
    pub results: Vec<Id>,
    /// The label of each class that has one.
    pub labels: &'a HashMap<Id, String>,
}

/// The `kernel` function.
pub fn kernel_function(chosen: &Chosen) -> Result<Function, RewriteError> {
    let mut writer = Writer {
        chosen,
        offline: OfflineTerms::of(chosen.egraph),
        values: vec![],
        steps: vec![],
        made: HashMap::new(),
        meanings: HashMap::new(),
        views: vec![],
    };
    let arguments = writer.arguments();
    let mut results = vec![];
    for ((name, _), class) in chosen.function.results.iter().zip(&chosen.results) {
        results.push((name.clone(), writer.make(*class)?));
    }
    Ok(Function {
        name: chosen.function.name.clone(),
        arguments,
        values: writer.values,
        steps: writer.steps,
        results,
    })
}

struct Writer<'a> {
    chosen: &'a Chosen<'a>,
    offline: OfflineTerms<'a>,
    values: Vec<Value>,
    steps: Vec<Step>,
    /// The value of each class that was made.
    made: HashMap<Id, ValueId>,
    /// What the classes of compile-time terms mean.
    meanings: HashMap<Id, Meaning<ValueId>>,
    /// The views made so far.
    views: Vec<(View, ValueId, ValueId)>,
}

impl Writer<'_> {
    fn push(&mut self, kind: ValueKind, ty: TensorType) -> ValueId {
        self.values.push(Value { kind, ty });
        ValueId(self.values.len() as u32 - 1)
    }

    fn arguments(&mut self) -> Vec<Argument> {
        let arguments = self.chosen.function.arguments.iter().enumerate();
        arguments
            .map(|(position, argument)| {
                let value = self.push(ValueKind::Argument(position), argument.ty.clone());
                Argument { name: argument.name.clone(), role: argument.role, value }
            })
            .collect()
    }

    fn internal(&self, reason: impl Into<String>) -> RewriteError {
        RewriteError::Internal {
            function: self.chosen.function.name.clone(),
            reason: reason.into(),
        }
    }

    /// Makes a class and all that it needs, operands first. A stack of our own: a module may be deep.
    fn make(&mut self, root: Id) -> Result<ValueId, RewriteError> {
        let mut open = vec![root];
        while let Some(class) = open.last().copied() {
            if self.made.contains_key(&class) {
                open.pop();
                continue;
            }
            let (candidate, schedule) = *self
                .chosen
                .candidates
                .get(&class)
                .ok_or_else(|| self.internal("a class that is needed was not chosen"))?;
            let missing = candidate.operands.iter().rev().map(|operand| operand.class);
            let before = open.len();
            open.extend(missing.filter(|operand| !self.made.contains_key(operand)));
            if open.len() == before {
                let value = self.make_way(class, candidate, schedule)?;
                self.made.insert(class, value);
                open.pop();
            }
        }
        self.made.get(&root).copied().ok_or_else(|| self.internal("a result was not made"))
    }

    fn make_way(
        &mut self,
        class: Id,
        candidate: &Candidate,
        schedule: usize,
    ) -> Result<ValueId, RewriteError> {
        let ty = self.chosen.egraph[class].data.ty().cloned();
        let ty = ty.ok_or_else(|| self.internal("a value has no type"))?;
        let operands = candidate
            .operands
            .iter()
            .map(|operand| self.operand(operand))
            .collect::<Result<Vec<_>, _>>()?;
        let label = self.chosen.labels.get(&class).cloned();
        let position = self.steps.len();
        Ok(match &candidate.producer {
            Producer::Leaf(leaf) => self.leaf_value(*leaf)?,
            Producer::Offline => self.offline_value(class)?,
            Producer::Reshape => match operands.as_slice() {
                [of] => {
                    let view = Reshape { shape: ty.shape.clone() }.into();
                    self.push(ValueKind::View(view, *of), ty)
                }
                _ => return Err(self.internal("a reshape of other than one value")),
            },
            Producer::Launch(op) => {
                let op = candidate.schedules.get(schedule).map_or(op, |schedule| &schedule.op);
                let result = self.push(ValueKind::Step(position), ty);
                self.steps.push(Step::Launch { op: op.clone(), operands, result, label });
                result
            }
            Producer::Call(callee) => {
                let result = self.push(ValueKind::Step(position), ty);
                self.steps.push(Step::Call { callee: callee.clone(), operands, result, label });
                result
            }
        })
    }

    fn operand(&mut self, operand: &Operand) -> Result<ValueId, RewriteError> {
        let of = self.made.get(&operand.class).copied();
        let of = of.ok_or_else(|| self.internal("an operand was not made"))?;
        let Some(view) = &operand.view else { return Ok(of) };
        let known = self.views.iter().find(|(v, base, value)| {
            v == view && *base == of && self.values[value.index()].ty == operand.layout.ty
        });
        if let Some((_, _, value)) = known {
            return Ok(*value);
        }
        let value = self.push(ValueKind::View(view.clone(), of), operand.layout.ty.clone());
        self.views.push((view.clone(), of, value));
        Ok(value)
    }

    fn leaf_value(&mut self, leaf: Leaf) -> Result<ValueId, RewriteError> {
        let function = self.chosen.function;
        let value = ValueId(leaf.0);
        let Some(node) = function.node_of(value) else { return Ok(value) };
        match node.op.source() {
            Source::Checkpoint(name) => {
                Ok(self.push(ValueKind::Weight(name.to_string()), node.ty.clone()))
            }
            Source::Function(_) | Source::Operands => {
                Err(self.internal(format!("{leaf} is no argument")))
            }
        }
    }

    fn offline_value(&mut self, class: Id) -> Result<ValueId, RewriteError> {
        match self.offline_meaning(class)? {
            Meaning::Tensor(value) => Ok(value),
            _ => Err(self.internal("compile-time work that is no tensor")),
        }
    }

    fn offline_meaning(&mut self, class: Id) -> Result<Meaning<ValueId>, RewriteError> {
        let class = self.chosen.egraph.find(class);
        if let Some(known) = self.meanings.get(&class) {
            return Ok(known.clone());
        }
        let facts = &self.chosen.egraph[class].data;
        if let (Sort::Attribute, Ok(Meaning::Attribute(attribute))) = (facts.sort, &facts.meaning) {
            return Ok(Meaning::Attribute(attribute.clone()));
        }
        let term = self.offline.term(class);
        let term = term.ok_or_else(|| self.internal("compile-time work without a venc term"))?;
        let mut children = HashMap::new();
        for child in term.children() {
            children.insert(*child, self.offline_meaning(*child)?);
        }
        let child = |id: Id| children.get(&id).cloned().ok_or_else(|| "no such child".to_string());
        let found = meaning(self, term, &Children(&child)).map_err(|e| self.internal(e))?;
        self.meanings.insert(class, found.clone());
        Ok(found)
    }
}

/// Values of the kernel function as an algebra: to apply an operation is to do it at compile time.
impl Algebra for Writer<'_> {
    type Tensor = ValueId;

    fn leaf(&mut self, leaf: Leaf) -> Result<ValueId, String> {
        self.leaf_value(leaf).map_err(|error| error.to_string())
    }

    fn apply(&mut self, op: impl Into<Op>, operands: &[ValueId]) -> Result<ValueId, String> {
        let op = op.into();
        let types: Vec<&TensorType> =
            operands.iter().map(|operand| &self.values[operand.index()].ty).collect();
        let ty = venc::infer(&op, &types).map_err(|error| error.to_string())?;
        Ok(self.push(ValueKind::Offline(op, operands.to_vec()), ty))
    }

    fn type_of(&self, tensor: &ValueId) -> TensorType {
        self.values[tensor.index()].ty.clone()
    }
}
