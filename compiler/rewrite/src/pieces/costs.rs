//! [`Costs`]: what programs cost at every position of a grid. Programs share launches, so a launch is evaluated once, at
//! several positions side by side.

use super::axes::{Axes, Position};
use super::grid::Grid;
use crate::choose::{Saturated, Selection};
use crate::cost::LaunchCost;
use crate::error::RewriteError;
use crate::real::Lanes;
use crate::schedules::MIN_SAVING;
use crate::target_description::TargetDescription;
use ocellus_dialects::symbolic::{Dim, Symbol};
use std::collections::{BTreeMap, BTreeSet};

/// Costs over a grid.
pub struct Costs<'a> {
    saturated: &'a Saturated<'a>,
    grid: Grid,
    /// The values of the symbols at all positions, several side by side, and how many these are.
    sizes: Vec<(Vec<Lanes>, usize)>,
    /// The launches that were evaluated, by number.
    launches: BTreeMap<usize, LaunchAtPositions>,
    work: usize,
}

/// A launch with all of its schedules.
struct LaunchAtPositions {
    /// What each costs at every position.
    costs: Vec<Vec<f64>>,
    /// What the one costs that is chosen there.
    chosen: Vec<f64>,
}

/// What a program costs at positions of the grid, in microseconds.
pub struct ProgramCosts {
    /// The program as it is.
    pub fixed: Vec<f64>,
    /// The same kernels, where each launch has the schedule that is chosen at the position: what asking there would give,
    /// unless it gives other kernels, which are cheaper still.
    pub rescheduled: Vec<f64>,
}

impl<'a> Costs<'a> {
    /// Nothing is evaluated yet.
    pub fn new(saturated: &'a Saturated<'a>, grid: Grid) -> Self {
        let sizes = grid.lanes(0).collect();
        Costs { saturated, grid, sizes, launches: BTreeMap::new(), work: 0 }
    }

    /// The positions that are evaluated.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Costs more positions, and whatever is asked for from then on at these too.
    pub fn scatter(&mut self, axes: &Axes, positions: Vec<Position>) -> Result<(), RewriteError> {
        let first = self.grid.len();
        self.grid.scatter(axes, positions)?;
        let more: Vec<_> = self.grid.lanes(first).collect();
        for (number, launch) in &mut self.launches {
            if let Some(cost) = self.saturated.launch_costs().get(*number) {
                self.work += launch.extend(cost, &more, self.saturated.target());
            }
        }
        self.sizes.extend(more);
        Ok(())
    }

    /// How many costs of launches were worked out.
    pub fn work(&self) -> usize {
        self.work
    }

    /// What the launches work on along their first extent, such as the rows of a gemm, as far as more than one symbol
    /// makes it: waves of tiles end with it. The one of the most launches comes first.
    pub fn extents(&self) -> Vec<Dim> {
        let costs = self.saturated.launch_costs();
        by_launches(self.launches.keys().filter_map(|launch| costs.extents(*launch).next()))
    }

    /// The same of all extents of the launches, such as the keys of an attention.
    pub fn all_extents(&self) -> Vec<Dim> {
        let costs = self.saturated.launch_costs();
        by_launches(self.launches.keys().flat_map(|launch| costs.extents(*launch)))
    }

    /// The bytes of activations that launches move, as far as more than one symbol makes them and without a factor. They
    /// come as fast as the cache that they fit into lets them, so that a cost leaps where they fit into it no more.
    pub fn bytes(&self) -> Vec<Dim> {
        let costs = self.saturated.launch_costs();
        let bytes = self.launches.keys().filter_map(|launch| costs.bytes(*launch));
        by_launches(bytes.map(without_factor).collect::<Vec<Dim>>().iter())
    }

