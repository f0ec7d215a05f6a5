//! The search: A* over frontiers, from the roots to nothing left to decide.

use super::bound::necessary_classes;
use super::class_set::ClassSet;
use super::options::{Alternative, free_classes, needed_classes, worthwhile};
use super::order::order_of_decision;
use super::trees::Trees;
use super::{Node, Problem, Solution};
use indexmap::IndexMap;
use indexmap::map::Entry;
use rustc_hash::FxBuildHasher;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The problem in the order of decision: class `i` here is the one decided `i`-th.
pub(super) struct Search {
    /// The class of the problem that each is.
    class_of: Vec<usize>,
    /// The nodes of each that can be made.
    pub(super) options: Vec<Vec<Alternative>>,
    /// Those of them that no other beats.
    pub(super) worthwhile: Vec<Vec<usize>>,
    /// The strongly connected component of each.
    component: Vec<usize>,
    /// The cheapest node of each, by itself.
    pub(super) min: Vec<u128>,
    /// The classes that every way to make it goes through, itself included.
    pub(super) necessary: Vec<ClassSet>,
    roots: ClassSet,
    /// The choices for classes that cost nothing and need nothing.
    free: Vec<Option<usize>>,
}

/// Choices made inside the component that is being decided: class and option.
pub(super) type Choices = Vec<(usize, usize)>;

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Frontier {
    pub(super) open: ClassSet,
    pub(super) choices: Choices,
}

/// How a search ended.
pub(super) enum Outcome {
    /// With the cheapest choices, and what they cost.
    Found(Vec<Option<usize>>, u128),
    /// There are none that are cheap enough.
    Nothing,
    /// At the limit of states; nothing costs less than this.
    Limit(u128),
}

/// A node that a class must be made by: the class, and the option.
pub(super) type Forced = Option<(usize, usize)>;

struct Visited {
    /// By its place among all frontiers.
    frontier: usize,
    paid: u128,
    /// The state it came from, and the class and option decided there.
    from: Option<(usize, usize, usize)>,
}

impl Search {
    /// The lower bound of a frontier: the cheapest node of every class that all ways to finish go through.
    fn bound(&self, frontier: &Frontier) -> u128 {
        let mut necessary = ClassSet::empty(self.options.len());
        frontier.open.iter().for_each(|class| necessary.unite(&self.necessary[class]));
        frontier.choices.iter().for_each(|(class, _)| necessary.remove(*class));
        necessary.iter().fold(0, |sum, class| sum.saturating_add(self.min[class]))
    }

    pub(super) fn new(problem: &Problem, tree: &Trees) -> Search {
        let free = free_classes(problem);
        let is_needed = needed_classes(problem, tree, &free);
        let order = order_of_decision(problem, &is_needed);
        let mut rank: Vec<Option<usize>> = vec![None; problem.classes.len()];
        order.iter().enumerate().for_each(|(at, (class, _))| rank[*class] = Some(at));
        let options: Vec<Vec<Alternative>> = order
            .iter()
            .map(|(class, _)| {
                let makeable = |node: &&(usize, &Node)| {
                    node.1.operands.iter().all(|operand| tree.chosen[*operand].is_some())
                };
                let nodes: Vec<_> = problem.classes[*class].iter().enumerate().collect();
                let options = nodes.iter().filter(makeable).map(|(position, node)| {
                    let ranks = node.operands.iter().filter_map(|operand| rank[*operand]);
                    let operands = ranks.collect();
                    Alternative { position: *position, cost: node.cost, operands }
                });
                options.collect()
            })
            .collect();
        let worthwhile: Vec<Vec<usize>> = options.iter().map(|all| worthwhile(all)).collect();
        let mut roots = ClassSet::empty(order.len());
        problem.roots.iter().filter_map(|root| rank[*root]).for_each(|root| roots.insert(root));
        let cheapest = |options: &Vec<Alternative>| options.iter().map(|option| option.cost).min();
        let min = options.iter().map(|options| cheapest(options).unwrap_or(0)).collect();
        Search {
            necessary: necessary_classes(&options, &worthwhile),
            worthwhile,
            class_of: order.iter().map(|(class, _)| *class).collect(),
            component: order.iter().map(|(_, component)| *component).collect(),
            options,
            min,
            roots,
            free,
        }
    }

