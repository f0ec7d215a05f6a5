//! Every candidate for each value of a saturated e-graph: the kernels that its terms describe.
//!
//! A term such as `(store PRODUCT EPILOGUE)` stands for as many kernels as its parts have forms. Here they are written
//! out, each with its operands and its work, and those that no kernel family implements are left out.

use super::analysis::{Sort, Types};
use super::candidate::{Candidate, ClassCandidates, Operand, Producer, RefusedLaunch};
use super::language::{EpilogueTerm, ListTerm, OperandTerm, ProductTerm, RowsTerm, StepTerm, Term};
use super::meaning::{EpilogueStep, Meaning};
use super::operation::Operation;
use super::schedules::{Schedule, schedules};
use egg::{EGraph, Id};
use ocellus_dialects::ElementType;
use ocellus_dialects::kernel::{Between, EpilogueOp, GemmTile, KernelOp, Mask, Prologue, View};
use ocellus_dialects::venc::{Attribute, Op};
use ocellus_kernels::{Layout, Target, back_to_back_gemm};
use std::cell::Cell;
use std::collections::HashMap;

/// Ways to read several operands, where each can be read in more ways than one.
const MAX_READINGS: usize = 64;

/// Enumerates the candidates in an e-graph.
pub(super) struct Enumerator<'a> {
    egraph: &'a EGraph<Term, Types>,
    isa: Target,
    /// Whether anything was left out.
    is_cut_short: Cell<bool>,
}

/// What happens to an element, with the operands of that.
type Steps = (Vec<EpilogueOp>, Vec<Operand>);

/// What prepares the rows, with the operand that they come from and those of the preparation.
type ReadRows = (Prologue, Operand, Vec<Operand>);

impl<'a> Enumerator<'a> {
    /// Of an e-graph, for a CPU.
    pub(super) fn new(egraph: &'a EGraph<Term, Types>, isa: Target) -> Self {
        Enumerator { egraph, isa, is_cut_short: Cell::new(false) }
    }

