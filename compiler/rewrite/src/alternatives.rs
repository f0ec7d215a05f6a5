//! What else could have been chosen, and what taking it would cost.

use super::candidate::{Candidate, Producer};
use super::choose::{MAX_STATES_TOGETHER, Saturated, SaturatedFunction, Selection};
use super::error::RewriteError;
use super::extract::{Forced, Solution, WhatIf};
use super::launch_costs::CostsAtSize;
use super::report::{Alternative, RefusedRule, fused_steps, kernel_name};
use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::Bindings;

/// States for one alternative.
const MAX_STATES_EACH: usize = 10_000;

/// What else a function could do.
pub(super) struct Alternatives {
    /// The other kernels.
    pub found: Vec<Alternative>,
    /// How many more there are that were not evaluated.
    pub unevaluated: usize,
    /// States that were looked at.
    pub states: usize,
}

impl Saturated<'_> {
    /// For every kernel of a selection, the other candidates for the same value, and how much longer the function would
    /// take with each: why this kernel is here, and which fusions were not worth it.
    pub fn alternatives(
        &self,
        selection: &Selection,
        at: &Bindings,
    ) -> Result<Vec<Alternative>, RewriteError> {
        let costs = self.costs_at(at)?;
        let mut all = vec![];
        for (function, selected) in self.functions.iter().zip(&selection.functions) {
            let max = MAX_STATES_TOGETHER;
            all.extend(function.alternatives(&selected.solution, &costs, max).found);
        }
        Ok(all)
    }
}

impl SaturatedFunction<'_> {
    /// The other candidates, as far as `most_states` go. Each search counts its states, and what it takes to begin it.
    pub(super) fn alternatives(
        &self,
        solution: &Solution,
        costs: &CostsAtSize,
        most_states: usize,
    ) -> Alternatives {
        let problem = self.problem(costs);
        let begin = problem.classes.len();
        let what_if = WhatIf::new(&problem, MAX_STATES_EACH);
        let mut all = vec![];
        let (mut states, mut unevaluated) = (begin, 0);
        for (position, (class, candidates)) in self.candidates.classes.iter().enumerate() {
            let chosen = solution.chosen.get(position).copied().flatten();
            let Some(Producer::Launch(chosen_op)) = chosen
                .and_then(|chosen| candidates.get(chosen))
                .map(|candidate| &candidate.producer)
            else {
                continue;
            };
            for (other, candidate) in candidates.iter().enumerate() {
                let Producer::Launch(op) = &candidate.producer else { continue };
                if Some(other) == chosen {
                    continue;
                }
                let Some(what_if) = what_if.as_ref().filter(|_| states <= most_states) else {
                    unevaluated += 1;
                    continue;
                };
                let (forced, looked_at) = what_if.forced(position, other);
                states += looked_at + begin / 64;
                let (choices, cost) = match forced {
                    Forced::Solution(choices, cost) => (choices, cost),
                    // Some candidates cannot be taken here: they need the value themselves.
                    Forced::Impossible => continue,
                    Forced::Unknown => {
                        unevaluated += 1;
                        continue;
                    }
                };
                // Where the value itself was gone round, nothing is learnt of this candidate.
                if choices.get(position).copied().flatten().is_none() {
                    continue;
                }
                let alternative = Alternative {
                    function: self.function.name.clone(),
                    label: self.labels.get(class).cloned(),
                    chosen: kernel_name(chosen_op),
                    instead: kernel_name(op),
                    fuses_more: fused_steps(op) > fused_steps(chosen_op),
                    extra_microseconds: cost.saturating_sub(solution.cost) as f64 / 1e6,
                };
                all.push((position, alternative));
            }
        }
        Alternatives { found: cheapest_of_each_name(all), unevaluated, states }
    }

    /// What makes the class in a solution, where that is a launch.
    pub(super) fn chosen_kernel(&self, solution: &Solution, class: egg::Id) -> Option<String> {
        let (position, _, candidates) =
            self.candidates.classes.get_full(&self.egraph.find(class))?;
        let Candidate { producer: Producer::Launch(op), .. } =
            candidates.get((*solution.chosen.get(position)?)?)?
        else {
            return None;
        };
        Some(kernel_name(op))
    }
}

/// Kernels of one name differ in how they read their operands: the cheapest speaks for all.
fn cheapest_of_each_name(mut all: Vec<(usize, Alternative)>) -> Vec<Alternative> {
    all.sort_by(|(a, x), (b, y)| {
        a.cmp(b).then(x.extra_microseconds.total_cmp(&y.extra_microseconds))
    });
    let mut kept: Vec<(usize, Alternative)> = vec![];
    for (position, other) in all {
        let mut of_same = kept.iter().rev().take_while(|(at, _)| *at == position);
        let is_known = of_same.any(|(_, known)| known.instead == other.instead);
        if other.instead != other.chosen && !is_known {
            kept.push((position, other));
        }
    }
    kept.into_iter().map(|(_, alternative)| alternative).collect()
}

impl SaturatedFunction<'_> {
    /// The refused rules that matter to a solution: those of values that a kernel of it makes.
    pub(super) fn refused_rules(&self, solution: &Solution) -> Vec<RefusedRule> {
        let of_kernels = self.refused_rules.iter().filter_map(|refused| {
            let class = self.egraph.find(refused.class);
            Some(RefusedRule {
                function: self.function.name.clone(),
                label: self.labels.get(&class).cloned(),
                ty: self.egraph[class].data.ty().map(TensorType::to_string),
                chosen: self.chosen_kernel(solution, class)?,
                rule: refused.rule,
                condition: refused.condition.clone(),
                value: refused.value.clone(),
                times: refused.times,
            })
        });
        of_kernels.collect()
    }
}
