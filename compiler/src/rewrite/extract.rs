//! Exact extraction: the cheapest way to make the roots, where what is shared is paid once.
//!
//! The search is A* over *frontiers*. A state is the set of classes that are needed and not yet decided. Deciding a
//! class replaces it by the operands of the candidate chosen for it. Classes are decided in an order in which nothing
//! decided is needed again (topological over strongly connected components), so the price of what remains depends on
//! the frontier alone, and equal frontiers are searched once: a chain of blocks costs their sum, not their product.
//!
//! The lower bound of a state is the cheapest candidate of every class that *all* ways to finish go through. It is
//! consistent, so the first finished state that the queue gives is a cheapest one.
//!
//! A class may be decided and needed again only inside one strongly connected component (two reshapes that undo each
//! other); there the choices made are part of the state, and one that closes a cycle is not taken.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// One way to make a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it costs by itself, in picoseconds: an integer, so that sums do not depend on their order.
    pub cost: u128,
    /// The classes it needs.
    pub operands: Vec<usize>,
}

/// Classes, the ways to make each, and those that are wanted.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// The candidates of each class.
    pub classes: Vec<Vec<Candidate>>,
    /// The classes that must be made.
    pub roots: Vec<usize>,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The candidate of each class that is made; `None` for the others.
    pub chosen: Vec<Option<usize>>,
    /// What the chosen candidates cost together.
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

/// The cheapest solution; after `most_states` states, the best known, and not proven.
pub fn extract(problem: &Problem, most_states: usize) -> Result<Solution, Unmakeable> {
    let tree = cheapest_trees(problem);
    if let Some(culprit) = first_unmakeable(problem, &tree) {
        return Err(Unmakeable(culprit));
    }
    let greedy = Solution::from_choices(problem, &tree.chosen);
    let search = Search::new(problem, &tree);
    Ok(search.run(problem, greedy, most_states))
}

/// The cheapest way to make each class if nothing were shared, by Knuth's generalisation of Dijkstra's algorithm
/// (Information Processing Letters 6, 1977). Acyclic: operands are settled before what needs them.
struct Trees {
    chosen: Vec<Option<usize>>,
}

