//! [`LaunchPrices`]: all launches that a saturated module could choose, each once, with what they cost. Many candidates for
//! values are the same work on the same sizes, and layers share what they launch: to price is to price these few.

use super::cost::{LaunchCost, picoseconds};
use super::error::RewriteError;
use super::price::LaunchPrice;
use super::report::unbound;
use super::schedules::{Schedule, worthwhile};
use super::target::TargetDescription;
use indexmap::IndexMap;
use ocellus_dialects::symbolic::{Bindings, Dim, Symbol, Symbols};

/// The launches of a module.
pub struct LaunchPrices {
    symbols: Vec<Symbol>,
    /// By what their schedules cost.
    prices: IndexMap<Vec<LaunchCost<Dim>>, LaunchPrice>,
}

/// What each launch costs at one size: its schedule there, and the picoseconds of that.
pub struct PricesAtSize(Vec<(usize, u128)>);

impl PricesAtSize {
    /// The schedule that a launch has, and its picoseconds.
    pub fn of(&self, launch: usize) -> (usize, u128) {
        self.0.get(launch).copied().unwrap_or((0, 0))
    }
}

impl LaunchPrices {
    /// None yet, over those symbols.
    pub fn new(symbols: &Symbols) -> Self {
        let symbols = symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
        LaunchPrices { symbols, prices: IndexMap::new() }
    }

    /// The number of the launch with those schedules, which `function` may choose.
    pub fn number(
        &mut self,
        schedules: &[Schedule],
        function: &str,
        target: &TargetDescription,
    ) -> Result<usize, RewriteError> {
        let costs: Vec<LaunchCost<Dim>> =
            schedules.iter().map(|schedule| schedule.cost.clone()).collect();
        if let Some(known) = self.prices.get_index_of(&costs) {
            return Ok(known);
        }
        let price = LaunchPrice::of(&costs, &self.symbols, target)
            .map_err(|dim| unbound(function, &dim))?;
        Ok(self.prices.insert_full(costs, price).0)
    }

    /// The price of a launch over its symbols.
    pub fn get(&self, launch: usize) -> Option<&LaunchPrice> {
        self.prices.get_index(launch).map(|(_, price)| price)
    }

    /// What a launch works on along each of its extents, such as the rows and the columns of a gemm.
    pub fn extents(&self, launch: usize) -> impl Iterator<Item = &Dim> {
        let costs = self.prices.get_index(launch).and_then(|(costs, _)| costs.first());
        costs.into_iter().flat_map(|cost| &cost.tiles).map(|(extent, _)| extent)
    }

    /// The bytes of activations that a launch moves.
    pub fn bytes(&self, launch: usize) -> Option<&Dim> {
        let (costs, _) = self.prices.get_index(launch)?;
        costs.first().map(|cost| &cost.activation_bytes)
    }

    /// What they cost where the symbols are `at`.
    pub fn at(
        &self,
        at: &Bindings,
        target: &TargetDescription,
    ) -> Result<PricesAtSize, RewriteError> {
        let mut values = vec![];
        for symbol in &self.symbols {
            let value = at.get(symbol).ok_or_else(|| RewriteError::NoValue(symbol.to_string()))?;
            values.push(*value as f64);
        }
        let cheapest = |price: &LaunchPrice| {
            let prices: Vec<u128> = price.at(&values, target).map(picoseconds).collect();
            let chosen = worthwhile(prices.iter().map(|price| *price as f64));
            (chosen, prices.get(chosen).copied().unwrap_or(0))
        };
        Ok(PricesAtSize(self.prices.values().map(cheapest).collect()))
    }
}