    /// Whether anything was left out.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short.get()
    }

    /// Up to `max` candidates for a class.
    pub(super) fn candidates(&self, class: Id, max: usize) -> ClassCandidates {
        if self.egraph[class].data.weight_only {
            let candidate =
                Candidate { producer: Producer::Offline, operands: vec![], schedules: vec![] };
            return ClassCandidates { candidates: vec![candidate], refused: vec![] };
        }
        let mut refused: Vec<RefusedLaunch> = vec![];
        let mut candidates: Vec<Candidate> = vec![];
        let mut known: HashMap<Vec<Id>, Vec<usize>> = HashMap::new();
        for term in &self.egraph[class].nodes {
            for (producer, operands) in self.producers_of_term(class, term) {
                let read = operands.iter().map(|operand| operand.class).collect();
                let alike = known.entry(read).or_default();
                let is_known = |candidate: &usize| {
                    candidates[*candidate].producer == producer
                        && candidates[*candidate].operands == operands
                };
                if alike.iter().any(is_known) {
                    continue;
                }
                let schedules = match self.schedules(class, &producer, &operands) {
                    Ok(schedules) => schedules,
                    Err(launch) if refused.contains(&launch) => continue,
                    Err(launch) => {
                        refused.push(launch);
                        continue;
                    }
                };
                if candidates.len() == max {
                    self.is_cut_short.set(true);
                    return ClassCandidates { candidates, refused };
                }
                alike.push(candidates.len());
                candidates.push(Candidate { producer, operands, schedules });
            }
        }
        ClassCandidates { candidates, refused }
    }

    /// How the work can be divided, where a launch does it.
    fn schedules(
        &self,
        class: Id,
        producer: &Producer,
        operands: &[Operand],
    ) -> Result<Vec<Schedule>, RefusedLaunch> {
        let (Producer::Launch(op), Some(result)) = (producer, self.egraph[class].data.ty()) else {
            return Ok(vec![]);
        };
        let layouts: Vec<Layout> = operands.iter().map(|operand| operand.layout.clone()).collect();
        schedules(op, &layouts, result, self.isa)
            .map_err(|refusal| RefusedLaunch { op: op.clone(), refusal })
    }

    fn producers_of_term(&self, class: Id, term: &Term) -> Vec<(Producer, Vec<Operand>)> {
        let value = |id: Id| self.value(id).into_iter().collect::<Vec<_>>();
        let step = match term {
            Term::Leaf(leaf) => return vec![(Producer::Leaf(*leaf), vec![])],
            Term::Step(step) => step,
            // What is computed, and not how.
            Term::Operation(..) => return vec![],
            Term::Operand(_)
            | Term::List(_)
            | Term::Rows(_)
            | Term::Product(_)
            | Term::Epilogue(_)
            | Term::Arithmetic(_)
            | Term::Attribute(_) => return vec![],
        };
        let launches: Vec<(KernelOp, Vec<Operand>)> = match step {
            StepTerm::ReshapeInPlace([x, _]) => return vec![(Producer::Reshape, value(*x))],
            StepTerm::Call([callee, list]) => match self.attribute(*callee) {
                // A callee reads its arguments as values.
                Some(Attribute::Name(name)) => {
                    let lists = self.lists(*list).into_iter();
                    return lists
                        .filter(|operands| operands.iter().all(|operand| operand.view.is_none()))
                        .map(|operands| (Producer::Call(name.clone()), operands))
                        .collect();
                }
                _ => vec![],
            },
            StepTerm::Store([product, epilogue]) => self.stores(class, *product, *epilogue),
            StepTerm::Attention(children) => self.attention(children),
            StepTerm::PartialGemm([x, weight, slices]) => self.partial_gemms(*x, *weight, *slices),
            StepTerm::BatchedGemm([a, b, transposed]) => match self.attribute(*transposed) {
                Some(Attribute::Flag(transpose_rhs)) => {
                    let op = KernelOp::BatchedGemm { transpose_rhs: *transpose_rhs };
                    vec![(op, self.values(&[*a, *b]))]
                }
                _ => vec![],
            },
            StepTerm::Move(operation, ids) => self.moves(*operation, ids),
        };
        launches.into_iter().map(|(op, operands)| (Producer::Launch(op), operands)).collect()
    }

    fn stores(&self, class: Id, product: Id, epilogue: Id) -> Vec<(KernelOp, Vec<Operand>)> {
        let Some(to) = self.egraph[class].data.ty().map(|ty| ty.element) else { return vec![] };
        let epilogues = self.epilogues(epilogue);
        let mut kernels = vec![];
        for term in &self.egraph[product].nodes {
            let Term::Product(product) = term else { continue };
            let (rows, weight) = match product {
                ProductTerm::BackToBackGemm(parts) => {
                    kernels.extend(self.back_to_back_gemms(*parts, &epilogues));
                    continue;
                }
                ProductTerm::Rows([prologue]) => (*prologue, None),
                ProductTerm::Gemm([prologue, weight]) => match self.value(*weight) {
                    Some(weight) if self.egraph[weight.class].data.weight_only => {
                        (*prologue, Some(weight))
                    }
                    _ => continue,
                },
            };
            for (prologue, x, parameters) in self.prologues(rows) {
                for (epilogue, others) in &epilogues {
                    let epilogue = epilogue.clone();
                    let op = match &weight {
                        Some(_) => KernelOp::Gemm { prologue, epilogue, tile: GemmTile::DEFAULT },
                        None => KernelOp::RowWise { prologue, epilogue, to },
                    };
                    let operands = std::iter::once(x.clone())
                        .chain(parameters.clone())
                        .chain(weight.clone())
                        .chain(others.clone());
                    kernels.push((op, operands.collect()));
                }
            }
        }
        kernels
    }

    fn back_to_back_gemms(
        &self,
        [rows, first, between, second]: [Id; 4],
        epilogues: &[Steps],
    ) -> Vec<(KernelOp, Vec<Operand>)> {
        let weights = self.values(&[first, second]);
        let [first, second] = weights.as_slice() else { return vec![] };
        if ![first, second].iter().all(|weight| self.egraph[weight.class].data.weight_only) {
            return vec![];
        }
        let Some(element) = self.between_element(rows, first, between) else { return vec![] };
        let betweens = self.epilogues(between);
        let mut kernels = vec![];
        for (prologue, x, parameters) in self.prologues(rows) {
            for ((steps, between_operands), (epilogue, others)) in
                betweens.iter().flat_map(|b| epilogues.iter().map(move |e| (b, e)))
            {
                let op = KernelOp::BackToBackGemm {
                    prologue,
                    between: Between { epilogue: steps.clone(), element },
                    epilogue: epilogue.clone(),
                    rows: back_to_back_gemm::ROWS[0],
                };
                let operands = std::iter::once(x.clone())
                    .chain(parameters.clone())
                    .chain([first.clone()])
                    .chain(between_operands.clone())
                    .chain([second.clone()])
                    .chain(others.clone());
                kernels.push((op, operands.collect()));
            }
        }
        kernels
    }

    /// How the rows between two products are stored where they are stored: as x, unless they are cast.
    fn between_element(&self, rows: Id, first: &Operand, between: Id) -> Option<ElementType> {
        let Ok(Meaning::Epilogue(steps)) = &self.egraph[between].data.meaning else { return None };
        if let Some(EpilogueStep::Cast(to)) = steps.last() {
            return Some(*to);
        }
        self.egraph[rows].data.ty().map(|x| x.element).or(Some(first.layout.ty.element))
    }

    fn partial_gemms(&self, x: Id, weight: Id, slices: Id) -> Vec<(KernelOp, Vec<Operand>)> {
        let (Some(weight), Some(slices)) = (self.value(weight), self.integer(slices)) else {
            return vec![];
        };
        if !self.egraph[weight.class].data.weight_only {
            return vec![];
        }
        let op = KernelOp::PartialGemm { slices, tile: GemmTile::DEFAULT };
        let operands = self.operands(x).into_iter();
        operands.map(|x| (op.clone(), vec![x, weight.clone()])).collect()
    }

    fn prologues(&self, class: Id) -> Vec<ReadRows> {
        let mut all = vec![];
        for term in &self.egraph[class].nodes {
            let Term::Rows(rows) = term else { continue };
            let (prologue, x, parameters) = match rows {
                RowsTerm::AsIs([x]) => (Some(Prologue::None), *x, vec![]),
                RowsTerm::Prologue(operation, ids) => {
                    let Some((op, [x, others @ ..])) = self.applied(*operation, ids) else {
                        continue;
                    };
                    let prologue = self.egraph[*x]
                        .data
                        .ty()
                        .and_then(|ty| Prologue::of(&op, ty, others.len()));
                    (prologue, *x, self.values(others))
                }
            };
            let Some(prologue) = prologue else { continue };
            all.extend(self.operands(x).into_iter().map(|x| (prologue, x, parameters.clone())));
        }
        all
    }

    fn epilogues(&self, class: Id) -> Vec<Steps> {
        let Ok(Meaning::Epilogue(steps)) = &self.egraph[class].data.meaning else { return vec![] };
        let Some(step) = steps.last() else { return vec![(vec![], vec![])] };
        let op = match step {
            EpilogueStep::Combine(combine, broadcast, _) => {
                Some(EpilogueOp::Combine(*combine, *broadcast))
            }
            EpilogueStep::Elementwise(function) => Some(EpilogueOp::Elementwise(*function)),
            EpilogueStep::Gate(activation) => Some(EpilogueOp::Gate(*activation)),
            EpilogueStep::AfterTokens(_) => Some(EpilogueOp::AfterTokens),
            // The storage of the result says it.
            EpilogueStep::Cast(_) => None,
        };
        let mut all = vec![];
        for term in &self.egraph[class].nodes {
            let Term::Epilogue(term) = term else { continue };
            let Some((earlier, operand)) = last_of_epilogue(term) else { continue };
            let operands: Vec<Option<Operand>> = match operand {
                None => vec![None],
                Some(id) if self.egraph[id].data.sort == Sort::Operand => {
                    self.operands(id).into_iter().map(Some).collect()
                }
                Some(id) => self.value(id).into_iter().map(Some).collect(),
            };
            for (ops, others) in self.epilogues(earlier) {
                for operand in &operands {
                    let ops = ops.iter().copied().chain(op).collect();
                    let others = others.iter().cloned().chain(operand.clone()).collect();
                    all.push((ops, others));
                }
            }
        }
        self.ends(all)
    }

    fn attention(&self, children: &[Id; 6]) -> Vec<(KernelOp, Vec<Operand>)> {
        let [q, k, v, heads, scale, mask] = *children;
        let (Some(heads), Some(scale)) = (self.integer(heads), self.number(scale)) else {
            return vec![];
        };
        let plain = self.products(&[q, k]).into_iter().map(|read| (read, vec![], false));
        let rotated = self.rotated(q, k, heads);
        let rotated = rotated.into_iter().map(|(read, tables)| (read, tables, true));
        let (values, masks) = (self.operands(v), self.lists(mask));
        let mut kernels = vec![];
        for (read, tables, rotary) in plain.chain(rotated) {
            for (v, segments) in values.iter().flat_map(|v| masks.iter().map(move |m| (v, m))) {
                let mask = if segments.is_empty() { Mask::Full } else { Mask::Segments };
                let rest = std::iter::once(v).chain(&tables).chain(segments).cloned();
                let operands = read.iter().cloned().chain(rest).collect();
                let warp_queries = None;
                let op = KernelOp::Attention { heads, scale, rotary, mask, warp_queries };
                kernels.push((op, operands));
            }
        }
        kernels
    }

    /// The ways to read q and k before they are rotated, both by the same tables, and those tables.
    fn rotated(&self, q: Id, k: Id, heads: i64) -> Vec<(Vec<Operand>, Vec<Operand>)> {
        let rotations = |class: Id| {
            self.egraph[class].nodes.iter().filter_map(move |term| {
                let Term::Operand(OperandTerm::Rotated([x, cos, sin, h])) = term else {
                    return None;
                };
                let tables = [*cos, *sin].map(|table| self.egraph.find(table));
                (self.integer(*h) == Some(heads)).then_some((*x, tables))
            })
        };
        let mut all = vec![];
        for (q, tables) in rotations(q) {
            for (k, _) in rotations(k).filter(|(_, others)| *others == tables) {
                let read = self.products(&[q, k]).into_iter();
                all.extend(read.map(|operands| (operands, self.values(&tables))));
            }
        }
        all
    }

    fn moves(&self, operation: Operation, ids: &[Id]) -> Vec<(KernelOp, Vec<Operand>)> {
        let Some((op, operands)) = self.applied(operation, ids) else { return vec![] };
        let readings = match operands {
            [list] if operation.takes_list() => self.lists(*list),
            _ => self.products(operands),
        };
        readings.into_iter().map(|read| (KernelOp::Move(op.clone()), read)).collect()
    }

    /// An operation of a term that has its operands and its attributes as children, and the operands.
    fn applied<'i>(&self, operation: Operation, ids: &'i [Id]) -> Option<(Op, &'i [Id])> {
        let (operands, attributes) = operation.split(ids);
        let attributes: Vec<Attribute> =
            attributes.iter().map(|id| self.attribute(*id).cloned()).collect::<Option<_>>()?;
        Some((operation.with_attributes(&attributes).ok()?, operands))
    }

    /// The ways to read a list of operands.
    fn lists(&self, class: Id) -> Vec<Vec<Operand>> {
        let mut all = vec![];
        for term in &self.egraph[class].nodes {
            let Term::List(list) = term else { continue };
            match list {
                ListTerm::End([]) => all.push(vec![]),
                ListTerm::List([first, rest]) => {
                    let rests = self.lists(*rest);
                    for first in self.operands(*first) {
                        all.extend(rests.iter().map(|rest| {
                            std::iter::once(first.clone()).chain(rest.iter().cloned()).collect()
                        }));
                    }
                }
            }
        }
        self.ends(all)
    }

    /// Every combination of ways to read these operands. What is no operand is a value, read as it lies.
    fn products(&self, classes: &[Id]) -> Vec<Vec<Operand>> {
        classes.iter().fold(vec![vec![]], |all, class| {
            let operands = match self.egraph[*class].data.sort {
                Sort::Operand => self.operands(*class),
                _ => self.value(*class).into_iter().collect(),
            };
            let with = |before: &Vec<Operand>, operand: &Operand| -> Vec<Operand> {
                before.iter().cloned().chain([operand.clone()]).collect()
            };
            let all = all.iter().flat_map(|before| operands.iter().map(|o| with(before, o)));
            self.ends(all.collect())
        })
    }

    /// The ways to read one operand.
    fn operands(&self, class: Id) -> Vec<Operand> {
        let Some(ty) = self.egraph[class].data.ty() else { return vec![] };
        let read = |term: &Term| {
            let Term::Operand(term) = term else { return None };
            let (x, view) = match term {
                OperandTerm::Read([x]) => (*x, None),
                OperandTerm::Address(operation, ids) => match self.applied(*operation, ids)? {
                    (op, [x]) => (*x, Some(View::of(&op)?)),
                    _ => return None,
                },
                // Attention alone rotates what it reads: see `rotated`.
                OperandTerm::Rotated(_) => return None,
            };
            let class = self.egraph.find(x);
            let layout = Layout::contiguous(self.egraph[class].data.ty()?);
            // What strides cannot express is no way to read it.
            let layout = match &view {
                Some(view) => layout.view(view, ty)?.1,
                None => layout,
            };
            Some(Operand { class, view, layout })
        };
        self.egraph[class].nodes.iter().filter_map(read).collect()
    }

    /// Of more than [`MAX_READINGS`] ways to read several operands, those at both ends. Operands are read as they are
    /// first and through a view last: where all are, or none is, is kept.
    fn ends<T>(&self, mut all: Vec<T>) -> Vec<T> {
        if all.len() > MAX_READINGS {
            all.drain(MAX_READINGS / 2..all.len() - MAX_READINGS / 2);
            self.is_cut_short.set(true);
        }
        all
    }

    fn value(&self, class: Id) -> Option<Operand> {
        let layout = Layout::contiguous(self.egraph[class].data.ty()?);
        Some(Operand { class: self.egraph.find(class), view: None, layout })
    }

    fn values(&self, classes: &[Id]) -> Vec<Operand> {
        classes.iter().filter_map(|class| self.value(*class)).collect()
    }

    fn attribute(&self, class: Id) -> Option<&Attribute> {
        match &self.egraph[class].data.meaning {
            Ok(Meaning::Attribute(attribute)) => Some(attribute),
            _ => None,
        }
    }

    fn integer(&self, class: Id) -> Option<i64> {
        self.attribute(class)?.as_integer()
    }

    fn number(&self, class: Id) -> Option<f64> {
        self.attribute(class)?.as_number()
    }
}

/// The epilogue before its last step, and the operand of that step.
fn last_of_epilogue(term: &EpilogueTerm) -> Option<(Id, Option<Id>)> {
    match term {
        EpilogueTerm::ThenAddColumns([e, b])
        | EpilogueTerm::ThenAddFull([e, b])
        | EpilogueTerm::ThenAddTable([e, b])
        | EpilogueTerm::ThenMultiplyColumns([e, b])
        | EpilogueTerm::ThenMultiplyFull([e, b])
        | EpilogueTerm::ThenMultiplyRows([e, b])
        | EpilogueTerm::ThenMultiplyTable([e, b])
        | EpilogueTerm::ThenAfterTokens([e, b]) => Some((*e, Some(*b))),
        EpilogueTerm::Then(_, ids) => ids.first().map(|e| (*e, None)),
        EpilogueTerm::ThenGate([e, _]) | EpilogueTerm::ThenCast([e, _]) => Some((*e, None)),
        EpilogueTerm::ThisResult([]) => None,
    }
}
