//! The order of decision, in which nothing decided is needed again, save inside a strongly connected component.

use super::{Problem, distinct};

/// The needed classes with their strongly connected components, users before operands (Tarjan, SIAM J. Comput. 1,
/// 1972). Iterative: a module may be deep.
pub(super) fn order_of_decision(problem: &Problem, is_needed: &[bool]) -> Vec<(usize, usize)> {
    let operands_of = |class: usize| -> Vec<usize> {
        let all: Vec<usize> = problem.classes[class]
            .iter()
            .flat_map(|node| node.operands.iter().copied())
            .filter(|operand| is_needed[*operand])
            .collect();
        distinct(all)
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
