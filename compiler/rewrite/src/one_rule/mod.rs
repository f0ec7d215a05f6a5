//! [`apply_rule`]: one rule, once, wherever a program has its left side, and the program that has its right side there.
//!
//! Each function becomes an e-graph of its own terms. What a rule looks for may be a kernel, so those before it are found
//! first: attention for a rule that speaks of it, and plain kernels for one that fuses them. Then the rule is used
//! everywhere once, of each value that it speaks of nothing is kept but the right side, and a program is read off: `venc`
//! where the rule is mathematics, launches where it is about kernels.

#[cfg(test)]
mod example;
mod kernels;
mod mathematics;
#[cfg(test)]
mod tests;
mod uses;

use super::error::RewriteError;
use super::insert::{Inserted, insert};
use super::rule_switches::{RuleSwitches, nearest};
use super::rules::{Group, Rule};
use super::saturate::{Compiled, Limits, saturate};
use super::target_description::TargetDescription;
use egg::Id;
use ocellus_dialects::{kernel, venc};
use std::collections::HashMap;
use uses::{Unused, use_once};

/// A program after one rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Rewritten {
    /// The rule is mathematics.
    Mathematics(venc::Module),
    /// The rule is about kernels.
    Kernels(kernel::Module),
}

/// The module after the rule of that name, for a target. Of `switches`, the rules that may come before it are taken, and
/// what is said of the data.
pub fn apply_rule(
    module: &venc::Module,
    name: &str,
    target: &TargetDescription,
    switches: &RuleSwitches,
) -> Result<Rewritten, RewriteError> {
    let known = switches.all().find(|(_, rule)| rule.name == name);
    let (group, rule) = known.ok_or_else(|| RewriteError::UnknownRule {
        name: name.to_string(),
        hint: nearest(name, switches.all().map(|(_, rule)| rule.name)),
    })?;
    module.verify()?;
    let compiled = Compiled::new(group, rule)?;
    let before = rules_before(group, rule, switches);
    let mut functions = vec![];
    let mut unused: Option<Unused> = None;
    let mut is_used = false;
    for function in &module.functions {
        let mut inserted = insert(module, function)?;
        let egraph = &mut inserted.egraph;
        egraph.analysis.assumptions.clone_from(switches.assumptions());
        saturate(&function.name, egraph, &before, Limits::default())?;
        match use_once(&function.name, egraph, &compiled, rule)? {
            None => {
                is_used = true;
                // What the rule made may need kernels too.
                if group >= Group::Recognition {
                    saturate(&function.name, egraph, &before, Limits::default())?;
                }
            }
            Some(reason) => unused = Some(reason.or(unused)),
        }
        let labels = inserted.labels(function);
        let Inserted { egraph, values } = inserted;
        functions.push(OneFunction { function, egraph, values, labels });
    }
    if let (false, Some(unused)) = (is_used, unused) {
        return Err(RewriteError::UnusedRule { rule: name.to_string(), reason: unused.reason });
    }
    match group {
        Group::Exploration => mathematics::program(module, &functions).map(Rewritten::Mathematics),
        Group::Recognition | Group::Implementation | Group::Fusion => {
            kernels::program(module, &functions, target).map(Rewritten::Kernels)
        }
    }
}

/// A function of the module, after the rule.
struct OneFunction<'a> {
    function: &'a venc::Function,
    egraph: egg::EGraph<super::language::Term, super::analysis::Types>,
    /// The class of each value of the function.
    values: Vec<Id>,
    /// The label of each class that has one.
    labels: HashMap<Id, String>,
}

impl OneFunction<'_> {
    /// The classes of the results.
    fn results(&self) -> Vec<Id> {
        let results = self.function.results.iter();
        results.map(|(_, value)| self.egraph.find(self.values[value.index()])).collect()
    }

    fn internal(&self, reason: impl Into<String>) -> RewriteError {
        RewriteError::Internal { function: self.function.name.clone(), reason: reason.into() }
    }
}

/// The rules without which a program has nothing that the rule looks for, or no kernels to be read off.
fn rules_before(group: Group, rule: &Rule, switches: &RuleSwitches) -> RuleSwitches {
    let speaks_of_attention = rule.left.contains("(attention");
    let is_before = |other: Group| match group {
        Group::Exploration => other == Group::Recognition && speaks_of_attention,
        Group::Recognition => {
            other == Group::Implementation || (other == Group::Recognition && speaks_of_attention)
        }
        Group::Implementation => other == Group::Implementation,
        Group::Fusion => other == Group::Recognition || other == Group::Implementation,
    };
    let rules = switches.enabled();
    RuleSwitches::of(rules.filter(|(other, known)| is_before(*other) && known.name != rule.name))
}
