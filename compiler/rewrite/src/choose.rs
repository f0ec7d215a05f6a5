//! [`choose`]: the cheapest kernels for a module at one size.

use super::analysis::Types;
use super::candidate::{Candidate, Producer};
use super::candidates::Candidates;
use super::error::RewriteError;
use super::extract::{Problem, Solution, extract, improve};
use super::insert::insert;
use super::kernel_function::{Chosen, kernel_function};
use super::language::Term;
use super::launch_costs::{CostsAtSize, LaunchCosts};
use super::refused_rules::{RefusedMatch, find_refused};
use super::report::{
    Effort, ExtractionReport, FunctionReport, RefusedKernel, Report, cost, kernel_name, kernels,
};
use super::rule_switches::RuleSwitches;
use super::saturate::{Limits, Statistics, Stop, saturate};
use super::target_description::TargetDescription;
use egg::{EGraph, Id};
use indexmap::IndexMap;
use ocellus_dialects::symbolic::Bindings;
use ocellus_dialects::{kernel, venc};
use ocellus_kernels::Target;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// States that evaluating the alternatives of all functions and pieces may look at together. A block of an encoder needs some
/// thousand; a model in one long function would otherwise be searched as often as it has kernels and pieces.
pub(super) const MAX_STATES_TOGETHER: usize = 100_000;

/// States of an extraction after which the best known is taken. A block of an encoder needs some hundred.
pub(super) const MAX_STATES: usize = 200_000;

/// Where fewer are left of what several extractions share, one has these.
const MIN_STATES: usize = 2_000;

/// The same where a good choice is known, and the question is whether there is a better one.
const MAX_STATES_NEAR: usize = 2_000;

/// The cheapest kernels for `module` where its symbols are `at` (free ones and defined ones), and how they were found.
pub fn choose(
    module: &venc::Module,
    at: &Bindings,
    target: &TargetDescription,
    switches: &RuleSwitches,
) -> Result<(kernel::Module, Report), RewriteError> {
    let saturated = Saturated::new(module, target, switches, Limits::default())?;
    let selection = saturated.select(at)?;
    let kernels = saturated.kernels(&selection)?;
    let report = saturated.report(&selection, &kernels, at, &mut { MAX_STATES_TOGETHER })?;
    Ok((kernels, report))
}

/// The functions of a verified module by name with their positions, each before those that it calls.
fn callers_first(module: &venc::Module) -> IndexMap<&str, usize> {
    let mut sorted: IndexMap<&str, usize> = IndexMap::new();
    let mut pending: Vec<(usize, &venc::Function)> = module.functions.iter().enumerate().collect();
    while !pending.is_empty() {
        let is_ready = |(_, function): &(usize, &venc::Function)| {
            function.callees().all(|callee| sorted.contains_key(callee))
        };
        let (ready, waiting): (Vec<_>, Vec<_>) = pending.into_iter().partition(is_ready);
        if ready.is_empty() {
            break;
        }
        sorted.extend(ready.iter().map(|(position, function)| (function.name.as_str(), *position)));
        pending = waiting;
    }
    sorted.reverse();
    sorted
}

/// A module with all that its rules say about it: asked at one size after another.
pub struct Saturated<'a> {
    module: &'a venc::Module,
    target: TargetDescription,
    pub(super) functions: Vec<SaturatedFunction<'a>>,
    launches: LaunchCosts,
    /// The functions by name with their positions, each before those that it calls.
    callers_first: IndexMap<&'a str, usize>,
    disabled: Vec<&'static str>,
}

pub(super) struct SaturatedFunction<'a> {
    pub(super) function: &'a venc::Function,
    pub(super) egraph: EGraph<Term, Types>,
    pub(super) candidates: Candidates,
    /// The number of the launch of each candidate, where it is one.
    launches: Vec<Vec<Option<usize>>>,
    pub(super) labels: HashMap<Id, String>,
    statistics: Statistics,
    /// Where a rule was kept from being used, by its conditions.
    pub(super) refused_rules: Vec<RefusedMatch>,
}

/// What was chosen at one size, for each function.
pub struct Selection {
    pub(super) functions: Vec<SelectedFunction>,
}

/// What was chosen for a function.
pub(super) struct SelectedFunction {
    /// What makes each class.
    pub(super) solution: Solution,
    /// The schedule of the candidate of each class.
    schedules: Vec<usize>,
    /// What choosing took.
    time: Duration,
}

