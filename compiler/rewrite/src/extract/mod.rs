//! Exact extraction: the cheapest way to make the roots, where what is shared is paid once.
//!
//! The search is A* over *frontiers*. A state is the set of classes that are needed and not yet decided. Deciding a
//! class replaces it by the operands of the node chosen for it. Classes are decided in an order in which nothing
//! decided is needed again (topological over strongly connected components), so the cost of what remains depends on
//! the frontier alone, and equal frontiers are searched once: a chain of blocks costs their sum, not their product.
//!
//! The lower bound of a state is the cheapest node of every class that *all* ways to finish go through. It is
//! consistent, so the first finished state that the queue gives is a cheapest one.
//!
//! A class may be decided and needed again only inside one strongly connected component (two reshapes that undo each
//! other); there the choices made are part of the state, and one that closes a cycle is not taken.

mod bound;
mod class_set;
mod options;
mod order;
mod search;
#[cfg(test)]
mod tests;
mod trees;

use search::{Outcome, Search};
use std::sync::Arc;
use trees::{cheapest_trees, first_unmakeable};

/// What can make a class, as extraction sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it costs by itself, in picoseconds: an integer, so that sums do not depend on their order.
    pub cost: u128,
    /// The classes it needs, each once. What a problem is asked at another size has them in common.
    operands: Arc<[usize]>,
}

impl Node {
    /// A node that costs so much and has those children.
    pub fn new(cost: u128, operands: Vec<usize>) -> Self {
        Node { cost, operands: distinct(operands).into() }
    }
}

/// Classes, the nodes of each, and those that are wanted.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// The nodes of each class.
    pub classes: Vec<Vec<Node>>,
    /// The classes that must be made.
    pub roots: Vec<usize>,
}

impl Problem {
    /// What it takes to write it down and to begin a search, in states.
    pub fn work(&self) -> usize {
        self.classes.iter().map(Vec::len).sum()
    }
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The node of each class that is made; `None` for the others.
    pub chosen: Vec<Option<usize>>,
    /// What the chosen nodes cost together.
    pub cost: u128,
    /// Nothing costs less than this.
    pub lower_bound: u128,
    /// Whether `cost` is the least there is.
    pub proven_optimal: bool,
    /// How many states were looked at.
    pub states: usize,
}

/// A class that nothing can make, needed for the roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmakeable(pub usize);

/// Classes beyond which the search does not begin: what it knows of each is as long as there are classes. The cheapest
/// trees are taken then.
const MAX_CLASSES: usize = 8_192;

/// Classes up to which a state counts as one. One of more takes as much more memory and time, and fewer are looked at.
const CLASSES_OF_ONE_STATE: usize = 1_024;

/// How many states of a problem may be looked at, where of one of usual size it is `most`.
fn affordable(problem: &Problem, max: usize) -> usize {
    match problem.classes.len() {
        classes if classes > MAX_CLASSES => 0,
        classes => max * CLASSES_OF_ONE_STATE / classes.max(CLASSES_OF_ONE_STATE),
    }
}

/// The cheapest solution; after `most_states` states, the best known, and not proven.
pub fn extract(problem: &Problem, most_states: usize) -> Result<Solution, Unmakeable> {
    let tree = cheapest_trees(problem);
    if let Some(culprit) = first_unmakeable(problem, &tree) {
        return Err(Unmakeable(culprit));
    }
    let greedy = Solution::from_choices(problem, &tree.chosen);
    let most_states = affordable(problem, most_states);
    if most_states == 0 {
        return Ok(greedy);
    }
    let enough = greedy.cost;
    Ok(Search::new(problem, &tree).improve(problem, greedy, enough, most_states))
}

/// A cheapest solution, if it costs by the share `saving` less than a known one, and is found within that many states;
/// else the known one. That there is none is found sooner than which of many alike is the cheapest.
pub fn improve(problem: &Problem, known: &Solution, saving: f64, most_states: usize) -> Solution {
    let known = Solution::from_choices(problem, &known.chosen);
    let enough = known.cost.saturating_sub((known.cost as f64 * saving) as u128);
    let most_states = affordable(problem, most_states);
    if most_states == 0 {
        return known;
    }
    let search = Search::new(problem, &cheapest_trees(problem));
    search.improve(problem, known, enough, most_states)
}

/// A problem that is asked for the cheapest solution with one choice forced, again and again: what is known of it before
/// a search serves all of them.
pub struct WhatIf {
    search: Search,
    most_states: usize,
}

/// The cheapest solution with one choice forced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forced {
    /// The node of each class that is made, and what they cost together.
    Solution(Vec<Option<usize>>, u128),
    /// It cannot be made so: the node needs the class itself.
    Impossible,
    /// The search for it came to its limit.
    Unknown,
}

impl WhatIf {
    /// Prepares to ask, each time up to that many states; none where the problem is too large for it.
    pub fn new(problem: &Problem, most_states: usize) -> Option<Self> {
        let most_states = affordable(problem, most_states);
        let search = || Search::new(problem, &cheapest_trees(problem));
        (most_states > 0).then(|| WhatIf { search: search(), most_states })
    }

    /// The cheapest solution in which a class, where it is made, is made by that node; and the states looked at.
    pub fn forced(&self, class: usize, node: usize) -> (Forced, usize) {
        let Some(option) = self.search.option(class, node) else {
            return (Forced::Impossible, 0);
        };
        let (outcome, states) = self.search.run(Some(option), u128::MAX, self.most_states);
        let forced = match outcome {
            Outcome::Found(choices, cost) => Forced::Solution(choices, cost),
            Outcome::Nothing => Forced::Impossible,
            Outcome::Limit(_) => Forced::Unknown,
        };
        (forced, states)
    }
}

impl Solution {
    /// The choices that the roots need, with what they cost.
    pub fn from_choices(problem: &Problem, choices: &[Option<usize>]) -> Solution {
        let mut chosen = vec![None; problem.classes.len()];
        let mut cost = 0u128;
        let mut open = problem.roots.clone();
        while let Some(class) = open.pop() {
            let (None, Some(position)) = (chosen[class], choices[class]) else { continue };
            chosen[class] = Some(position);
            let node = &problem.classes[class][position];
            cost = cost.saturating_add(node.cost);
            open.extend(node.operands.iter());
        }
        Solution { chosen, cost, lower_bound: 0, proven_optimal: false, states: 0 }
    }
}

fn distinct(mut operands: Vec<usize>) -> Vec<usize> {
    operands.sort_unstable();
    operands.dedup();
    operands
}
