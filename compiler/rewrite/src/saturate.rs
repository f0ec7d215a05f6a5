//! Runs the rules until nothing new follows, in two stages: mathematics first, kernels then.
//!
//! There is no wall-clock limit, so that the same module always gives the same kernels. A limit on nodes or iterations
//! that is hit is said in the [`Statistics`], never hidden.

use super::analysis::{Sort, Types};
use super::error::RewriteError;
use super::language::Term;
use super::rule_switches::RuleSwitches;
use super::rules::{Condition, Group, Rule};
use egg::{Applier, EGraph, Pattern, SearchMatches, Searcher, Subst};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How far saturation goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// E-nodes that a stage may add, over all classes.
    pub nodes: usize,
    /// Rounds of each stage.
    pub iterations: usize,
    /// How often left sides are found in each stage, but for those of the rules without which there is no kernel at all.
    pub matches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { nodes: 200_000, iterations: 40, matches: 1_000_000 }
    }
}

/// Why a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing new follows from the rules.
    Saturated,
    /// [`Limits::nodes`].
    NodeLimit,
    /// [`Limits::iterations`].
    IterationLimit,
    /// [`Limits::matches`].
    MatchLimit,
    /// Of the candidates for a value, too many to look at all.
    CandidateLimit,
}

impl Stop {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Saturated => "saturated",
            Stop::NodeLimit => "node limit",
            Stop::IterationLimit => "iteration limit",
            Stop::MatchLimit => "match limit",
            Stop::CandidateLimit => "limit of candidates for a value",
        }
    }
}

/// What one rule did.
#[derive(Clone, Debug, Default)]
pub struct RuleStatistics {
    /// How often its left side was found, over all rounds.
    pub matches: usize,
    /// How often it said something new.
    pub fired: usize,
    /// How often a condition did not hold, by condition.
    pub refused: BTreeMap<String, usize>,
    /// Time spent in it.
    pub time: Duration,
}

/// What saturation did to one function.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// By rule.
    pub rules: BTreeMap<&'static str, RuleStatistics>,
    /// Why each stage ended.
    pub stops: Vec<Stop>,
    /// Rounds, over both stages.
    pub iterations: usize,
    /// E-nodes at the end.
    pub nodes: usize,
    /// E-classes at the end.
    pub classes: usize,
    /// Time, over both stages.
    pub time: Duration,
}

impl Statistics {
    /// Whether everything that follows from the rules was found.
    pub fn is_complete(&self) -> bool {
        self.stops.iter().all(|stop| *stop == Stop::Saturated)
    }
}

/// A rule with its patterns read.
pub struct Compiled {
    rule: &'static Rule,
    group: Group,
    left: Pattern<Term>,
    right: Pattern<Term>,
}

impl Compiled {
    /// Reads the patterns of a rule.
    pub fn new(group: Group, rule: &'static Rule) -> Result<Self, RewriteError> {
        let read = |text: &str| {
            text.parse::<Pattern<Term>>().map_err(|error| RewriteError::MalformedRule {
                rule: rule.name,
                reason: format!("{error} in {text}"),
            })
        };
        Ok(Compiled { rule, group, left: read(rule.left)?, right: read(&rule.expanded_right())? })
    }

    /// The pattern that it looks for.
    pub fn left(&self) -> &Pattern<Term> {
        &self.left
    }

    fn refusal(&self, egraph: &EGraph<Term, Types>, subst: &Subst) -> Option<&Condition> {
        self.rule.conditions.iter().find(|condition| !condition.holds(egraph, subst))
    }