impl Selection {
    /// Whether the same kernels were chosen.
    pub fn is_same(&self, other: &Selection) -> bool {
        let same = |(a, b): (&SelectedFunction, &SelectedFunction)| {
            a.solution.chosen == b.solution.chosen && a.schedules == b.schedules
        };
        self.functions.iter().zip(&other.functions).all(same)
    }

    /// Whether no other kernels are cheaper at the size that these were chosen for.
    pub fn is_proven(&self) -> bool {
        self.functions.iter().all(|function| function.solution.proven_optimal)
    }

    /// Takes down what the cheapest kernels cost at the size that these were chosen for.
    pub fn prove(&mut self, cheapest: &Selection) {
        for (own, cheapest) in self.functions.iter_mut().zip(&cheapest.functions) {
            let (own, cheapest) = (&mut own.solution, &cheapest.solution);
            own.lower_bound = cheapest.lower_bound;
            own.states = cheapest.states;
            own.proven_optimal = cheapest.proven_optimal && own.cost <= cheapest.cost;
        }
    }
}

impl<'a> Saturated<'a> {
    /// Saturates every function of a module for a target. The module is verified first.
    pub fn new(
        module: &'a venc::Module,
        target: &TargetDescription,
        switches: &RuleSwitches,
        limits: Limits,
    ) -> Result<Self, RewriteError> {
        module.verify()?;
        let isa = target.kernels_target()?;
        let mut functions = module
            .functions
            .iter()
            .map(|function| SaturatedFunction::new(module, function, isa, switches, limits))
            .collect::<Result<Vec<_>, _>>()?;
        let mut launches = LaunchCosts::new(&module.symbols);
        for function in &mut functions {
            function.number_launches(&mut launches, target)?;
        }
        let disabled = switches.disabled().collect();
        let callers_first = callers_first(module);
        let target = target.clone();
        Ok(Saturated { module, target, functions, launches, callers_first, disabled })
    }

    /// What saturation took.
    fn effort(&self) -> Effort {
        let mut effort = Effort::default();
        for function in &self.functions {
            effort.nodes += function.statistics.nodes;
            effort.matches +=
                function.statistics.rules.values().map(|rule| rule.matches).sum::<usize>();
            effort.candidates += function.candidates.classes.values().map(Vec::len).sum::<usize>();
        }
        effort
    }

    /// All launches that may be chosen.
    pub(super) fn launch_costs(&self) -> &LaunchCosts {
        &self.launches
    }

    /// What launches cost where the symbols are `at`.
    pub(super) fn costs_at(&self, at: &Bindings) -> Result<CostsAtSize, RewriteError> {
        self.launches.at(at, &self.target)
    }

    /// What costs are for.
    pub fn target(&self) -> &TargetDescription {
        &self.target
    }

    /// The cheapest kernels where the symbols are `at`.
    pub fn select(&self, at: &Bindings) -> Result<Selection, RewriteError> {
        let costs = self.costs_at(at)?;
        let select = |function: &SaturatedFunction| {
            function.select(&costs, &self.disabled, &mut { MAX_STATES })
        };
        let functions = self.functions.iter().map(select).collect::<Result<_, RewriteError>>()?;
        Ok(Selection { functions })
    }

    /// The same, taking from `states_left`: where none are left, kernels that are cheap and may not be the cheapest.
    pub(super) fn select_within(
        &self,
        at: &Bindings,
        states_left: &mut usize,
    ) -> Result<Selection, RewriteError> {
        let costs = self.costs_at(at)?;
        let select =
            |function: &SaturatedFunction| function.select(&costs, &self.disabled, states_left);
        let functions = self.functions.iter().map(select).collect::<Result<_, RewriteError>>()?;
        Ok(Selection { functions })
    }

    /// Kernels where the symbols are `at`: those known, each launch with the schedule for that size, unless others are
    /// found soon that save that share of a function's time. The search takes from `states_left`.
    pub fn select_near(
        &self,
        at: &Bindings,
        known: &Selection,
        saving: f64,
        states_left: &mut usize,
    ) -> Result<Selection, RewriteError> {
        let costs = self.costs_at(at)?;
        let near = |(function, known): (&SaturatedFunction, &SelectedFunction)| {
            function.select_near(&costs, (&known.solution, saving), states_left)
        };
        let functions = self.functions.iter().zip(&known.functions).map(near);
        Ok(Selection { functions: functions.collect() })
    }