fn cheapest_trees(problem: &Problem) -> Trees {
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

fn distinct(operands: &[usize]) -> Vec<usize> {
    let mut operands = operands.to_vec();
    operands.sort_unstable();
    operands.dedup();
    operands
}

/// A class that is needed and has no candidate with makeable operands: the one furthest from the roots.
fn first_unmakeable(problem: &Problem, tree: &Trees) -> Option<usize> {
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

impl Solution {
    fn from_choices(problem: &Problem, choices: &[Option<usize>]) -> Solution {
        let mut chosen = vec![None; problem.classes.len()];
        let mut cost = 0u128;
        let mut open = problem.roots.clone();
        while let Some(class) = open.pop() {
            let (None, Some(position)) = (chosen[class], choices[class]) else { continue };
            chosen[class] = Some(position);
            let candidate = &problem.classes[class][position];
            cost = cost.saturating_add(candidate.cost);
            open.extend(&candidate.operands);
        }
        Solution { chosen, cost, lower_bound: 0, proven_optimal: false, states: 0 }
    }
}

/// A set of classes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ClassSet(Box<[u64]>);

impl ClassSet {
    fn empty(classes: usize) -> Self {
        ClassSet(vec![0; classes.div_ceil(64)].into())
    }

    fn full(classes: usize) -> Self {
        ClassSet(vec![u64::MAX; classes.div_ceil(64)].into())
    }

    fn insert(&mut self, class: usize) {
        self.0[class / 64] |= 1 << (class % 64);
    }

    fn remove(&mut self, class: usize) {
        self.0[class / 64] &= !(1 << (class % 64));
    }

    fn unite(&mut self, other: &ClassSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    fn intersect(&mut self, other: &ClassSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

/// A candidate as the search sees it: only operands that are not free, each once.
struct Alternative {
    position: usize,
    cost: u128,
    operands: Vec<usize>,
}

/// The problem in the order of decision: class `i` here is the one decided `i`-th.
struct Search {
    /// The class of the problem that each is.
    class_of: Vec<usize>,
    /// The worthwhile candidates of each.
    options: Vec<Vec<Alternative>>,
    /// The strongly connected component of each.
    component: Vec<usize>,
    /// The cheapest candidate of each, by itself.
    least: Vec<u128>,
    /// The classes that every way to make it goes through, itself included.
    necessary: Vec<ClassSet>,
    roots: ClassSet,
    /// The choices for classes that cost nothing and need nothing.
    free: Vec<Option<usize>>,
}

/// Choices made inside the component that is being decided: class and option.
type Choices = Vec<(usize, usize)>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Frontier {
    open: ClassSet,
    choices: Choices,
}

struct Visited {
    frontier: Frontier,
    paid: u128,
    /// The state it came from, and the class and option decided there.
    from: Option<(usize, usize, usize)>,
}

impl Search {
    fn new(problem: &Problem, tree: &Trees) -> Search {
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

    fn run(&self, problem: &Problem, greedy: Solution, most_states: usize) -> Solution {
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
                return Solution { lower_bound: bound, states, ..greedy };
            }
            for (position, option) in self.options[class].iter().enumerate() {
                let Some(next) = self.decide(&frontier, class, position) else { continue };
                let paid = paid.saturating_add(option.cost);
                let bound = paid.saturating_add(self.bound(&next));
                if bound > greedy.cost || best.get(&next).is_some_and(|least| *least <= paid) {
                    continue;
                }
                best.insert(next.clone(), paid);
                visited.push(Visited { frontier: next, paid, from: Some((at, class, position)) });
                queue.push(Reverse((bound, Reverse(paid), visited.len() - 1)));
            }
        }
        // The greedy solution is itself one of the paths, so the queue does not run dry before it is found.
        Solution { lower_bound: greedy.cost, proven_optimal: true, states, ..greedy }
    }

    fn bound(&self, frontier: &Frontier) -> u128 {
        let mut necessary = ClassSet::empty(self.options.len());
        frontier.open.iter().for_each(|class| necessary.unite(&self.necessary[class]));
        frontier.choices.iter().for_each(|(class, _)| necessary.remove(*class));
        necessary.iter().fold(0, |sum, class| sum.saturating_add(self.least[class]))
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

/// For each class, a candidate that costs nothing and needs nothing.
fn free_classes(problem: &Problem) -> Vec<Option<usize>> {
    let is_free = |candidate: &Candidate| candidate.cost == 0 && candidate.operands.is_empty();
    problem.classes.iter().map(|candidates| candidates.iter().position(is_free)).collect()
}

fn needed_classes(problem: &Problem, tree: &Trees, free: &[Option<usize>]) -> Vec<bool> {
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

/// The needed classes with their strongly connected components, users before operands (Tarjan, SIAM J. Comput. 1,
/// 1972). Iterative: a module may be deep.
fn order_of_decision(problem: &Problem, is_needed: &[bool]) -> Vec<(usize, usize)> {
    let operands_of = |class: usize| -> Vec<usize> {
        let all: Vec<usize> = problem.classes[class]
            .iter()
            .flat_map(|candidate| candidate.operands.iter().copied())
            .filter(|operand| is_needed[*operand])
            .collect();
        distinct(&all)
    };
    let mut index = vec![usize::MAX; problem.classes.len()];
    let mut low = vec![usize::MAX; problem.classes.len()];
    let mut on_stack = vec![false; problem.classes.len()];
    let (mut stack, mut found, mut components) = (vec![], 0usize, vec![]);
    for start in (0..problem.classes.len()).filter(|class| is_needed[*class]) {
        if index[start] != usize::MAX {
            continue;
        }
        let mut calls = vec![(start, operands_of(start), 0usize)];
        while let Some((class, operands, next)) = calls.last_mut() {
            let class = *class;
            if *next == 0 {
                (index[class], low[class]) = (found, found);
                found += 1;
                stack.push(class);
                on_stack[class] = true;
            }
            match operands.get(*next).copied() {
                Some(operand) if index[operand] == usize::MAX => {
                    *next += 1;
                    calls.push((operand, operands_of(operand), 0));
                    continue;
                }
                Some(operand) => {
                    *next += 1;
                    if on_stack[operand] {
                        low[class] = low[class].min(index[operand]);
                    }
                    continue;
                }
                None => {}
            }
            calls.pop();
            if let Some((user, _, _)) = calls.last() {
                low[*user] = low[*user].min(low[class]);
            }
            if low[class] == index[class] {
                let mut component = vec![];
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    component.push(member);
                    if member == class {
                        break;
                    }
                }
                component.sort_unstable();
                components.push(component);
            }
        }
    }
    // Tarjan finds operands before their users.
    components.reverse();
    let numbered = components.into_iter().enumerate();
    numbered.flat_map(|(number, members)| members.into_iter().map(move |m| (m, number))).collect()
}

/// Without the candidates that another one beats: no dearer, and in need of no more.
fn worthwhile(options: Vec<Alternative>) -> Vec<Alternative> {
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

/// The greatest sets such that a class's holds itself and what all its options' operands have in common.
fn necessary_classes(options: &[Vec<Alternative>]) -> Vec<ClassSet> {
    let mut necessary = vec![ClassSet::full(options.len()); options.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for class in (0..options.len()).rev() {
            let mut common = ClassSet::full(options.len());
            for option in &options[class] {
                let mut needed = ClassSet::empty(options.len());
                option.operands.iter().for_each(|operand| needed.unite(&necessary[*operand]));
                common.intersect(&needed);
            }
            common.insert(class);
            if common != necessary[class] {
                necessary[class] = common;
                changed = true;
            }
        }
    }
    necessary
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(cost: u128, operands: &[usize]) -> Candidate {
        Candidate { cost, operands: operands.to_vec() }
    }

    #[test]
    fn what_is_shared_is_paid_once() {
        // Two users: each may take its own cheap operand (3 each), or both the shared dear one (5).
        let problem = Problem {
            classes: vec![
                vec![candidate(1, &[1, 2])],
                vec![candidate(1, &[3]), candidate(1, &[4])],
                vec![candidate(1, &[3]), candidate(1, &[5])],
                vec![candidate(5, &[])],
                vec![candidate(3, &[])],
                vec![candidate(3, &[])],
            ],
            roots: vec![0],
        };
        let solution = extract(&problem, 1000).unwrap();
        assert_eq!((solution.cost, solution.proven_optimal), (8, true));
        assert_eq!(solution.chosen[1], Some(0));
    }

    #[test]
    fn a_cycle_is_never_chosen() {
        let problem = Problem {
            classes: vec![
                vec![candidate(0, &[1]), candidate(9, &[])],
                vec![candidate(0, &[0]), candidate(10, &[])],
            ],
            roots: vec![0, 1],
        };
        assert_eq!(extract(&problem, 1000).unwrap().cost, 9);
    }

    #[test]
    fn what_cannot_be_made_is_named() {
        let problem = Problem { classes: vec![vec![candidate(1, &[1])], vec![]], roots: vec![0] };
        assert_eq!(extract(&problem, 1000), Err(Unmakeable(1)));
    }

    #[test]
    fn a_cap_that_is_hit_is_said() {
        let chain: Vec<Vec<Candidate>> = (0..20)
            .map(|i| vec![candidate(2, &[i + 1]), candidate(1, &[i + 1, 21])])
            .chain([vec![candidate(1, &[])], vec![candidate(7, &[])]])
            .collect();
        let problem = Problem { classes: chain, roots: vec![0] };
        let capped = extract(&problem, 3).unwrap();
        let solved = extract(&problem, 100_000).unwrap();
        assert!(!capped.proven_optimal && capped.lower_bound <= solved.cost);
        assert!(solved.proven_optimal && solved.cost <= capped.cost);
        assert_eq!(solved.cost, 20 + 1 + 7);
    }

    #[test]
    fn a_long_chain_of_choices_is_the_sum_of_its_links() {
        // 300 links with two free choices each: a product of 2^300 programs, searched in a few states a link.
        let links = 300;
        let mut classes = vec![];
        for link in 0..links {
            let next = 3 * (link + 1);
            classes.push(vec![candidate(4, &[3 * link + 1]), candidate(5, &[3 * link + 2])]);
            classes.push(vec![candidate(6, &[next])]);
            classes.push(vec![candidate(3, &[next])]);
        }
        classes.push(vec![candidate(1, &[])]);
        let solution = extract(&Problem { classes, roots: vec![0] }, 10_000).unwrap();
        assert_eq!((solution.cost, solution.proven_optimal), (8 * links as u128 + 1, true));
    }

    fn problems() -> impl Strategy<Value = Problem> {
        let candidate = (0u128..6, prop::collection::vec(0usize..7, 0..3))
            .prop_map(|(cost, operands)| Candidate { cost, operands });
        let class = prop::collection::vec(candidate, 1..4);
        (prop::collection::vec(class, 7), prop::collection::vec(0usize..7, 1..3))
            .prop_map(|(classes, roots)| Problem { classes, roots })
    }

    /// Every combination of choices that is acyclic from the roots.
    fn brute_force(problem: &Problem) -> Option<u128> {
        fn is_acyclic(
            problem: &Problem,
            choices: &[usize],
            class: usize,
            path: &mut Vec<usize>,
        ) -> bool {
            if path.contains(&class) {
                return false;
            }
            path.push(class);
            let operands = &problem.classes[class][choices[class]].operands;
            let fine = operands.iter().all(|operand| is_acyclic(problem, choices, *operand, path));
            path.pop();
            fine
        }
        let mut choices = vec![0; problem.classes.len()];
        let mut best = None;
        loop {
            if problem.roots.iter().all(|root| is_acyclic(problem, &choices, *root, &mut vec![])) {
                let all: Vec<_> = choices.iter().copied().map(Some).collect();
                let cost = Solution::from_choices(problem, &all).cost;
                best = Some(best.map_or(cost, |best: u128| best.min(cost)));
            }
            let Some(digit) =
                (0..choices.len()).find(|i| choices[*i] + 1 < problem.classes[*i].len())
            else {
                return best;
            };
            choices[..digit].fill(0);
            choices[digit] += 1;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_program_is_cheaper(problem in problems()) {
            let found = extract(&problem, 1_000_000);
            match brute_force(&problem) {
                None => prop_assert!(found.is_err()),
                Some(cost) => {
                    let solution = found.unwrap();
                    prop_assert!(solution.proven_optimal);
                    prop_assert_eq!(solution.cost, cost);
                    let again = Solution::from_choices(&problem, &solution.chosen);
                    prop_assert_eq!(again.cost, cost);
                }
            }
        }
    }
}
