//! What the search chooses between: only classes that the roots can need, and only nodes that no other beats.

use super::trees::Trees;
use super::{Node, Problem};

/// A node as the search sees it: only operands that are not free, each once.
pub(super) struct Alternative {
    pub(super) position: usize,
    pub(super) cost: u128,
    pub(super) operands: Vec<usize>,
}

/// For each class, a node that costs nothing and needs nothing.
pub(super) fn free_classes(problem: &Problem) -> Vec<Option<usize>> {
    let is_free = |node: &Node| node.cost == 0 && node.operands.is_empty();
    problem.classes.iter().map(|nodes| nodes.iter().position(is_free)).collect()
}

pub(super) fn needed_classes(problem: &Problem, tree: &Trees, free: &[Option<usize>]) -> Vec<bool> {
    let mut is_needed = vec![false; problem.classes.len()];
    let mut open = problem.roots.clone();
    while let Some(class) = open.pop() {
        if is_needed[class] || free[class].is_some() || tree.chosen[class].is_none() {
            continue;
        }
        is_needed[class] = true;
        open.extend(problem.classes[class].iter().flat_map(|node| node.operands.iter()));
    }
    is_needed
}

/// The nodes that no other beats by being no dearer and in need of no more.
pub(super) fn worthwhile(options: &[Alternative]) -> Vec<usize> {
    let beats = |a: &Alternative, b: &Alternative| {
        a.cost <= b.cost && a.operands.iter().all(|operand| b.operands.contains(operand))
    };
    // Only one that is no dearer can beat another.
    let mut by_cost: Vec<usize> = (0..options.len()).collect();
    by_cost.sort_by_key(|position| options[*position].cost);
    let mut kept: Vec<usize> = vec![];
    for position in by_cost {
        let option = &options[position];
        if !kept.iter().any(|other| beats(&options[*other], option)) {
            // Of equal cost, one that needs less may come behind one that needs more.
            kept.retain(|other| !beats(option, &options[*other]));
            kept.push(position);
        }
    }
    kept.sort_unstable();
    kept
}