    /// What was selected, as a program.
    pub fn kernels(&self, selection: &Selection) -> Result<kernel::Module, RewriteError> {
        let functions = self
            .functions
            .iter()
            .zip(&selection.functions)
            .map(|(function, selected)| function.kernels(selected))
            .collect::<Result<_, _>>()?;
        Ok(kernel::Module {
            symbols: self.module.symbols.clone(),
            functions,
            entry: self.module.entry.clone(),
        })
    }

    /// The launches of a run of the entry function: the number of each, the number of its schedule, and how often it runs.
    pub(super) fn launches(&self, selection: &Selection) -> BTreeMap<(usize, usize), f64> {
        let mut runs = vec![0.0; self.functions.len()];
        let mut counted = BTreeMap::new();
        for position in self.callers_first.values() {
            let (function, selected) =
                (&self.functions[*position], &selection.functions[*position]);
            if function.function.name == self.module.entry {
                runs[*position] = 1.0;
            }
            let times = runs[*position];
            let launches = function.chosen_launches(&selected.solution).zip(&selected.schedules);
            for (launch, schedule) in launches.filter_map(|(launch, s)| Some((launch?, *s))) {
                *counted.entry((launch, schedule)).or_default() += times;
            }
            let callees = function.chosen_callees(&selected.solution);
            for callee in callees.filter_map(|name| self.callers_first.get(name)) {
                runs[*callee] += times;
            }
        }
        counted
    }

    /// What there is to say about a selection and its program, at one size. Looking for alternatives takes from
    /// `states_left`.
    pub fn report(
        &self,
        selection: &Selection,
        program: &kernel::Module,
        at: &Bindings,
        states_left: &mut usize,
    ) -> Result<Report, RewriteError> {
        let (target, costs) = (&self.target, self.costs_at(at)?);
        let mut functions = vec![];
        let selected = self.functions.iter().zip(&selection.functions).zip(&program.functions);
        for ((function, SelectedFunction { solution, time, .. }), lowered) in selected {
            let alternatives = function.alternatives(solution, &costs, *states_left);
            *states_left = states_left.saturating_sub(alternatives.states);
            functions.push(FunctionReport {
                name: lowered.name.clone(),
                saturation: function.statistics.clone(),
                extraction: function.extraction_report(solution, *time),
                kernels: kernels(lowered, at, target)?,
                alternatives: alternatives.found,
                unevaluated_alternatives: alternatives.unevaluated,
                refused_rules: function.refused_rules(solution),
                refused_kernels: function.refused_kernels(solution),
            });
        }
        let microseconds = cost(program, &functions)? as f64 / 1e6;
        let effort = self.effort();
        Ok(Report {
            at: at.clone(),
            functions,
            microseconds,
            tolerance: 0.0,
            limits: vec![],
            effort,
        })
    }
}

impl<'a> SaturatedFunction<'a> {
    pub(super) fn problem(&self, costs: &CostsAtSize) -> Problem {
        let cost = |class: usize, candidate: usize| {
            self.launches[class][candidate].map_or(0, |launch| costs.of(launch).1)
        };
        self.candidates.problem(cost)
    }

    fn number_launches(
        &mut self,
        launches: &mut LaunchCosts,
        target: &TargetDescription,
    ) -> Result<(), RewriteError> {
        let name = &self.function.name;
        for candidates in self.candidates.classes.values() {
            let mut numbers = vec![];
            for candidate in candidates {
                numbers.push(match candidate.schedules.as_slice() {
                    [] => None,
                    schedules => Some(launches.number(schedules, name, target)?),
                });
            }
            self.launches.push(numbers);
        }
        Ok(())
    }

