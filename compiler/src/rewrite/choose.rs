//! [`choose`]: the cheapest kernels for a module at one size.

use super::alternatives::MOST_STATES_TOGETHER;
use super::analysis::Types;
use super::candidates::{Way, Ways};
use super::error::RewriteError;
use super::extract::{Problem, Solution, Unmakeable, extract, improve};
use super::insert::insert;
use super::language::Term;
use super::lower::{Chosen, lower};
use super::refusals::{Refused, find_refused};
use super::report::{ExtractionReport, FunctionReport, Report, kernels, price, unbound};
use super::saturate::{Limits, Statistics, saturate};
use super::schedules::{Schedule, cheapest};
use super::switches::Switches;
use super::target::TargetDescription;
use egg::{EGraph, Id};
use ocellus_dialects::symbolic::Bindings;
use ocellus_dialects::{kernel, venc};
use ocellus_kernels::CpuTarget;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// States of an extraction after which the best known is taken. A block of an encoder needs some hundred.
pub(super) const MOST_STATES: usize = 200_000;

/// The same where a good choice is known, and the question is whether there is a better one.
const MOST_STATES_NEAR: usize = 2_000;

/// The cheapest kernels for `module` where its symbols are `at` (free ones and defined ones), and how they were found.
pub fn choose(
    module: &venc::Module,
    at: &Bindings,
    target: &TargetDescription,
    switches: &Switches,
) -> Result<(kernel::Module, Report), RewriteError> {
    let saturated = Saturated::new(module, target, switches, Limits::default())?;
    let selection = saturated.select(at)?;
    let kernels = saturated.lower(&selection)?;
    let report = saturated.report(&selection, &kernels, at, &mut { MOST_STATES_TOGETHER })?;
    Ok((kernels, report))
}

/// A module with all that its rules say about it: asked at one size after another.
pub struct Saturated<'a> {
    module: &'a venc::Module,
    target: TargetDescription,
    pub(super) functions: Vec<SaturatedFunction<'a>>,
    disabled: Vec<&'static str>,
}

pub(super) struct SaturatedFunction<'a> {
    pub(super) function: &'a venc::Function,
    pub(super) egraph: EGraph<Term, Types>,
    pub(super) ways: Ways,
    pub(super) labels: HashMap<Id, String>,
    statistics: Statistics,
    /// Where a rule was kept from being used, by its conditions.
    pub(super) refusals: Vec<Refused>,
}

/// What was chosen at one size, for each function.
pub struct Selection {
    pub(super) functions: Vec<SelectedFunction>,
}

/// What was chosen for a function.
pub(super) struct SelectedFunction {
    /// The way to make each class.
    pub(super) solution: Solution,
    /// The schedule of the way of each class.
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
        switches: &Switches,
        limits: Limits,
    ) -> Result<Self, RewriteError> {
        module.verify()?;
        let cpu = target.cpu()?;
        let functions = module
            .functions
            .iter()
            .map(|function| SaturatedFunction::new(module, function, &cpu, switches, limits))
            .collect::<Result<_, _>>()?;
        let disabled = switches.disabled().collect();
        Ok(Saturated { module, target: target.clone(), functions, disabled })
    }

    /// What prices are for.
    pub fn target(&self) -> &TargetDescription {
        &self.target
    }

    /// The cheapest kernels where the symbols are `at`.
    pub fn select(&self, at: &Bindings) -> Result<Selection, RewriteError> {
        let select =
            |function: &SaturatedFunction| function.select(at, &self.target, &self.disabled);
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
        let near = |(function, known): (&SaturatedFunction, &SelectedFunction)| {
            function.select_near(at, &self.target, (&known.solution, saving), states_left)
        };
        let functions = self.functions.iter().zip(&known.functions).map(near);
        Ok(Selection { functions: functions.collect::<Result<_, RewriteError>>()? })
    }

    /// What was selected, as a program.
    pub fn lower(&self, selection: &Selection) -> Result<kernel::Module, RewriteError> {
        let functions = self
            .functions
            .iter()
            .zip(&selection.functions)
            .map(|(function, selected)| function.lower(selected))
            .collect::<Result<_, _>>()?;
        Ok(kernel::Module {
            symbols: self.module.symbols.clone(),
            functions,
            entry: self.module.entry.clone(),
        })
    }

    /// The launches of a selection: the function, how the launch can be divided, and which of these ways it is.
    pub fn launches<'s>(
        &'s self,
        selection: &Selection,
    ) -> impl Iterator<Item = (&'s str, &'s [Schedule], usize)> {
        let functions = self.functions.iter().zip(&selection.functions);
        functions.flat_map(|(function, selected)| {
            let name = function.function.name.as_str();
            let ways = function.ways.chosen(&selected.solution).zip(&selected.schedules);
            ways.filter_map(move |((_, way), schedule)| {
                let schedules = way?.schedules.as_slice();
                (!schedules.is_empty()).then_some((name, schedules, *schedule))
            })
        })
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
        let target = &self.target;
        let mut functions = vec![];
        let selected = self.functions.iter().zip(&selection.functions).zip(&program.functions);
        for ((function, SelectedFunction { solution, time, .. }), lowered) in selected {
            let alternatives = function.alternatives(solution, at, target, *states_left)?;
            *states_left = states_left.saturating_sub(alternatives.states);
            functions.push(FunctionReport {
                name: lowered.name.clone(),
                saturation: function.statistics.clone(),
                extraction: function.extraction_report(solution, *time),
                kernels: kernels(lowered, at, target)?,
                alternatives: alternatives.found,
                unpriced_alternatives: alternatives.unpriced,
                refusals: function.refusals(solution),
            });
        }
        let microseconds = price(program, at, target)? as f64 / 1e6;
        Ok(Report { at: at.clone(), functions, microseconds, limits: vec![] })
    }
}

