//! What is known of each e-class: its meaning on types, its sort, and whether it depends on weights alone.
//!
//! Two terms that a rule makes equal must agree in type and sort. Where they do not, the rule is unsound: the union is
//! recorded as a [`Conflict`] with both terms, and the compilation ends with it.

use super::language::{Leaf, StepTerm, Term};
use super::meaning::{Algebra, Children, Meaning, meaning};
use super::rules::Assumption;
use egg::{Analysis, DidMerge, EGraph, Id, Justification};
use ocellus_dialects::TensorType;
use ocellus_dialects::venc::{self, Op, Source};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What kind of thing a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A tensor, contiguous in memory once a kernel made it.
    Value,
    /// A tensor as a kernel reads it.
    Operand,
    /// Rows that a kernel has read and prepared.
    Prologue,
    /// What the kernel proper makes of the rows.
    Product,
    /// Several operands.
    List,
    /// What happens to each element last.
    Epilogue,
    /// No tensor.
    Attribute,
}

impl Sort {
    /// The sort of a term.
    pub fn of(term: &Term) -> Sort {
        Sort::and_whether_logical(term).0
    }

    /// Whether the term only reads values: a `venc` operation or a view of one, rather than part of a kernel.
    pub fn is_logical(term: &Term) -> bool {
        Sort::and_whether_logical(term).1
    }

    fn and_whether_logical(term: &Term) -> (Sort, bool) {
        match term {
            Term::Operation(..) | Term::Leaf(_) => (Sort::Value, true),
            Term::Operand(_) => (Sort::Operand, true),
            Term::List(_) => (Sort::List, true),
            Term::Rows(_) => (Sort::Prologue, false),
            Term::Product(_) => (Sort::Product, false),
            Term::Epilogue(_) => (Sort::Epilogue, false),
            Term::Step(StepTerm::ReshapeInPlace(_)) => (Sort::Value, true),
            Term::Step(
                StepTerm::Store(_)
                | StepTerm::Attention(_)
                | StepTerm::PartialGemm(_)
                | StepTerm::BatchedGemm(_)
                | StepTerm::Call(_)
                | StepTerm::Move(..),
            ) => (Sort::Value, false),
            Term::Arithmetic(_) | Term::Attribute(_) => (Sort::Attribute, false),
        }
    }
}

/// What is known of an e-class.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Which kind of thing it is.
    pub sort: Sort,
    /// Its meaning, with types for tensors; why it has none, where a rule made an ill-typed term.
    pub meaning: Result<Meaning<TensorType>, String>,
    /// Whether it depends on weights alone and has constant dimensions, so that it is worked out at compile time.
    pub weight_only: bool,
    /// Whether a product of weights goes into it, where it depends on weights alone.
    pub has_product: bool,
}

impl Facts {
    /// The type, where it is a tensor.
    pub fn ty(&self) -> Option<&TensorType> {
        match &self.meaning {
            Ok(Meaning::Tensor(ty)) => Some(ty),
            _ => None,
        }
    }
}

/// Two terms that a rule calls equal and that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The rule, or congruence.
    pub reason: String,
    /// One term and what it is.
    pub left: String,
    /// The other.
    pub right: String,
}

/// An argument of the function, as the analysis sees it.
#[derive(Clone, Debug)]
pub struct LeafFacts {
    /// Its type.
    pub ty: TensorType,
    /// Whether it comes from the checkpoint.
    pub is_weight: bool,
}

/// The analysis: it knows the function's arguments and the results of the functions that it calls.
#[derive(Debug, Default)]
pub struct Types {
    /// The arguments, by number.
    pub leaves: BTreeMap<Leaf, LeafFacts>,
    /// What the user says of the data.
    pub assumptions: BTreeSet<Assumption>,
    /// The type of each function's result.
    pub callees: BTreeMap<String, TensorType>,
    /// The first union that cannot be right.
    pub conflict: RefCell<Option<Conflict>>,
}

/// Types as an algebra: to apply an operation is to infer its type.
struct Inference<'a>(&'a Types);

