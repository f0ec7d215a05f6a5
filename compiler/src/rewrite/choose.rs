//! [`choose`]: the cheapest kernels for a module at one size.

use super::analysis::Types;
use super::candidates::{Way, Ways};
use super::cost::predict;
use super::error::RewriteError;
use super::extract::{Unmakeable, extract};
use super::insert::insert;
use super::language::Term;
use super::lower::{Chosen, lower};
use super::report::{ExtractionReport, FunctionReport, Report, kernels, price, unbound};
use super::saturate::{Limits, Statistics, saturate};
use super::switches::Switches;
use super::target::TargetDescription;
use egg::{EGraph, Id};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::{ElementType, kernel, venc};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// States of an extraction after which the best known is taken. A block of an encoder needs some hundred.
const MOST_STATES: usize = 200_000;

/// The cheapest kernels for `module` where its symbols are `at` (free ones and defined ones), and how they were found.
pub fn choose(
    module: &venc::Module,
    at: &Bindings,
    target: &TargetDescription,
    switches: &Switches,
) -> Result<(kernel::Module, Report), RewriteError> {
    Saturated::new(module, switches, Limits::default())?.choose(at, target)
}

/// A module with all that its rules say about it: asked at one size after another.
pub struct Saturated<'a> {
    module: &'a venc::Module,
    functions: Vec<SaturatedFunction<'a>>,
    disabled: Vec<&'static str>,
}

struct SaturatedFunction<'a> {
    function: &'a venc::Function,
    egraph: EGraph<Term, Types>,
    ways: Ways,
    labels: HashMap<Id, String>,
    statistics: Statistics,
}

impl<'a> Saturated<'a> {
    /// Saturates every function of a module. The module is verified first.
    pub fn new(
        module: &'a venc::Module,
        switches: &Switches,
        limits: Limits,
    ) -> Result<Self, RewriteError> {
        module.verify()?;
        let functions = module
            .functions
            .iter()
            .map(|function| SaturatedFunction::new(module, function, switches, limits))
            .collect::<Result<_, _>>()?;
        Ok(Saturated { module, functions, disabled: switches.disabled().collect() })
    }

    /// The module that was saturated.
    pub fn module(&self) -> &venc::Module {
        self.module
    }

    /// What each rule did, over all functions.
    pub fn statistics(&self) -> impl Iterator<Item = (&str, &Statistics)> {
        self.functions
            .iter()
            .map(|function| (function.function.name.as_str(), &function.statistics))
    }

    /// The cheapest kernels where the symbols are `at`.
    pub fn choose(
        &self,
        at: &Bindings,
        target: &TargetDescription,
    ) -> Result<(kernel::Module, Report), RewriteError> {
        let mut chosen = vec![];
        let mut reports = vec![];
        for function in &self.functions {
            let (lowered, extraction) = function.choose(at, target, &self.disabled)?;
            reports.push(FunctionReport {
                name: lowered.name.clone(),
                saturation: function.statistics.clone(),
                extraction,
                kernels: kernels(&lowered, at, target)?,
            });
            chosen.push(lowered);
        }
        let module = kernel::Module {
            symbols: self.module.symbols.clone(),
            functions: chosen,
            entry: self.module.entry.clone(),
        };
        let microseconds = price(&module, at, target)? as f64 / 1e6;
        Ok((module, Report { at: at.clone(), functions: reports, microseconds }))
    }
}

impl<'a> SaturatedFunction<'a> {
    fn new(
        module: &venc::Module,
        function: &'a venc::Function,
        switches: &Switches,
        limits: Limits,
    ) -> Result<Self, RewriteError> {
        let mut inserted = insert(module, function)?;
        let egraph = &mut inserted.egraph;
        let statistics = saturate(&function.name, egraph, switches, limits)?;
        let roots: Vec<Id> =
            function.results.iter().map(|(_, value)| inserted.values[value.index()]).collect();
        let ways = Ways::collect(egraph, &roots);
        let mut labels = HashMap::new();
        for (position, node) in function.nodes.iter().enumerate() {
            if let Some(label) = &node.label {
                let class = egraph.find(inserted.values[function.value_of(position).index()]);
                // Where rules find two named values equal, the first name stays.
                labels.entry(class).or_insert_with(|| label.clone());
            }
        }
        Ok(SaturatedFunction { function, egraph: inserted.egraph, ways, labels, statistics })
    }

    fn choose(
        &self,
        at: &Bindings,
        target: &TargetDescription,
        disabled: &[&str],
    ) -> Result<(kernel::Function, ExtractionReport), RewriteError> {
        let start = Instant::now();
        let price =
            |way: &Way| price_of(way, at, target).map_err(|dim| unbound(&self.function.name, &dim));
        let problem = self.ways.problem(price)?;
        let solution =
            extract(&problem, MOST_STATES).map_err(|culprit| self.no_kernel(culprit, disabled))?;
        let ways: HashMap<Id, &Way> = self
            .ways
            .classes
            .iter()
            .zip(&solution.chosen)
            .filter_map(|((class, ways), chosen)| Some((*class, ways.get((*chosen)?)?)))
            .collect();
        let report = ExtractionReport {
            classes: problem.classes.len(),
            candidates: problem.classes.iter().map(Vec::len).sum(),
            states: solution.states,
            microseconds: solution.cost as f64 / 1e6,
            least_microseconds: solution.lower_bound as f64 / 1e6,
            proven_optimal: solution.proven_optimal,
            time: start.elapsed(),
        };
        let chosen = Chosen {
            function: self.function,
            egraph: &self.egraph,
            ways,
            results: self.ways.roots.clone(),
            labels: &self.labels,
        };
        Ok((lower(&chosen)?, report))
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

fn price_of(way: &Way, at: &Bindings, target: &TargetDescription) -> Result<u128, Dim> {
    let (super::candidates::Maker::Launch(op), Some(work)) = (&way.maker, &way.work) else {
        return Ok(0);
    };
    let element = way.operands.first().map_or(ElementType::F32, |operand| operand.ty.element);
    Ok(predict(work, op.family(), element, target, at)?.picoseconds())
}

/// How often each rule fired, over the functions of a report.
pub fn fired(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut fired = BTreeMap::new();
    for function in &report.functions {
        for (rule, statistics) in &function.saturation.rules {
            *fired.entry(*rule).or_default() += statistics.fired;
        }
    }
    fired
}
