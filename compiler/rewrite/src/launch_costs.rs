//! [`LaunchCosts`]: all launches that a saturated module could choose, each once, with what they cost. Many candidates for
//! values are the same work on the same sizes, and layers share what they launch: to evaluate programs is to evaluate these
//! few.

use super::cost::LaunchCost;
use super::error::RewriteError;
use super::prediction::{LaunchWork, picoseconds};
use super::report::unbound;
use super::schedules::{Schedule, worthwhile};
use super::target_description::TargetDescription;
use indexmap::IndexMap;
use ocellus_dialects::symbolic::{Bindings, Dim, Symbol, Symbols};

/// The launches of a module.
pub struct LaunchCosts {
    symbols: Vec<Symbol>,
    /// By what their schedules cost.
    costs: IndexMap<Vec<LaunchWork<Dim>>, LaunchCost>,
}

/// What each launch costs at one size: its schedule there, and the picoseconds of that.
pub struct CostsAtSize(Vec<(usize, u128)>);

impl CostsAtSize {
    /// The schedule that a launch has, and its picoseconds.
    pub fn of(&self, launch: usize) -> (usize, u128) {
        self.0.get(launch).copied().unwrap_or((0, 0))
    }
}

impl LaunchCosts {
    /// None yet, over those symbols.
    pub fn new(symbols: &Symbols) -> Self {
        let symbols = symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
        LaunchCosts { symbols, costs: IndexMap::new() }
    }

    /// The number of the launch with those schedules, which `function` may choose.
    pub fn number(
        &mut self,
        schedules: &[Schedule],
        function: &str,
        target: &TargetDescription,
    ) -> Result<usize, RewriteError> {
        let works: Vec<LaunchWork<Dim>> =
            schedules.iter().map(|schedule| schedule.work.clone()).collect();
        if let Some(known) = self.costs.get_index_of(&works) {
            return Ok(known);
        }
        let cost =
            LaunchCost::of(&works, &self.symbols, target).map_err(|dim| unbound(function, &dim))?;
        Ok(self.costs.insert_full(works, cost).0)
    }

    /// The cost of a launch over its symbols.
    pub fn get(&self, launch: usize) -> Option<&LaunchCost> {
        self.costs.get_index(launch).map(|(_, cost)| cost)
    }

    /// What a launch works on along each of its extents, such as the rows and the columns of a gemm.
    pub fn extents(&self, launch: usize) -> impl Iterator<Item = &Dim> {
        let works = self.costs.get_index(launch).and_then(|(works, _)| works.first());
        works.into_iter().flat_map(|work| &work.tiles).map(|(extent, _)| extent)
    }

    /// The bytes of activations that a launch moves.
    pub fn bytes(&self, launch: usize) -> Option<&Dim> {
        let (works, _) = self.costs.get_index(launch)?;
        works.first().map(|work| &work.activation_bytes)
    }

    /// What they cost where the symbols are `at`.
    pub fn at(
        &self,
        at: &Bindings,
        target: &TargetDescription,
    ) -> Result<CostsAtSize, RewriteError> {
        let mut values = vec![];
        for symbol in &self.symbols {
            let value = at.get(symbol).ok_or_else(|| RewriteError::NoValue(symbol.to_string()))?;
            values.push(*value as f64);
        }
        let cheapest = |cost: &LaunchCost| {
            let costs: Vec<u128> = cost.at(&values, target).map(picoseconds).collect();
            let chosen = worthwhile(costs.iter().map(|cost| *cost as f64));
            (chosen, costs.get(chosen).copied().unwrap_or(0))
        };
        Ok(CostsAtSize(self.costs.values().map(cheapest).collect()))
    }
}