    /// The cheapest solution that costs no more than `enough`; where there is none, or none is found, the known one.
    pub(super) fn improve(
        &self,
        problem: &Problem,
        known: Solution,
        enough: u128,
        most_states: usize,
    ) -> Solution {
        let (outcome, states) = self.run(None, enough, most_states);
        match outcome {
            Outcome::Found(choices, lower_bound) => {
                let solution = Solution::from_choices(problem, &choices);
                Solution { lower_bound, proven_optimal: true, states, ..solution }
            }
            Outcome::Limit(lower_bound) => Solution { lower_bound, states, ..known },
            // A known solution that is good enough is itself one of the paths: the queue runs dry where there is none.
            Outcome::Nothing => {
                let proven_optimal = known.cost <= enough;
                Solution { lower_bound: enough, proven_optimal, states, ..known }
            }
        }
    }

    /// The option that a node of the problem is, where the search could take it.
    pub(super) fn option(&self, class: usize, position: usize) -> Forced {
        let rank = self.class_of.iter().position(|known| *known == class)?;
        let option = self.options[rank].iter().position(|option| option.position == position)?;
        Some((rank, option))
    }

    /// The cheapest choices that cost no more than `enough`, and how many states were looked at.
    pub(super) fn run(&self, forced: Forced, enough: u128, most_states: usize) -> (Outcome, usize) {
        let start = Frontier { open: self.roots.clone(), choices: vec![] };
        let mut queue = BinaryHeap::from([Reverse((self.bound(&start), Reverse(0u128), 0usize))]);
        let mut visited = vec![Visited { frontier: 0, paid: 0, from: None }];
        // All frontiers, each with the least that was paid for it.
        let mut frontiers = IndexMap::with_hasher(FxBuildHasher);
        frontiers.insert(start, 0);
        let mut states = 0;
        while let Some(Reverse((bound, _, at))) = queue.pop() {
            let paid = visited[at].paid;
            let Some((frontier, min)) = frontiers.get_index(visited[at].frontier) else { break };
            if *min < paid {
                continue;
            }
            states += 1;
            let Some(class) = frontier.open.iter().next() else {
                return (Outcome::Found(self.choices_on_the_way(&visited, at), paid), states);
            };
            if states >= most_states {
                return (Outcome::Limit(bound), states);
            }
            let frontier = frontier.clone();
            let one = forced.filter(|(rank, _)| *rank == class).map(|(_, option)| [option]);
            for position in one.as_ref().map_or(self.worthwhile[class].as_slice(), |one| one) {
                let option = &self.options[class][*position];
                let Some(next) = self.decide(&frontier, class, *position) else { continue };
                let paid = paid.saturating_add(option.cost);
                let remaining = self.bound(&next);
                let entry = frontiers.entry(next);
                let place = entry.index();
                match entry {
                    Entry::Occupied(known) if *known.get() <= paid => continue,
                    Entry::Occupied(mut known) => _ = known.insert(paid),
                    Entry::Vacant(new) => _ = new.insert(paid),
                }
                let bound = paid.saturating_add(remaining);
                if bound > enough {
                    continue;
                }
                let from = Some((at, class, *position));
                visited.push(Visited { frontier: place, paid, from });
                queue.push(Reverse((bound, Reverse(paid), visited.len() - 1)));
            }
        }
        (Outcome::Nothing, states)
    }

    /// The frontier after `class` is made by that option; `None` where this closes a cycle.
    fn decide(&self, frontier: &Frontier, class: usize, position: usize) -> Option<Frontier> {
        let component = self.component[class];
        let mut choices: Choices = frontier
            .choices
            .iter()
            .copied()
            .filter(|(decided, _)| self.component[*decided] == component)
            .collect();
        let operands = &self.options[class][position].operands;
        if operands.iter().any(|operand| self.reaches(*operand, class, &choices)) {
            return None;
        }
        let mut open = frontier.open.clone();
        open.remove(class);
        for operand in operands {
            if !choices.iter().any(|(decided, _)| decided == operand) {
                open.insert(*operand);
            }
        }
        let shares_component = |other: usize| self.component.get(other) == Some(&component);
        if shares_component(class + 1) || class.checked_sub(1).is_some_and(shares_component) {
            choices.push((class, position));
            choices.sort_unstable();
        }
        Some(Frontier { open, choices })
    }

    /// Whether making `from` needs `to`, by what is already chosen.
    fn reaches(&self, from: usize, to: usize, choices: &Choices) -> bool {
        from == to
            || choices.iter().find(|(class, _)| *class == from).is_some_and(|(class, position)| {
                let operands = &self.options[*class][*position].operands;
                operands.iter().any(|operand| self.reaches(*operand, to, choices))
            })
    }

    fn choices_on_the_way(&self, visited: &[Visited], mut at: usize) -> Vec<Option<usize>> {
        let mut choices = self.free.clone();
        while let Some((before, class, position)) = visited[at].from {
            choices[self.class_of[class]] = Some(self.options[class][position].position);
            at = before;
        }
        choices
    }
}