    /// Applies the rule to what it matched; says whether anything is new.
    pub fn apply(
        &self,
        egraph: &mut EGraph<Term, Types>,
        matches: &[SearchMatches<Term>],
        statistics: &mut RuleStatistics,
    ) -> bool {
        let mut is_new = false;
        for found in matches {
            for subst in &found.substs {
                statistics.matches += 1;
                if self.is_for_compile_time(egraph, found.eclass) {
                    continue;
                }
                if let Some(condition) = self.refusal(egraph, subst) {
                    *statistics.refused.entry(condition.to_string()).or_default() += 1;
                    continue;
                }
                let changed =
                    self.right.apply_one(egraph, found.eclass, subst, None, self.rule.name.into());
                if !changed.is_empty() {
                    statistics.fired += 1;
                    is_new = true;
                }
            }
        }
        is_new
    }

    /// Work on weights alone needs no kernel.
    fn is_for_compile_time(&self, egraph: &EGraph<Term, Types>, class: egg::Id) -> bool {
        let facts = &egraph[class].data;
        self.group >= Group::Implementation && facts.sort == Sort::Value && facts.weight_only
    }
}

/// Saturates the e-graph of `function`.
pub fn saturate(
    function: &str,
    egraph: &mut EGraph<Term, Types>,
    switches: &RuleSwitches,
    limits: Limits,
) -> Result<Statistics, RewriteError> {
    let start = Instant::now();
    let rules = switches
        .enabled()
        .map(|(group, rule)| Compiled::new(group, rule))
        .collect::<Result<Vec<_>, _>>()?;
    let (mathematics, kernels): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|rule| rule.group < Group::Implementation);
    let mut statistics = Statistics::default();
    for stage in [mathematics, kernels] {
        let stop = run_stage(function, egraph, &stage, limits, &mut statistics)?;
        statistics.stops.push(stop);
    }
    statistics.nodes = egraph.total_number_of_nodes();
    statistics.classes = egraph.number_of_classes();
    statistics.time = start.elapsed();
    Ok(statistics)
}

fn run_stage(
    function: &str,
    egraph: &mut EGraph<Term, Types>,
    rules: &[Compiled],
    limits: Limits,
    statistics: &mut Statistics,
) -> Result<Stop, RewriteError> {
    let most_nodes = egraph.total_size().saturating_add(limits.nodes);
    let mut matches_left = limits.matches;
    for _ in 0..limits.iterations {
        statistics.iterations += 1;
        let (mut is_new, mut is_short) = (false, false);
        // All are searched before any is applied: the order of the rules does not decide what is found.
        let mut searched = vec![];
        for rule in rules {
            let start = Instant::now();
            let max = if rule.group == Group::Implementation { usize::MAX } else { matches_left };
            let found = rule.left.search_with_limit(egraph, max);
            let count: usize = found.iter().map(|matches| matches.substs.len()).sum();
            if rule.group != Group::Implementation {
                is_short |= count >= matches_left;
                matches_left = matches_left.saturating_sub(count);
            }
            searched.push((found, start.elapsed()));
        }
        for (rule, (matches, searching)) in rules.iter().zip(&searched) {
            // One round can add many: what is left undone then is what can be done without.
            if egraph.total_size() > most_nodes && rule.group != Group::Implementation {
                continue;
            }
            let start = Instant::now();
            let of_rule = statistics.rules.entry(rule.rule.name).or_default();
            is_new |= rule.apply(egraph, matches, of_rule);
            of_rule.time += *searching + start.elapsed();
            check(function, egraph, rule.rule.name)?;
        }
        drop(searched);
        egraph.rebuild();
        check(function, egraph, "congruence")?;
        if egraph.total_size() > most_nodes {
            return Ok(Stop::NodeLimit);
        }
        if is_short {
            return Ok(Stop::MatchLimit);
        }
        if !is_new {
            return Ok(Stop::Saturated);
        }
    }
    Ok(Stop::IterationLimit)
}

fn check(function: &str, egraph: &EGraph<Term, Types>, rule: &str) -> Result<(), RewriteError> {
    match egraph.analysis.conflict.borrow().clone() {
        None => Ok(()),
        Some(conflict) => Err(RewriteError::Unsound {
            function: function.to_string(),
            rule: rule.to_string(),
            conflict: Box::new(conflict),
        }),
    }
}
