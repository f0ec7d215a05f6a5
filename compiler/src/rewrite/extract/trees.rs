//! The greedy solution: the cheapest tree of every class, as if nothing were shared. The search has to beat it.

use super::{Problem, distinct};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// The cheapest way to make each class if nothing were shared, by Knuth's generalisation of Dijkstra's algorithm
/// (Information Processing Letters 6, 1977). Acyclic: operands are settled before what needs them.
pub(super) struct Trees {
    pub(super) chosen: Vec<Option<usize>>,
}

pub(super) fn cheapest_trees(problem: &Problem) -> Trees {
    let mut users: Vec<Vec<(usize, usize)>> = vec![vec![]; problem.classes.len()];
    let mut missing: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut sums: BTreeMap<(usize, usize), u128> = BTreeMap::new();
    let mut queue = BinaryHeap::new();
    for (class, candidates) in problem.classes.iter().enumerate() {
        for (position, candidate) in candidates.iter().enumerate() {
            let operands = distinct(&candidate.operands);
            sums.insert((class, position), candidate.cost);
            missing.insert((class, position), operands.len());
            if operands.is_empty() {
                queue.push(Reverse((candidate.cost, class, position)));
            }
            for operand in operands {
                users[operand].push((class, position));
            }
        }
    }
    let mut chosen = vec![None; problem.classes.len()];
    while let Some(Reverse((cost, class, position))) = queue.pop() {
        if chosen[class].is_some() {
            continue;
        }
        chosen[class] = Some(position);
        for user in &users[class] {
            if let (Some(missing), Some(sum)) = (missing.get_mut(user), sums.get_mut(user)) {
                *missing -= 1;
                *sum = sum.saturating_add(cost);
                if *missing == 0 {
                    queue.push(Reverse((*sum, user.0, user.1)));
                }
            }
        }
    }
    Trees { chosen }
}

/// A class that is needed and has no candidate with makeable operands: the one furthest from the roots.
pub(super) fn first_unmakeable(problem: &Problem, tree: &Trees) -> Option<usize> {
    let mut class = *problem.roots.iter().find(|root| tree.chosen[**root].is_none())?;
    let mut seen = vec![false; problem.classes.len()];
    loop {
        seen[class] = true;
        let operands = problem.classes[class].iter().flat_map(|candidate| &candidate.operands);
        match operands.copied().find(|operand| tree.chosen[*operand].is_none() && !seen[*operand]) {
            Some(operand) => class = operand,
            None => return Some(class),
        }
    }
}
