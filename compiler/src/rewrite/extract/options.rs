//! What the search chooses between: only classes that the roots can need, and only candidates that no other beats.

use super::trees::Trees;
use super::{Candidate, Problem};

/// A candidate as the search sees it: only operands that are not free, each once.
pub(super) struct Alternative {
    pub(super) position: usize,
    pub(super) cost: u128,
    pub(super) operands: Vec<usize>,
}

/// For each class, a candidate that costs nothing and needs nothing.
pub(super) fn free_classes(problem: &Problem) -> Vec<Option<usize>> {
    let is_free = |candidate: &Candidate| candidate.cost == 0 && candidate.operands.is_empty();
    problem.classes.iter().map(|candidates| candidates.iter().position(is_free)).collect()
}

pub(super) fn needed_classes(problem: &Problem, tree: &Trees, free: &[Option<usize>]) -> Vec<bool> {
    let mut is_needed = vec![false; problem.classes.len()];
    let mut open = problem.roots.clone();
    while let Some(class) = open.pop() {
        if is_needed[class] || free[class].is_some() || tree.chosen[class].is_none() {
            continue;
        }
        is_needed[class] = true;
        open.extend(problem.classes[class].iter().flat_map(|candidate| &candidate.operands));
    }
    is_needed
}

/// Without the candidates that another one beats: no dearer, and in need of no more.
pub(super) fn worthwhile(options: Vec<Alternative>) -> Vec<Alternative> {
    let beats = |a: &Alternative, b: &Alternative| {
        a.cost <= b.cost && a.operands.iter().all(|operand| b.operands.contains(operand))
    };
    let is_beaten: Vec<bool> = options
        .iter()
        .enumerate()
        .map(|(i, option)| {
            options.iter().enumerate().any(|(j, other)| {
                i != j && beats(other, option) && (j < i || !beats(option, other))
            })
        })
        .collect();
    options.into_iter().zip(is_beaten).filter(|(_, beaten)| !beaten).map(|(o, _)| o).collect()
}
