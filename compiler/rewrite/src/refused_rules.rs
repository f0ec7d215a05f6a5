//! Which rules could not be used, where, and on which value their condition failed.
//!
//! The saturated e-graph is searched once more. Rules of one group for one operation do one thing in several manners, such
//! as an addition of columns, a table or a whole tensor, on either side: where one of them could be used, the others are
//! not missed, and where none could, the one that was nearest to it speaks for all.

use super::analysis::{Facts, Types};
use super::error::RewriteError;
use super::language::Term;
use super::meaning::{EpilogueStep, Meaning};
use super::rule_switches::RuleSwitches;
use super::rules::{Condition, Group};
use super::saturate::Compiled;
use egg::{EGraph, Id, Searcher, Subst, Var};
use ocellus_dialects::TensorType;
use std::collections::BTreeMap;

/// A [`RefusedRule`](super::report::RefusedRule) before anything was chosen.
#[derive(Clone, Debug)]
pub struct RefusedMatch {
    pub(super) class: Id,
    pub(super) rule: &'static str,
    pub(super) condition: String,
    pub(super) value: String,
    pub(super) times: usize,
    /// Conditions that do not hold, and those that do: the rule that lacks least is the nearest.
    lacks: (usize, usize),
}

/// Every place of a saturated e-graph where no rule of a group for the operation there could be used.
pub fn find_refused(
    egraph: &EGraph<Term, Types>,
    switches: &RuleSwitches,
) -> Result<Vec<RefusedMatch>, RewriteError> {
    // By group, operation and class; `None` where one of the rules could be used.
    let mut found: BTreeMap<(Group, &str, Id), Option<RefusedMatch>> = BTreeMap::new();
    let conditional = switches
        .enabled()
        .filter(|(group, rule)| *group != Group::Implementation && !rule.conditions.is_empty());
    for (group, rule) in conditional {
        let compiled = Compiled::new(group, rule)?;
        for matches in compiled.left().search(egraph) {
            let mut refused: Option<RefusedMatch> = None;
            let mut could_be_used = false;
            for subst in &matches.substs {
                let fails = |condition: &&Condition| !condition.holds(egraph, subst);
                // Nothing is missed that is found in another order.
                if rule.conditions.iter().any(|other| other.is_of_order() && fails(&other)) {
                    continue;
                }
                let Some(condition) = rule.conditions.iter().find(fails) else {
                    could_be_used = true;
                    break;
                };
                let lacking = rule.conditions.iter().filter(fails).count();
                let times = refused.as_ref().map_or(1, |refused| refused.times + 1);
                refused.get_or_insert_with(|| RefusedMatch {
                    class: matches.eclass,
                    rule: rule.name,
                    condition: condition.to_string(),
                    value: values(egraph, condition, subst),
                    times,
                    lacks: (lacking, usize::MAX - rule.conditions.len()),
                });
                if let Some(refused) = &mut refused {
                    refused.times = times;
                }
            }
            let operation = rule.left.trim_start_matches('(').split_whitespace().next();
            let class = egraph.find(matches.eclass);
            let entry = found.entry((group, operation.unwrap_or(rule.left), class));
            match (could_be_used, refused) {
                (true, _) => *entry.or_insert(None) = None,
                (false, Some(refused)) => {
                    entry
                        .and_modify(|known| match known {
                            Some(known) if refused.lacks < known.lacks => *known = refused.clone(),
                            _ => {}
                        })
                        .or_insert(Some(refused));
                }
                (false, None) => {}
            }
        }
    }
    Ok(found.into_values().flatten().collect())
}

/// What the variables of a condition stand for.
pub(super) fn values(egraph: &EGraph<Term, Types>, condition: &Condition, subst: &Subst) -> String {
    let describe = |name: &&str| {
        let var: Var = name.parse().ok()?;
        Some(format!("{name} = {}", described(&egraph[*subst.get(var)?].data)))
    };
    condition.variables().iter().filter_map(describe).collect::<Vec<_>>().join(", ")
}

fn described(facts: &Facts) -> String {
    let joined = |words: Vec<String>| {
        if words.is_empty() { "nothing".to_string() } else { words.join(", ") }
    };
    match &facts.meaning {
        Ok(Meaning::Tensor(ty)) if facts.weight_only => format!("{ty}, of weights alone"),
        Ok(Meaning::Tensor(ty)) => ty.to_string(),
        Ok(Meaning::List(types)) => joined(types.iter().map(TensorType::to_string).collect()),
        Ok(Meaning::Epilogue(steps)) => joined(steps.iter().map(step).collect()),
        Ok(Meaning::Attribute(attribute)) => attribute.to_string(),
        Err(reason) => reason.clone(),
    }
}

fn step(step: &EpilogueStep<TensorType>) -> String {
    match step {
        EpilogueStep::Combine(how, broadcast, _) => format!("{} {}", how.name(), broadcast.name()),
        EpilogueStep::Elementwise(function) => function.to_string(),
        EpilogueStep::Gate(activation) => format!("gate {}", activation.name()),
        EpilogueStep::Cast(to) => format!("cast to {to}"),
        EpilogueStep::AfterTokens(_) => "after tokens".to_string(),
    }
}
