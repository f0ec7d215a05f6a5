//! [`LaunchCost`] and [`ProgramCost`]: what launches and programs cost, in a form that is quick to evaluate at one size
//! after another, or at many side by side.

use super::error::RewriteError;
use super::prediction::LaunchWork;
use super::real::Real;
use super::report::{callees_first, launches, unbound};
use super::target_description::{MatrixRate, TargetDescription};
use indexmap::IndexSet;
use ocellus_dialects::kernel::{Module, Step};
use ocellus_dialects::symbolic::{Bindings, Dim, Polynomial, Symbol};
use std::collections::BTreeMap;

/// The launches of a run of the entry function, calls included; equal ones are counted, not repeated.
#[derive(Clone, Debug)]
pub struct ProgramCost {
    target: TargetDescription,
    symbols: Vec<Symbol>,
    launches: Vec<(f64, LaunchCost)>,
}

/// What a launch costs with each of its schedules. Their quantities are mostly the same polynomials: each is evaluated
/// once.
#[derive(Clone, Debug)]
pub struct LaunchCost {
    dims: Vec<Polynomial>,
    /// For each schedule its quantities, by the number of the polynomial, and the rate of its products.
    schedules: Vec<(LaunchWork<usize>, MatrixRate)>,
}

impl LaunchCost {
    /// The cost of a launch over numbered symbols, with each of these costs. The error is a dimension with a symbol that
    /// is none of them.
    pub fn of<'c>(
        schedules: impl IntoIterator<Item = &'c LaunchWork<Dim>>,
        symbols: &[Symbol],
        target: &TargetDescription,
    ) -> Result<Self, Dim> {
        let mut dims: IndexSet<Dim> = IndexSet::new();
        let mut number = |dim: &Dim| dims.insert_full(dim.clone()).0;
        let schedules: Vec<_> = schedules
            .into_iter()
            .map(|work| (work.map(&mut number), work.matrix_rate(target)))
            .collect();
        let polynomial = |dim: &Dim| Polynomial::over(dim, symbols).ok_or_else(|| dim.clone());
        let dims = dims.iter().map(polynomial).collect::<Result<_, Dim>>()?;
        Ok(LaunchCost { dims, schedules })
    }

    /// Microseconds with each schedule, where the symbols have those values.
    pub fn at<'p, T: Real>(
        &'p self,
        values: &[T],
        target: &'p TargetDescription,
    ) -> impl Iterator<Item = T> + use<'p, T> {
        let value = |dim: &Polynomial| dim.evaluate(values);
        let dims: Vec<T> = self.dims.iter().map(value).collect();
        self.schedules.iter().map(move |(work, matrix_rate)| {
            work.map(&mut |dim| dims[*dim]).microseconds(*matrix_rate, target)
        })
    }

    /// How many schedules there are.
    pub fn schedules(&self) -> usize {
        self.schedules.len()
    }
}

impl ProgramCost {
    /// The cost of a module's entry function on a target, in closed form over its symbols.
    pub fn of(module: &Module, target: &TargetDescription) -> Result<Self, RewriteError> {
        let isa = target.kernels_target()?;
        let symbols: Vec<Symbol> =
            module.symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
        let mut counted: Vec<(f64, LaunchWork<Dim>)> = vec![];
        let runs = runs(module)?;
        for function in &module.functions {
            let times = runs.get(function.name.as_str()).copied().unwrap_or(0.0);
            if times == 0.0 {
                continue;
            }
            for (_, launch) in launches(function, isa)? {
                match counted.iter_mut().find(|(_, known)| *known == launch) {
                    Some((count, _)) => *count += times,
                    None => counted.push((times, launch)),
                }
            }
        }
        let launches = counted
            .iter()
            .map(|(times, launch)| Ok((*times, LaunchCost::of([launch], &symbols, target)?)))
            .collect::<Result<_, Dim>>()
            .map_err(|dim| unbound(&module.entry, &dim))?;
        Ok(ProgramCost { target: target.clone(), symbols, launches })
    }

    /// Microseconds of a run where the symbols (free ones and defined ones) have those values. A symbol without a value
    /// counts as zero.
    pub fn at(&self, at: &Bindings) -> f64 {
        let value = |symbol: &Symbol| at.get(symbol).copied().unwrap_or(0) as f64;
        let values: Vec<f64> = self.symbols.iter().map(value).collect();
        let cost = |launch: &LaunchCost| launch.at(&values, &self.target).sum::<f64>();
        self.launches.iter().map(|(times, launch)| times * cost(launch)).sum()
    }
}

/// How often each function runs in a run of the entry function.
pub fn runs(module: &Module) -> Result<BTreeMap<&str, f64>, RewriteError> {
    let mut runs = BTreeMap::from([(module.entry.as_str(), 1.0)]);
    for function in callees_first(module)?.into_iter().rev() {
        let own = runs.get(function.name.as_str()).copied().unwrap_or(0.0);
        for step in &function.steps {
            if let Step::Call { callee, .. } = step {
                *runs.entry(callee.as_str()).or_default() += own;
            }
        }
    }
    Ok(runs)
}
