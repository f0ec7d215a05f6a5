//! The search: A* over frontiers, from the roots to nothing left to decide.

use super::bound::necessary_classes;
use super::class_set::ClassSet;
use super::options::{Alternative, free_classes, needed_classes, worthwhile};
use super::order::order_of_decision;
use super::trees::Trees;
use super::{Candidate, Problem, Solution, distinct};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The problem in the order of decision: class `i` here is the one decided `i`-th.
pub(super) struct Search {
    /// The class of the problem that each is.
    class_of: Vec<usize>,
    /// The worthwhile candidates of each.
    pub(super) options: Vec<Vec<Alternative>>,
    /// The strongly connected component of each.
    component: Vec<usize>,
    /// The cheapest candidate of each, by itself.
    pub(super) least: Vec<u128>,
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

struct Visited {
    frontier: Frontier,
    paid: u128,
    /// The state it came from, and the class and option decided there.
    from: Option<(usize, usize, usize)>,
}

impl Search {
    pub(super) fn new(problem: &Problem, tree: &Trees) -> Search {
        let free = free_classes(problem);
        let is_needed = needed_classes(problem, tree, &free);
        let order = order_of_decision(problem, &is_needed);
        let rank: HashMap<usize, usize> =
            order.iter().enumerate().map(|(rank, (class, _))| (*class, rank)).collect();
        let options: Vec<Vec<Alternative>> = order
            .iter()
            .map(|(class, _)| {
                let makeable = |candidate: &&(usize, &Candidate)| {
                    candidate.1.operands.iter().all(|operand| tree.chosen[*operand].is_some())
                };
                let candidates: Vec<_> = problem.classes[*class].iter().enumerate().collect();
                let options = candidates.iter().filter(makeable).map(|(position, candidate)| {
                    let operands: Vec<usize> = candidate
                        .operands
                        .iter()
                        .filter_map(|operand| rank.get(operand).copied())
                        .collect();
                    let operands = distinct(&operands);
                    Alternative { position: *position, cost: candidate.cost, operands }
                });
                worthwhile(options.collect())
            })
            .collect();
        let mut roots = ClassSet::empty(order.len());
        problem.roots.iter().filter_map(|root| rank.get(root)).for_each(|root| roots.insert(*root));
        let least = options
            .iter()
            .map(|options| options.iter().map(|option| option.cost).min().unwrap_or(0))
            .collect();
        Search {
            necessary: necessary_classes(&options),
            class_of: order.iter().map(|(class, _)| *class).collect(),
            component: order.iter().map(|(_, component)| *component).collect(),
            options,
            least,
            roots,
            free,
        }
    }

    /// The cheapest solution.
    pub(super) fn run(&self, problem: &Problem, greedy: Solution, most_states: usize) -> Solution {
        let enough = greedy.cost;
        self.improve(problem, greedy, enough, most_states)
    }

    /// The cheapest solution that costs no more than `enough`; where there is none, or none is found, the known one.
    pub(super) fn improve(
        &self,
        problem: &Problem,
        known: Solution,
        enough: u128,
        most_states: usize,
    ) -> Solution {
        let start = Frontier { open: self.roots.clone(), choices: vec![] };
        let mut visited = vec![Visited { frontier: start.clone(), paid: 0, from: None }];
        let mut best: HashMap<Frontier, u128> = HashMap::from([(start.clone(), 0)]);
        let mut queue = BinaryHeap::from([Reverse((self.bound(&start), Reverse(0u128), 0usize))]);
        let mut states = 0;
        while let Some(Reverse((bound, _, at))) = queue.pop() {
            let (frontier, paid) = (visited[at].frontier.clone(), visited[at].paid);
            if best.get(&frontier).is_some_and(|least| *least < paid) {
                continue;
            }
            states += 1;
            let Some(class) = frontier.open.iter().next() else {
                let choices = self.choices_on_the_way(&visited, at);
                let solution = Solution::from_choices(problem, &choices);
                return Solution { lower_bound: paid, proven_optimal: true, states, ..solution };
            };
            if states >= most_states {
                return Solution { lower_bound: bound, states, ..known };
            }
            for (position, option) in self.options[class].iter().enumerate() {
                let Some(next) = self.decide(&frontier, class, position) else { continue };
                let paid = paid.saturating_add(option.cost);
                let bound = paid.saturating_add(self.bound(&next));
                if bound > enough || best.get(&next).is_some_and(|least| *least <= paid) {
                    continue;
                }
                best.insert(next.clone(), paid);
                visited.push(Visited { frontier: next, paid, from: Some((at, class, position)) });
                queue.push(Reverse((bound, Reverse(paid), visited.len() - 1)));
            }
        }
        // A known solution that is good enough is itself one of the paths: the queue runs dry where there is none.
        let proven_optimal = known.cost <= enough;
        Solution { lower_bound: enough, proven_optimal, states, ..known }
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
