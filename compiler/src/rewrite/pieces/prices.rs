//! [`Prices`]: what programs cost at every position of a grid. Programs share launches, so a launch is priced once.

use super::axes::{Axes, Grid, Position};
use crate::rewrite::choose::{Saturated, Selection};
use crate::rewrite::error::RewriteError;
use crate::rewrite::price::{LaunchPrice, runs, values};
use crate::rewrite::report::unbound;
use crate::rewrite::schedules::{Schedule, worthwhile};
use ocellus_dialects::kernel::Module;
use ocellus_dialects::symbolic::{Dim, Symbol};
use std::collections::BTreeSet;

/// Prices over a grid, row by row.
pub struct Prices<'a> {
    saturated: &'a Saturated<'a>,
    grid: Grid,
    symbols: Vec<Symbol>,
    /// The values of the symbols at every position.
    sizes: Vec<Vec<f64>>,
    launches: Vec<Launch<'a>>,
}

/// A launch with all of its schedules.
struct Launch<'a> {
    schedules: &'a [Schedule],
    /// What it works on along its first extent, where more than one symbol makes it.
    extent: Option<Dim>,
    /// What each costs at every position.
    prices: Vec<Vec<f64>>,
    /// What the one costs that is chosen there.
    chosen: Vec<f64>,
}

/// What a program costs at every position of the grid, in microseconds.
pub struct ProgramPrices {
    /// The program as it is.
    pub fixed: Vec<f64>,
    /// The same kernels, where each launch has the schedule that is chosen at the position: what asking there would give,
    /// unless it gives other kernels, which are cheaper still.
    pub rescheduled: Vec<f64>,
}

impl<'a> Prices<'a> {
    /// Nothing is priced yet.
    pub fn new(saturated: &'a Saturated<'a>, axes: &Axes) -> Result<Self, RewriteError> {
        let (grid, symbols) = (axes.grid(), axes.symbols());
        let mut sizes = vec![];
        for row in &grid[0] {
            for column in &grid[1] {
                sizes.push(values(&symbols, &axes.at([*row, *column])?));
            }
        }
        Ok(Prices { saturated, grid, symbols, sizes, launches: vec![] })
    }

    /// How many positions are priced.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// The positions that are priced.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The index of a position that is priced.
    pub fn index(&self, position: Position) -> Option<usize> {
        let row = self.grid[0].binary_search(&position[0]).ok()?;
        Some(row * self.grid[1].len() + self.grid[1].binary_search(&position[1]).ok()?)
    }

    /// The position with that index.
    pub fn position(&self, index: usize) -> Position {
        let columns = self.grid[1].len();
        [self.grid[0][index / columns], self.grid[1][index % columns]]
    }

    /// What the launches work on along their first extent, such as the rows of a gemm, as far as more than one symbol
    /// makes it: waves of tiles end with it. The one of the most launches comes first.
    pub fn extents(&self) -> Vec<Dim> {
        let mut counted: Vec<(Dim, usize)> = vec![];
        for extent in self.launches.iter().filter_map(|launch| launch.extent.as_ref()) {
            match counted.iter_mut().find(|(known, _)| known == extent) {
                Some((_, count)) => *count += 1,
                None => counted.push((extent.clone(), 1)),
            }
        }
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counted.into_iter().map(|(extent, _)| extent).collect()
    }

    /// The prices of a selection, and of its program.
    pub fn of(
        &mut self,
        selection: &Selection,
        program: &Module,
    ) -> Result<ProgramPrices, RewriteError> {
        let runs = runs(program)?;
        let mut fixed = vec![0.0; self.sizes.len()];
        let mut rescheduled = fixed.clone();
        let saturated = self.saturated;
        let mut counted: Vec<(usize, usize, f64)> = vec![];
        for (function, schedules, schedule) in saturated.launches(selection) {
            let times = runs.get(function).copied().unwrap_or(0.0);
            let launch = self.launch(function, schedules)?;
            match counted.iter_mut().find(|known| (known.0, known.1) == (launch, schedule)) {
                Some((_, _, count)) => *count += times,
                None => counted.push((launch, schedule, times)),
            }
        }
        for (launch, schedule, times) in counted {
            let launch = &self.launches[launch];
            let add = |sums: &mut [f64], prices: &[f64]| {
                sums.iter_mut().zip(prices).for_each(|(sum, price)| *sum += times * price);
            };
            add(&mut fixed, &launch.prices[schedule]);
            add(&mut rescheduled, &launch.chosen);
        }
        Ok(ProgramPrices { fixed, rescheduled })
    }

    fn launch(&mut self, function: &str, schedules: &'a [Schedule]) -> Result<usize, RewriteError> {
        if let Some(known) = self.launches.iter().position(|known| known.schedules == schedules) {
            return Ok(known);
        }
        let target = self.saturated.target();
        let mut prices = vec![];
        for schedule in schedules {
            let price = LaunchPrice::of(&schedule.cost, &self.symbols, target)
                .map_err(|dim| unbound(function, &dim))?;
            prices.push(self.sizes.iter().map(|at| price.at(at, target)).collect::<Vec<f64>>());
        }
        let chosen = (0..self.sizes.len())
            .map(|position| {
                let here = prices.iter().map(|prices| prices[position]);
                prices[worthwhile(here)][position]
            })
            .collect();
        let first = schedules.first().and_then(|schedule| schedule.cost.tiles.first());
        let extent = first.map(|(extent, _)| extent).filter(|extent| is_of_several(extent));
        self.launches.push(Launch { schedules, extent: extent.cloned(), prices, chosen });
        Ok(self.launches.len() - 1)
    }
}

/// Whether more than one symbol makes a dimension.
fn is_of_several(extent: &Dim) -> bool {
    extent.symbols().collect::<BTreeSet<_>>().len() > 1
}
