//! Small problems by hand, and random ones against all combinations of choices.

use super::*;
use proptest::prelude::*;

fn node(cost: u128, operands: &[usize]) -> Node {
    Node::new(cost, operands.to_vec())
}

#[test]
fn what_is_shared_is_paid_once() {
    // Two users: each may take its own cheap operand (3 each), or both the shared dear one (5).
    let problem = Problem {
        classes: vec![
            vec![node(1, &[1, 2])],
            vec![node(1, &[3]), node(1, &[4])],
            vec![node(1, &[3]), node(1, &[5])],
            vec![node(5, &[])],
            vec![node(3, &[])],
            vec![node(3, &[])],
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
        classes: vec![vec![node(0, &[1]), node(9, &[])], vec![node(0, &[0]), node(10, &[])]],
        roots: vec![0, 1],
    };
    assert_eq!(extract(&problem, 1000).unwrap().cost, 9);
}

#[test]
fn what_cannot_be_made_is_named() {
    let problem = Problem { classes: vec![vec![node(1, &[1])], vec![]], roots: vec![0] };
    assert_eq!(extract(&problem, 1000), Err(Unmakeable(1)));
}

#[test]
fn a_cap_that_is_hit_is_said() {
    let chain: Vec<Vec<Node>> = (0..20)
        .map(|i| vec![node(2, &[i + 1]), node(1, &[i + 1, 21])])
        .chain([vec![node(1, &[])], vec![node(7, &[])]])
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
        classes.push(vec![node(4, &[3 * link + 1]), node(5, &[3 * link + 2])]);
        classes.push(vec![node(6, &[next])]);
        classes.push(vec![node(3, &[next])]);
    }
    classes.push(vec![node(1, &[])]);
    let solution = extract(&Problem { classes, roots: vec![0] }, 10_000).unwrap();
    assert_eq!((solution.cost, solution.proven_optimal), (8 * links as u128 + 1, true));
}

fn problems() -> impl Strategy<Value = Problem> {
    let node = (0u128..6, prop::collection::vec(0usize..7, 0..3))
        .prop_map(|(cost, operands)| Node::new(cost, operands));
    let class = prop::collection::vec(node, 1..4);
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
        let Some(digit) = (0..choices.len()).find(|i| choices[*i] + 1 < problem.classes[*i].len())
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

    #[test]
    fn a_known_program_is_improved_where_that_saves_enough(problem in problems(), saving in 0.0f64..0.5) {
        // The greedy choice is a known program, often not the cheapest.
        let tree = cheapest_trees(&problem);
        if let (None, Some(cost)) = (first_unmakeable(&problem, &tree), brute_force(&problem)) {
            let known = Solution::from_choices(&problem, &tree.chosen);
            let found = improve(&problem, &known, saving, 1_000_000);
            let enough = known.cost - (known.cost as f64 * saving) as u128;
            prop_assert_eq!(found.cost, if cost <= enough { cost } else { known.cost });
            prop_assert!(found.lower_bound <= cost);
        }
    }

    #[test]
    fn with_a_choice_forced_it_is_the_cheapest_of_those_that_have_it(problem in problems()) {
        let Some(what_if) = WhatIf::new(&problem, 1_000_000) else { unreachable!() };
        let Ok(solution) = extract(&problem, 1_000_000) else { return Ok(()) };
        for (class, chosen) in solution.chosen.iter().enumerate() {
            let is_free = |node: &Node| node.cost == 0 && node.operands.is_empty();
            if chosen.is_none() || problem.classes[class].iter().any(is_free) {
                continue;
            }
            for node in 0..problem.classes[class].len() {
                let mut restricted = problem.clone();
                restricted.classes[class] = vec![problem.classes[class][node].clone()];
                match (what_if.forced(class, node).0, extract(&restricted, 1_000_000)) {
                    (Forced::Solution(_, cost), Ok(solution)) => prop_assert_eq!(cost, solution.cost),
                    (forced, solution) => {
                        prop_assert_eq!(forced, Forced::Impossible);
                        // Where it cannot be made so, it may still be gone round.
                        let is_made = |solution: Solution| solution.chosen[class].is_some();
                        prop_assert!(!solution.is_ok_and(is_made));
                    }
                }
            }
        }
    }
}