impl Algebra for Inference<'_> {
    type Tensor = TensorType;

    fn leaf(&mut self, leaf: Leaf) -> Result<TensorType, String> {
        let facts = self.0.leaves.get(&leaf).ok_or_else(|| format!("{leaf} is not declared"))?;
        Ok(facts.ty.clone())
    }

    fn apply(&mut self, op: impl Into<Op>, operands: &[TensorType]) -> Result<TensorType, String> {
        let op = op.into();
        if let Source::Function(callee) = op.source() {
            let result = self.0.callees.get(callee).cloned();
            return result.ok_or_else(|| format!("the function @{callee} is not there"));
        }
        let operands: Vec<&TensorType> = operands.iter().collect();
        venc::infer(&op, &operands).map_err(|error| error.to_string())
    }

    fn type_of(&self, tensor: &TensorType) -> TensorType {
        tensor.clone()
    }
}

impl Analysis<Term> for Types {
    type Data = Facts;

    fn make(egraph: &mut EGraph<Term, Self>, term: &Term, _: Id) -> Facts {
        let children = |id: Id| egraph[id].data.meaning.clone();
        let meaning = meaning(&mut Inference(&egraph.analysis), term, &Children(&children));
        let weight_only = is_weight_only(egraph, term, &meaning);
        let has_product = weight_only && has_product(egraph, term);
        Facts { sort: Sort::of(term), meaning, weight_only, has_product }
    }

    fn merge(&mut self, to: &mut Facts, from: Facts) -> DidMerge {
        let known = |facts: &Facts| (facts.weight_only, facts.has_product);
        let before = known(to);
        to.weight_only |= from.weight_only;
        to.has_product |= from.has_product;
        DidMerge(known(to) != before, known(to) != known(&from))
    }

    fn pre_union(egraph: &EGraph<Term, Self>, left: Id, right: Id, why: &Option<Justification>) {
        let (a, b) = (&egraph[left].data, &egraph[right].data);
        if agree(a, b) || egraph.analysis.conflict.borrow().is_some() {
            return;
        }
        let reason = match why {
            Some(Justification::Rule(rule)) => rule.to_string(),
            Some(Justification::Congruence) => "congruence".to_string(),
            None => String::new(),
        };
        let describe = |id: Id, facts: &Facts| {
            let what = match &facts.meaning {
                Ok(Meaning::Tensor(ty)) => ty.to_string(),
                Ok(other) => format!("{other:?}"),
                Err(error) => error.clone(),
            };
            format!("{} : {:?} {what}", egraph.id_to_expr(id), facts.sort)
        };
        let conflict = Conflict { reason, left: describe(left, a), right: describe(right, b) };
        *egraph.analysis.conflict.borrow_mut() = Some(conflict);
    }

    /// Arithmetic on attributes is done as soon as it is written.
    fn modify(egraph: &mut EGraph<Term, Self>, id: Id) {
        if let Ok(Meaning::Attribute(value)) = &egraph[id].data.meaning {
            let leaf = Term::Attribute(value.clone());
            if egraph[id].nodes.contains(&leaf) {
                return;
            }
            let leaf = egraph.add(leaf);
            egraph.union(id, leaf);
        }
    }
}

fn agree(a: &Facts, b: &Facts) -> bool {
    a.sort == b.sort && a.meaning.is_ok() && a.meaning == b.meaning
}

fn is_weight_only(
    egraph: &EGraph<Term, Types>,
    term: &Term,
    meaning: &Result<Meaning<TensorType>, String>,
) -> bool {
    if let Term::Leaf(leaf) = term {
        return egraph.analysis.leaves.get(leaf).is_some_and(|facts| facts.is_weight)
            && has_constant_dims(meaning);
    }
    Sort::is_logical(term)
        && has_constant_dims(meaning)
        && egg::Language::children(term).iter().all(|child| {
            let facts = &egraph[*child].data;
            facts.sort == Sort::Attribute || facts.weight_only
        })
}

fn has_product(egraph: &EGraph<Term, Types>, term: &Term) -> bool {
    matches!(term, Term::Operation(operation, _) if operation.name() == "matmul")
        || egg::Language::children(term).iter().any(|child| egraph[*child].data.has_product)
}

fn has_constant_dims(meaning: &Result<Meaning<TensorType>, String>) -> bool {
    let constant = |ty: &TensorType| ty.shape.iter().all(|dim| dim.as_constant().is_some());
    match meaning {
        Ok(Meaning::Tensor(ty)) => constant(ty),
        Ok(Meaning::List(types)) => types.iter().all(constant),
        _ => false,
    }
}
