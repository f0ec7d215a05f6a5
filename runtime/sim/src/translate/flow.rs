//! The flow of control: basic blocks, the order in which they are laid out, and registers that may be read before they are
//! written.
//!
//! Lanes that went different ways run one part at a time, always that which stands first; so they meet again as soon as they
//! can, if a block stands behind all from which it is reached, and what follows a loop stands behind the whole loop. The
//! order here is so: strongly connected parts of the graph as wholes, in topological order, and within each the same without the
//! edges back to where it is entered.

use super::Step;
use crate::code::Kind;
use ocellus_ptx::ast::{Body, Operand, Register, Statement};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// A basic block.
pub(super) struct Block {
    /// Its steps, by their numbers.
    pub steps: Range<usize>,
    /// Where the branch at its end goes.
    pub target: Option<usize>,
    /// The block behind it, where it does not end for certain with a branch or an exit.
    pub next: Option<usize>,
    /// Whether control can leave it at its end other than by a branch.
    pub falls: bool,
}

pub(super) struct Flow {
    pub blocks: Vec<Block>,
    /// The blocks as they are laid out.
    pub order: Vec<usize>,
}

impl Flow {
    pub(super) fn of(body: &Body, steps: &[Step]) -> Self {
        let mut label_at: FxHashMap<u32, usize> = FxHashMap::default();
        let mut count = 0;
        for statement in &body.statements {
            match statement {
                Statement::Label(label) => {
                    label_at.insert(label.0, count);
                }
                Statement::Instruction(_) => count += 1,
            }
        }
        let mut begins: Vec<usize> = label_at.values().copied().chain([0]).collect();
        let ends_block =
            |step: &Step| matches!(step.kind, Kind::Branch(_) | Kind::Exit | Kind::Trap);
        begins.extend(
            steps
                .iter()
                .enumerate()
                .filter(|(_, step)| ends_block(step))
                .map(|(index, _)| index + 1),
        );
        begins.retain(|begin| *begin < steps.len());
        begins.sort_unstable();
        begins.dedup();
        let block_at = |step: usize| begins.binary_search(&step).ok();
        let mut blocks = vec![];
        for (index, &begin) in begins.iter().enumerate() {
            let end = begins.get(index + 1).copied().unwrap_or(steps.len());
            let last = &steps[end - 1];
            let is_certain = ends_block(last) && last.source.guard.is_none();
            // A label at the very end has no block, and whoever goes there returns.
            let target =
                last.target.and_then(|label| label_at.get(&label.0)).and_then(|at| block_at(*at));
            let next =
                if is_certain { None } else { Some(index + 1).filter(|next| *next < begins.len()) };
            blocks.push(Block { steps: begin..end, target, next, falls: !is_certain });
        }
        let order = order(&blocks);
        Self { blocks, order }
    }