impl<'a> SaturatedFunction<'a> {
    pub(super) fn problem(
        &self,
        at: &Bindings,
        target: &TargetDescription,
    ) -> Result<Problem, RewriteError> {
        self.ways.problem(|way| self.cheapest(way, at, target).map(|(_, price)| price))
    }

    fn new(
        module: &venc::Module,
        function: &'a venc::Function,
        cpu: &CpuTarget,
        switches: &Switches,
        limits: Limits,
    ) -> Result<Self, RewriteError> {
        let mut inserted = insert(module, function)?;
        let egraph = &mut inserted.egraph;
        egraph.analysis.assumptions.clone_from(switches.assumptions());
        let statistics = saturate(&function.name, egraph, switches, limits)?;
        let roots: Vec<Id> =
            function.results.iter().map(|(_, value)| inserted.values[value.index()]).collect();
        let mut ways = Ways::collect(egraph, &roots, cpu);
        if switches.has_usual_schedules() {
            ways.keep_usual_schedules();
        }
        let mut labels = HashMap::new();
        for (position, node) in function.nodes.iter().enumerate() {
            if let Some(label) = &node.label {
                let class = egraph.find(inserted.values[function.value_of(position).index()]);
                // Where rules find two named values equal, the first name stays.
                labels.entry(class).or_insert_with(|| label.clone());
            }
        }
        let refusals = find_refused(egraph, switches)?;
        Ok(SaturatedFunction {
            function,
            egraph: inserted.egraph,
            ways,
            labels,
            statistics,
            refusals,
        })
    }

    fn select(
        &self,
        at: &Bindings,
        target: &TargetDescription,
        disabled: &[&str],
    ) -> Result<SelectedFunction, RewriteError> {
        let start = Instant::now();
        let problem = self.problem(at, target)?;
        let solution =
            extract(&problem, MOST_STATES).map_err(|culprit| self.no_kernel(culprit, disabled))?;
        self.scheduled(solution, at, target, start)
    }

    fn select_near(
        &self,
        at: &Bindings,
        target: &TargetDescription,
        (known, saving): (&Solution, f64),
        states_left: &mut usize,
    ) -> Result<SelectedFunction, RewriteError> {
        let start = Instant::now();
        let problem = self.problem(at, target)?;
        let solution = match *states_left {
            0 => Solution::from_choices(&problem, &known.chosen),
            left => improve(&problem, known, saving, MOST_STATES_NEAR.min(left)),
        };
        // To write the problem down takes time as well.
        let candidates: usize = problem.classes.iter().map(Vec::len).sum();
        *states_left = states_left.saturating_sub(solution.states + candidates);
        self.scheduled(solution, at, target, start)
    }

    /// A solution, each launch with the schedule for a size.
    fn scheduled(
        &self,
        solution: Solution,
        at: &Bindings,
        target: &TargetDescription,
        start: Instant,
    ) -> Result<SelectedFunction, RewriteError> {
        let schedules = self
            .ways
            .chosen(&solution)
            .map(|(_, way)| way.map_or(Ok(0), |way| Ok(self.cheapest(way, at, target)?.0)))
            .collect::<Result<_, RewriteError>>()?;
        Ok(SelectedFunction { solution, schedules, time: start.elapsed() })
    }

    /// The schedule of a way that is the cheapest, and its picoseconds.
    fn cheapest(
        &self,
        way: &Way,
        at: &Bindings,
        target: &TargetDescription,
    ) -> Result<(usize, u128), RewriteError> {
        cheapest(&way.schedules, at, target).map_err(|dim| unbound(&self.function.name, &dim))
    }

    fn lower(&self, selected: &SelectedFunction) -> Result<kernel::Function, RewriteError> {
        let ways: HashMap<Id, (&Way, usize)> = self
            .ways
            .chosen(&selected.solution)
            .zip(&selected.schedules)
            .filter_map(|((class, way), schedule)| Some((class, (way?, *schedule))))
            .collect();
        lower(&Chosen {
            function: self.function,
            egraph: &self.egraph,
            ways,
            results: self.ways.roots.clone(),
            labels: &self.labels,
        })
    }

    fn extraction_report(&self, solution: &Solution, time: Duration) -> ExtractionReport {
        ExtractionReport {
            classes: self.ways.classes.len(),
            candidates: self.ways.classes.values().map(Vec::len).sum(),
            states: solution.states,
            microseconds: solution.cost as f64 / 1e6,
            least_microseconds: solution.lower_bound as f64 / 1e6,
            proven_optimal: solution.proven_optimal,
            time,
        }
    }

    fn no_kernel(&self, culprit: Unmakeable, disabled: &[&str]) -> RewriteError {
        let class = self.ways.classes.get_index(culprit.0).map(|(class, _)| &self.egraph[*class]);
        let term = class.and_then(|class| class.nodes.first()).map(Term::to_string);
        let ty = class.and_then(|class| class.data.ty()).map(|ty| ty.to_string());
        let hint = match disabled {
            [] => String::new(),
            rules => format!("; these rules are disabled: {}", rules.join(", ")),
        };
        RewriteError::NoKernel {
            function: self.function.name.clone(),
            term: format!("venc.{}", term.unwrap_or_default()),
            ty: ty.unwrap_or_default(),
            hint,
        }
    }
}