    /// The costs of the program of a selection at the positions from `first` on.
    pub fn of(&mut self, selection: &Selection, first: usize) -> ProgramCosts {
        let mut fixed = vec![0.0; self.grid.len() - first];
        let mut rescheduled = fixed.clone();
        for ((launch, schedule), times) in self.saturated.launches(selection) {
            let launch = self.launch(launch);
            let add = |sums: &mut [f64], costs: &[f64]| {
                let costs = costs.iter().skip(first);
                sums.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += times * cost);
            };
            add(&mut fixed, launch.costs.get(schedule).unwrap_or(&launch.chosen));
            add(&mut rescheduled, &launch.chosen);
        }
        ProgramCosts { fixed, rescheduled }
    }

    fn launch(&mut self, number: usize) -> &LaunchAtPositions {
        let Costs { saturated, grid, sizes, launches, work } = self;
        launches.entry(number).or_insert_with(|| {
            let Some(cost) = saturated.launch_costs().get(number) else {
                return LaunchAtPositions { costs: vec![], chosen: vec![0.0; grid.len()] };
            };
            let mut launch =
                LaunchAtPositions { costs: vec![vec![]; cost.schedules()], chosen: vec![] };
            *work += launch.extend(cost, sizes, saturated.target());
            launch
        })
    }
}

impl LaunchAtPositions {
    /// Costs the launch at more positions; how many costs these are.
    fn extend(
        &mut self,
        cost: &LaunchCost,
        sizes: &[(Vec<Lanes>, usize)],
        target: &TargetDescription,
    ) -> usize {
        let known = self.chosen.len();
        for (values, count) in sizes {
            let here = cost.at(values, target);
            let extend = |(costs, here): (&mut Vec<f64>, Lanes)| costs.extend(&here.0[..*count]);
            self.costs.iter_mut().zip(here).for_each(extend);
        }
        let more: Vec<&[f64]> = self.costs.iter().map(|costs| &costs[known..]).collect();
        let count = more.iter().map(|costs| costs.len()).sum();
        let chosen = chosen(&more);
        self.chosen.extend(chosen);
        count
    }
}

/// The cost of the schedule that is chosen at each position: the first one, unless the cheapest saves enough.
fn chosen(costs: &[&[f64]]) -> Vec<f64> {
    let Some((default, others)) = costs.split_first() else { return vec![] };
    let mut best = default.to_vec();
    for other in others {
        best.iter_mut().zip(*other).for_each(|(best, other)| *best = best.min(*other));
    }
    let worthwhile = |best: &mut f64, default: &f64| {
        if *best >= default * (1.0 - MIN_SAVING) {
            *best = *default;
        }
    };
    best.iter_mut().zip(*default).for_each(|(best, default)| worthwhile(best, default));
    best
}

/// How much more a cost is than the least one, as a share of it: nothing where both are nothing, as of a program
/// without launches.
pub fn excess(cost: f64, min: f64) -> f64 {
    if cost <= min { 0.0 } else { cost / min - 1.0 }
}

/// The extents that more than one symbol makes, those that are named most often first.
fn by_launches<'d>(extents: impl Iterator<Item = &'d Dim>) -> Vec<Dim> {
    let mut counted: Vec<(&Dim, usize)> = vec![];
    for extent in extents.filter(|extent| is_of_several(extent)) {
        match counted.iter_mut().find(|(known, _)| *known == extent) {
            Some((_, count)) => *count += 1,
            None => counted.push((extent, 1)),
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted.into_iter().map(|(extent, _)| extent.clone()).collect()
}

/// A dimension divided by what all of its coefficients have in common.
fn without_factor(dim: &Dim) -> Dim {
    let coefficients = dim.terms().map(|(coefficient, _)| coefficient);
    let common = coefficients.fold(0, greatest_common_divisor);
    dim.exact_quotient(common.max(1)).unwrap_or_else(|| dim.clone())
}

fn greatest_common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

/// Whether more than one symbol makes a dimension.
fn is_of_several(extent: &Dim) -> bool {
    extent.symbols().collect::<BTreeSet<&Symbol>>().len() > 1
}