    fn following(&self, block: usize) -> impl Iterator<Item = usize> + '_ {
        let Block { target, next, .. } = &self.blocks[block];
        target.iter().chain(next).copied()
    }

    /// Registers that are read where they may never have been written.
    pub(super) fn suspects(&self, steps: &[Step]) -> Vec<Register> {
        let uses: Vec<Uses> = steps.iter().map(|step| uses(step)).collect();
        let mut numbers: FxHashMap<Register, usize> = FxHashMap::default();
        for register in uses.iter().flat_map(|uses| uses.read.iter().chain(&uses.written)) {
            let next = numbers.len();
            numbers.entry(*register).or_insert(next);
        }
        let words = numbers.len().div_ceil(64);
        // At a block's begin, the registers that are written for certain; all of them where nothing is known yet.
        let mut at_begin = vec![vec![u64::MAX; words]; self.blocks.len()];
        if let Some(entry) = at_begin.first_mut() {
            entry.fill(0);
        }
        let mut open: Vec<usize> = self.order.iter().rev().copied().collect();
        let mut found: Vec<Register> = vec![];
        while let Some(block) = open.pop() {
            let mut written = at_begin[block].clone();
            self.pass(block, steps, &uses, &numbers, &mut written, &mut |_| {});
            for next in self.following(block) {
                let mut changed = false;
                for (old, new) in at_begin[next].iter_mut().zip(&written) {
                    changed |= *old & !new != 0;
                    *old &= new;
                }
                if changed && !open.contains(&next) {
                    open.push(next);
                }
            }
        }
        for &block in &self.order {
            let mut written = at_begin[block].clone();
            self.pass(block, steps, &uses, &numbers, &mut written, &mut |register| {
                found.push(register)
            });
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Goes through a block, keeps account of what is written for certain, and says what is read and is not.
    fn pass(
        &self,
        block: usize,
        steps: &[Step],
        uses: &[Uses],
        numbers: &FxHashMap<Register, usize>,
        written: &mut [u64],
        unwritten: &mut dyn FnMut(Register),
    ) {
        for index in self.blocks[block].steps.clone() {
            let Uses { read, written: into, is_move } = &uses[index];
            let mut is_good = true;
            for register in read {
                let number = numbers[register];
                if written[number / 64] >> (number % 64) & 1 == 0 {
                    is_good = false;
                    unwritten(*register);
                }
            }
            let is_certain = steps[index].source.guard.is_none();
            for register in into {
                let number = numbers[register];
                let bit = 1 << (number % 64);
                if is_certain && (is_good || !is_move) {
                    written[number / 64] |= bit;
                } else if is_certain {
                    written[number / 64] &= !bit;
                }
            }
        }
    }
}

/// The registers that a step uses.
pub(super) struct Uses {
    pub read: Vec<Register>,
    pub written: Vec<Register>,
    /// Whether it only moves a value: what was never written may be moved.
    pub is_move: bool,
}

pub(super) fn uses(step: &Step) -> Uses {
    let mut uses = Uses { read: vec![], written: vec![], is_move: false };
    uses.read.extend(step.source.guard.map(|guard| guard.register));
    for (place, operand) in step.source.operands.iter().enumerate() {
        let into =
            if step.form.written.contains(&place) { &mut uses.written } else { &mut uses.read };
        collect(operand, into);
    }
    let is_plain =
        matches!(&step.source.operands[..], [Operand::Register(_), Operand::Register(_)]);
    uses.is_move = step.form.declaration.name == "mov" && is_plain && step.source.guard.is_none();
    uses
}

fn collect(operand: &Operand, into: &mut Vec<Register>) {
    match operand {
        Operand::Register(register) | Operand::Negated(register) => into.push(*register),
        Operand::Address(ocellus_ptx::ast::Base::Register(register), _) => into.push(*register),
        Operand::Vector(elements) => elements.iter().for_each(|element| collect(element, into)),
        Operand::Pair(first, second) => {
            collect(first, into);
            collect(second, into);
        }
        Operand::Address(..)
        | Operand::Immediate(_)
        | Operand::Special(_)
        | Operand::Symbol(_)
        | Operand::Label(_)
        | Operand::Sink => {}
    }
}

/// The blocks that are reached, so that each stands behind all that lead to it but by an edge back.
fn order(blocks: &[Block]) -> Vec<usize> {
    let mut found = vec![];
    if blocks.is_empty() {
        return found;
    }
    let following: Vec<Vec<usize>> = blocks
        .iter()
        .map(|block| block.target.iter().chain(&block.next).copied().collect())
        .collect();
    // A region, and the block that it is entered at.
    let mut open: Vec<(Vec<usize>, usize)> = vec![((0..blocks.len()).collect(), 0)];
    while let Some((region, entry)) = open.pop() {
        if let [single] = region[..] {
            found.push(single);
            continue;
        }
        let parts = parts_in_order(&region, entry, &following);
        // The first part stands last among what is open, to be taken next.
        open.extend(parts.into_iter().rev());
    }
    found
}

/// The strongly connected parts of a region, edges to its entry left out, in topological order and each with its entry.
fn parts_in_order(
    region: &[usize],
    entry: usize,
    following: &[Vec<usize>],
) -> Vec<(Vec<usize>, usize)> {
    let inside: rustc_hash::FxHashSet<usize> = region.iter().copied().collect();
    let edges = |block: usize| {
        following[block].iter().copied().filter(|next| *next != entry && inside.contains(next))
    };
    // Tarjan's algorithm, with a stack of its own.
    #[derive(Clone, Copy)]
    struct Visit {
        index: usize,
        low: usize,
        is_open: bool,
    }
    let mut visits: FxHashMap<usize, Visit> = FxHashMap::default();
    let (mut stack, mut parts) = (vec![], vec![]);
    let mut work: Vec<(usize, Vec<usize>)> = vec![];
    let begin = |block: usize, visits: &mut FxHashMap<usize, Visit>, stack: &mut Vec<usize>| {
        let index = visits.len();
        visits.insert(block, Visit { index, low: index, is_open: true });
        stack.push(block);
        // The branch not taken comes last, and so stands next to its block.
        (block, edges(block).collect::<Vec<_>>())
    };
    work.push(begin(entry, &mut visits, &mut stack));
    while let Some((block, rest)) = work.last_mut() {
        let block = *block;
        if let Some(next) = rest.pop() {
            match visits.get(&next) {
                None => {
                    let visit = begin(next, &mut visits, &mut stack);
                    work.push(visit);
                }
                Some(seen) if seen.is_open => {
                    let index = seen.index;
                    if let Some(visit) = visits.get_mut(&block) {
                        visit.low = visit.low.min(index);
                    }
                }
                Some(_) => {}
            }
            continue;
        }
        work.pop();
        let Some(visit) = visits.get(&block).copied() else { continue };
        if let Some((parent, _)) = work.last()
            && let Some(above) = visits.get_mut(parent)
        {
            above.low = above.low.min(visit.low);
        }
        if visit.low == visit.index {
            let mut part = vec![];
            while let Some(member) = stack.pop() {
                if let Some(seen) = visits.get_mut(&member) {
                    seen.is_open = false;
                }
                part.push(member);
                if member == block {
                    break;
                }
            }
            // The first that was visited is where it is entered.
            parts.push((part, block));
        }
    }
    parts.reverse();
    parts
}
