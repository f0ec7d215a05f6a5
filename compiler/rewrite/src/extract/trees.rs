//! The greedy solution: the cheapest tree of every class, as if nothing were shared. The search has to beat it.

use super::Problem;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The cheapest way to make each class if nothing were shared, by Knuth's generalization of Dijkstra's algorithm
/// (Information Processing Letters 6, 1977). Acyclic: operands are settled before what needs them.
pub(super) struct Trees {
    pub(super) chosen: Vec<Option<usize>>,
}

pub(super) fn cheapest_trees(problem: &Problem) -> Trees {
    /// A node whose operands are not all settled.
    struct Waiting {
        class: usize,
        position: usize,
        missing: usize,
        sum: u128,
    }
    let mut waiting: Vec<Waiting> = vec![];
    let mut users: Vec<Vec<usize>> = vec![vec![]; problem.classes.len()];
    let mut queue = BinaryHeap::new();
    for (class, nodes) in problem.classes.iter().enumerate() {
        for (position, node) in nodes.iter().enumerate() {
            let operands = &node.operands;
            if operands.is_empty() {
                queue.push(Reverse((node.cost, class, position)));
            }
            operands.iter().for_each(|operand| users[*operand].push(waiting.len()));
            let (missing, sum) = (operands.len(), node.cost);
            waiting.push(Waiting { class, position, missing, sum });
        }
    }
    let mut chosen = vec![None; problem.classes.len()];
    while let Some(Reverse((cost, class, position))) = queue.pop() {
        if chosen[class].is_some() {
            continue;
        }
        chosen[class] = Some(position);
        for user in &users[class] {
            let user = &mut waiting[*user];
            user.missing -= 1;
            user.sum = user.sum.saturating_add(cost);
            if user.missing == 0 {
                queue.push(Reverse((user.sum, user.class, user.position)));
            }
        }
    }
    Trees { chosen }
}

/// A class that is needed and has no node with makeable operands: the one furthest from the roots.
pub(super) fn first_unmakeable(problem: &Problem, tree: &Trees) -> Option<usize> {
    let mut class = *problem.roots.iter().find(|root| tree.chosen[**root].is_none())?;
    let mut seen = vec![false; problem.classes.len()];
    loop {
        seen[class] = true;
        let operands = problem.classes[class].iter().flat_map(|node| node.operands.iter());
        match operands.copied().find(|operand| tree.chosen[*operand].is_none() && !seen[*operand]) {
            Some(operand) => class = operand,
            None => return Some(class),
        }
    }
}
