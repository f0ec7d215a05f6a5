//! [`ProgramPrice`]: what a run of a program costs, in a form that is quick to evaluate at one size after another.

use super::cost::{LaunchCost, Quantities, predict_at_rate};
use super::error::RewriteError;
use super::report::{callees_first, launches, unbound};
use super::target::TargetDescription;
use ocellus_dialects::kernel::{Module, Step};
use ocellus_dialects::symbolic::{Bindings, Dim, Symbol};
use std::collections::BTreeMap;

/// The launches of a run of the entry function, calls included; equal ones are counted, not repeated.
#[derive(Clone, Debug)]
pub struct ProgramPrice {
    target: TargetDescription,
    symbols: Vec<Symbol>,
    launches: Vec<(f64, LaunchPrice)>,
}

/// What a launch costs: its quantities as polynomials over numbered symbols.
#[derive(Clone, Debug)]
pub struct LaunchPrice {
    cost: LaunchCost<Polynomial>,
    matrix_rate: f64,
}

/// A dimension over numbered symbols: a sum of products.
#[derive(Clone, Debug)]
struct Polynomial(Vec<(f64, Vec<usize>)>);

impl Polynomial {
    fn new(dim: &Dim, symbols: &[Symbol]) -> Option<Self> {
        let position = |symbol: &Symbol| symbols.iter().position(|known| known == symbol);
        let terms = dim.terms().map(|(coefficient, factors)| {
            let factors = factors.iter().map(position).collect::<Option<_>>()?;
            Some((coefficient as f64, factors))
        });
        terms.collect::<Option<_>>().map(Polynomial)
    }

    fn at(&self, values: &[f64]) -> f64 {
        let term = |(coefficient, factors): &(f64, Vec<usize>)| {
            factors.iter().fold(*coefficient, |product, position| product * values[*position])
        };
        self.0.iter().map(term).sum()
    }
}

impl LaunchPrice {
    /// The price of a launch over numbered symbols. The error is a dimension with a symbol that is none of them.
    pub fn of(
        launch: &LaunchCost<Dim>,
        symbols: &[Symbol],
        target: &TargetDescription,
    ) -> Result<Self, Dim> {
        let number = |dim: &Dim| Polynomial::new(dim, symbols).ok_or_else(|| dim.clone());
        let (cost, matrix_rate) = (launch.try_map(&number)?, launch.matrix_rate(target));
        Ok(LaunchPrice { cost, matrix_rate })
    }

    /// Microseconds where the symbols have those values.
    pub fn at(&self, values: &[f64], target: &TargetDescription) -> f64 {
        let quantities: Quantities = self.cost.map(&|polynomial| polynomial.at(values));
        predict_at_rate(&quantities, self.matrix_rate, target).microseconds
    }
}

impl ProgramPrice {
    /// The price of a module's entry function on a target, in closed form over its symbols.
    pub fn of(module: &Module, target: &TargetDescription) -> Result<Self, RewriteError> {
        let cpu = target.cpu()?;
        let symbols: Vec<Symbol> =
            module.symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
        let mut counted: Vec<(f64, LaunchCost<Dim>)> = vec![];
        let runs = runs(module)?;
        for function in &module.functions {
            let times = runs.get(function.name.as_str()).copied().unwrap_or(0.0);
            for (_, launch) in launches(function, &cpu).filter(|_| times > 0.0) {
                match counted.iter_mut().find(|(_, known)| *known == launch) {
                    Some((count, _)) => *count += times,
                    None => counted.push((times, launch)),
                }
            }
        }
        let launches = counted
            .iter()
            .map(|(times, launch)| Ok((*times, LaunchPrice::of(launch, &symbols, target)?)))
            .collect::<Result<_, Dim>>()
            .map_err(|dim| unbound(&module.entry, &dim))?;
        Ok(ProgramPrice { target: target.clone(), symbols, launches })
    }

    /// Microseconds of a run where the symbols (free ones and defined ones) have those values. A symbol without a value
    /// counts as zero.
    pub fn at(&self, at: &Bindings) -> f64 {
        let values = values(&self.symbols, at);
        self.launches.iter().map(|(times, launch)| times * launch.at(&values, &self.target)).sum()
    }
}

/// The values of numbered symbols. One without a value counts as zero.
pub fn values(symbols: &[Symbol], at: &Bindings) -> Vec<f64> {
    symbols.iter().map(|symbol| at.get(symbol).copied().unwrap_or(0) as f64).collect()
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