    /// The launch that makes each class in a solution, where one does.
    fn chosen_launches<'s>(
        &'s self,
        solution: &'s Solution,
    ) -> impl Iterator<Item = Option<usize>> + 's {
        let classes = self.launches.iter().zip(&solution.chosen);
        classes.map(|(launches, chosen)| launches.get((*chosen)?).copied().flatten())
    }

    /// The functions that a solution calls, as often as it does.
    fn chosen_callees<'s>(&'s self, solution: &'s Solution) -> impl Iterator<Item = &'s str> {
        self.candidates.chosen(solution).filter_map(|(_, candidate)| match &candidate?.producer {
            Producer::Call(callee) => Some(callee.as_str()),
            _ => None,
        })
    }

    fn new(
        module: &venc::Module,
        function: &'a venc::Function,
        isa: Target,
        switches: &RuleSwitches,
        limits: Limits,
    ) -> Result<Self, RewriteError> {
        let mut inserted = insert(module, function)?;
        let egraph = &mut inserted.egraph;
        egraph.analysis.assumptions.clone_from(switches.assumptions());
        let mut statistics = saturate(&function.name, egraph, switches, limits)?;
        let roots: Vec<Id> =
            function.results.iter().map(|(_, value)| inserted.values[value.index()]).collect();
        let mut candidates = Candidates::collect(egraph, &roots, isa);
        if candidates.is_cut_short {
            statistics.stops.push(Stop::CandidateLimit);
        }
        if switches.has_default_schedules() {
            candidates.keep_default_schedules();
        }
        let refused_rules = find_refused(egraph, switches)?;
        Ok(SaturatedFunction {
            function,
            labels: inserted.labels(function),
            egraph: inserted.egraph,
            candidates,
            launches: vec![],
            statistics,
            refused_rules,
        })
    }

    fn select(
        &self,
        costs: &CostsAtSize,
        disabled: &[&str],
        states_left: &mut usize,
    ) -> Result<SelectedFunction, RewriteError> {
        let start = Instant::now();
        let problem = self.problem(costs);
        let solution =
            extract(&problem, (*states_left).clamp(MIN_STATES, MAX_STATES)).map_err(|culprit| {
                let name = &self.function.name;
                self.candidates.no_kernel((name, &self.egraph), &culprit, disabled)
            })?;
        *states_left = states_left.saturating_sub(solution.states + problem.work());
        Ok(self.scheduled(solution, costs, start))
    }

    fn select_near(
        &self,
        costs: &CostsAtSize,
        (known, saving): (&Solution, f64),
        states_left: &mut usize,
    ) -> SelectedFunction {
        let start = Instant::now();
        let problem = self.problem(costs);
        let solution = match *states_left {
            0 => Solution::from_choices(&problem, &known.chosen),
            left => improve(&problem, known, saving, MAX_STATES_NEAR.min(left)),
        };
        *states_left = states_left.saturating_sub(solution.states + problem.work());
        self.scheduled(solution, costs, start)
    }

    /// A solution, each launch with the schedule for a size.
    fn scheduled(
        &self,
        solution: Solution,
        costs: &CostsAtSize,
        start: Instant,
    ) -> SelectedFunction {
        let schedule = |launch: Option<usize>| launch.map_or(0, |launch| costs.of(launch).0);
        let schedules = self.chosen_launches(&solution).map(schedule).collect();
        SelectedFunction { solution, schedules, time: start.elapsed() }
    }

    fn kernels(&self, selected: &SelectedFunction) -> Result<kernel::Function, RewriteError> {
        let candidates: HashMap<Id, (&Candidate, usize)> = self
            .candidates
            .chosen(&selected.solution)
            .zip(&selected.schedules)
            .filter_map(|((class, candidate), schedule)| Some((class, (candidate?, *schedule))))
            .collect();
        kernel_function(&Chosen {
            function: self.function,
            egraph: &self.egraph,
            candidates,
            results: self.candidates.roots.clone(),
            labels: &self.labels,
        })
    }

    fn extraction_report(&self, solution: &Solution, time: Duration) -> ExtractionReport {
        ExtractionReport {
            classes: self.candidates.classes.len(),
            candidates: self.candidates.classes.values().map(Vec::len).sum(),
            states: solution.states,
            microseconds: solution.cost as f64 / 1e6,
            least_microseconds: solution.lower_bound as f64 / 1e6,
            proven_optimal: solution.proven_optimal,
            time,
        }
    }

    /// The kernels that would make a value of the solution in another manner, if their families did them.
    fn refused_kernels(&self, solution: &Solution) -> Vec<RefusedKernel> {
        let of_values = self.candidates.refused.iter().filter_map(|(class, launch)| {
            Some(RefusedKernel {
                label: self.labels.get(class).cloned(),
                chosen: self.chosen_kernel(solution, *class)?,
                kernel: kernel_name(&launch.op),
                refusal: launch.refusal.clone(),
            })
        });
        of_values.collect()
    }
}
