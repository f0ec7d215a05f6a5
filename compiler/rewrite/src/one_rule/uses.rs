//! Where a rule can be used, and why not where it cannot.

use crate::analysis::Types;
use crate::error::RewriteError;
use crate::language::Term;
use crate::refused_rules::values;
use crate::rules::{Condition, Rule};
use crate::saturate::{Compiled, check};
use egg::{EGraph, Id, Language, Searcher, Subst};
use std::collections::{HashMap, HashSet};

/// Why a rule was not used.
pub(super) struct Unused {
    /// In words.
    pub(super) reason: String,
    /// How near it was: conditions that do not hold, and a number beyond them where its left side is nowhere.
    lacks: usize,
}

impl Unused {
    /// What was nearer to a use.
    pub(super) fn or(self, other: Option<Unused>) -> Unused {
        match other {
            Some(other) if other.lacks <= self.lacks => other,
            _ => self,
        }
    }
}

/// Uses a rule once wherever it can be, and leaves of the values that it speaks of nothing but its right side. `None` where
/// it was used.
pub(super) fn use_once(
    function: &str,
    egraph: &mut EGraph<Term, Types>,
    compiled: &Compiled,
    rule: &Rule,
) -> Result<Option<Unused>, RewriteError> {
    let (uses, unused) = found(function, egraph, compiled, rule);
    let mut goals: Vec<(Id, Vec<Term>)> = vec![];
    let mut says_nothing = None;
    for (class, subst) in uses {
        let goal = egraph.add_instantiation(compiled.right(), &subst);
        if egraph.find(class) == egraph.find(goal) {
            says_nothing = Some(Unused {
                reason: format!("in @{function}, what it makes of its left side is there already"),
                lacks: 0,
            });
            continue;
        }
        goals.push((class, egraph[goal].nodes.clone()));
        goals.push((goal, egraph[goal].nodes.clone()));
        egraph.union_trusted(class, goal, rule.name);
    }
    check(function, egraph, rule.name)?;
    egraph.rebuild();
    check(function, egraph, "congruence")?;
    if goals.is_empty() {
        return Ok(Some(says_nothing.unwrap_or(unused)));
    }
    keep_goals(egraph, goals);
    Ok(None)
}

/// The classes where the rule can be used, with what its variables stand for there; and why it cannot be used elsewhere.
fn found(
    function: &str,
    egraph: &EGraph<Term, Types>,
    compiled: &Compiled,
    rule: &Rule,
) -> (Vec<(Id, Subst)>, Unused) {
    let mut uses = vec![];
    let mut unused = Unused {
        reason: format!("there is no {} in the program", one_line(rule.left)),
        lacks: usize::MAX,
    };
    for found in compiled.left().search(egraph) {
        for subst in found.substs {
            let failing: Vec<&Condition> = rule
                .conditions
                .iter()
                .filter(|condition| !condition.holds(egraph, &subst))
                .collect();
            match failing.first() {
                _ if compiled.is_for_compile_time(egraph, found.eclass) => {
                    let reason = format!("in @{function}, its left side is work of compile time");
                    unused = Unused { reason, lacks: usize::MAX - 1 }.or(Some(unused));
                }
                None => uses.push((found.eclass, subst)),
                Some(condition) => {
                    let of = match values(egraph, condition, &subst) {
                        nothing if nothing.is_empty() => nothing,
                        values => format!(" ({values})"),
                    };
                    let reason = format!("in @{function}, this does not hold: {condition}{of}");
                    unused = Unused { reason, lacks: failing.len() }.or(Some(unused));
                }
            }
        }
    }
    (uses, unused)
}

/// Takes from each class that has a goal all other terms.
fn keep_goals(egraph: &mut EGraph<Term, Types>, goals: Vec<(Id, Vec<Term>)>) {
    let mut kept: HashMap<Id, HashSet<Term>> = HashMap::new();
    for (class, terms) in goals {
        let terms = terms.into_iter().map(|term| term.map_children(|child| egraph.find(child)));
        kept.entry(egraph.find(class)).or_default().extend(terms);
    }
    for class in egraph.classes_mut() {
        if let Some(goals) = kept.get(&class.id) {
            class.nodes.retain(|term| goals.contains(term));
        }
    }
}

/// A pattern without the line breaks of its source.
fn one_line(pattern: &str) -> String {
    pattern.split_whitespace().collect::<Vec<_>>().join(" ")
}
