//! [`Cheapest`]: the programs that are the cheapest at some size, found by asking the e-graph at samples, at more between
//! those that differ, and wherever costs say that none of those known is good enough.

use super::axes::{AXES, Axes, Position, Steps};
use super::costs::{Costs, ProgramCosts, excess};
use super::grid::Grid;
use super::partition::Losses;
use crate::choose::{MAX_STATES, Saturated, Selection};
use crate::cost::ProgramCost;
use crate::error::RewriteError;
use crate::report::Effort;
use ocellus_dialects::kernel::Module;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Extractions at most: a range on which the choice changes with almost every size is described well enough by these.
const MAX_EXTRACTIONS: usize = 400;

/// States of all the searches for the cheapest program of a sample, but for the first: an e-graph in which each takes long
/// is asked at fewer sizes.
const MAX_STATES_AT_SAMPLES: usize = 100_000;

/// States of all the searches near known programs.
const MAX_STATES_NEAR_KNOWN: usize = 60_000;

/// Costs of launches, over all schedules and positions.
const MAX_COSTS: usize = 16_000_000;

/// A program that is the cheapest somewhere.
pub struct KnownProgram {
    /// What was chosen.
    pub selection: Selection,
    /// Where it was found.
    at: Position,
    /// What it costs at every position that is evaluated.
    pub costs: Vec<f64>,
}

/// The programs, and where each was found to be the cheapest.
pub struct Cheapest<'a> {
    saturated: &'a Saturated<'a>,
    axes: &'a Axes<'a>,
    costs: Costs<'a>,
    /// The share by which a program may cost more than the cheapest and still be as good.
    indifference: f64,
    programs: Vec<KnownProgram>,
    known: BTreeMap<Position, usize>,
    /// The least that any program costs at every position that is evaluated, as far as is known.
    min: Vec<f64>,
    /// The program whose kernels are these.
    nearest: Vec<usize>,
    states_of_first: usize,
    states_at_samples: usize,
    states_near_known: usize,
    limit_hit: bool,
}

impl<'a> Cheapest<'a> {
    /// Asks over the whole range, of programs that differ in cost by more than the share `indifference`.
    pub fn find(
        saturated: &'a Saturated<'a>,
        axes: &'a Axes<'a>,
        indifference: f64,
    ) -> Result<Self, RewriteError> {
        let costs = Costs::new(saturated, Grid::of(axes)?);
        let min = vec![f64::INFINITY; costs.grid().len()];
        let mut cheapest = Cheapest {
            saturated,
            axes,
            costs,
            indifference,
            programs: vec![],
            known: BTreeMap::new(),
            nearest: vec![0; min.len()],
            min,
            states_of_first: 0,
            states_at_samples: MAX_STATES_AT_SAMPLES,
            states_near_known: MAX_STATES_NEAR_KNOWN,
            limit_hit: false,
        };
        cheapest.explore()?;
        cheapest.refine()?;
        cheapest.ask_at_leaps()?;
        cheapest.refine()?;
        Ok(cheapest)
    }

    /// The axes.
    pub fn axes(&self) -> &Axes<'a> {
        self.axes
    }

    /// The positions that are evaluated.
    pub fn costs(&self) -> &Costs<'a> {
        &self.costs
    }

    /// The programs.
    pub fn programs(&self) -> &[KnownProgram] {
        &self.programs
    }

    /// The least that any program costs at every position that is evaluated, as far as is known.
    pub fn min(&self) -> &[f64] {
        &self.min
    }

    /// How much more each program costs than the least at every position that is evaluated.
    pub fn losses(&self) -> Losses {
        Losses::of(&self.min, self.programs.iter().map(|program| program.costs.as_slice()))
    }

    /// The kernels of a program.
    pub fn kernels(&self, program: usize) -> Result<Module, RewriteError> {
        self.saturated.kernels(&self.programs[program].selection)
    }

    /// What a program costs at any size.
    pub fn cost(&self, program: usize) -> Result<ProgramCost, RewriteError> {
        ProgramCost::of(&self.kernels(program)?, self.saturated.target())
    }

    /// At how many sizes the cheapest program was asked for.
    pub fn extractions(&self) -> usize {
        self.known.len()
    }

    /// Takes down what it took to find the programs.
    pub fn add_to(&self, effort: &mut Effort) {
        effort.extractions = self.known.len();
        effort.programs = self.programs.len();
        effort.costs = self.costs.work();
        effort.states += self.states_of_first
            + (MAX_STATES_AT_SAMPLES - self.states_at_samples)
            + (MAX_STATES_NEAR_KNOWN - self.states_near_known);
    }

    /// Whether there was more to ask than the limits allow.
    pub fn is_limited(&self) -> bool {
        self.limit_hit
    }

    /// Asks at the corners of the range, and inside wherever the corners of a part disagree.
    fn explore(&mut self) -> Result<(), RewriteError> {
        let coarse = self.axes.coarse();
        let whole = [0, 1, 2].map(|axis| (0, coarse[axis].len() - 1));
        // The widest first: where the search comes to its limits, it was everywhere.
        let mut open = VecDeque::from([whole]);
        while let Some(part) = open.pop_front() {
            let samples = positions(&coarse, part.map(|(from, to)| ends_and_middle(from, to)));
            let inside = positions(&coarse, part.map(|(from, to)| (from..=to).collect()));
            if self.agree(&samples, &inside)? || self.limit_hit {
                continue;
            }
            let [rows, columns, layers] = part.map(|(from, to)| halves(from, to));
            for row in &rows {
                for column in &columns {
                    for layer in &layers {
                        let half = [*row, *column, *layer];
                        if half != part {
                            open.push_back(half);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks where the best known program costs the most more than the same kernels scheduled for the size would, until
    /// none costs more than makes a difference.
    fn refine(&mut self) -> Result<(), RewriteError> {
        let mut best = vec![f64::INFINITY; self.min.len()];
        // To ask again brings nothing new.
        let mut is_asked = vec![false; self.min.len()];
        let mut taken = 0;
        while !self.limit_hit {
            for program in &self.programs[taken..] {
                let costs = best.iter_mut().zip(&program.costs);
                costs.for_each(|(best, cost)| *best = best.min(*cost));
            }
            taken = self.programs.len();
            let losses = best.iter().zip(&self.min).map(|(best, min)| excess(*best, *min));
            let open = losses.enumerate().filter(|(index, _)| !is_asked[*index]);
            let Some((index, loss)) = open.max_by(|(_, a), (_, b)| a.total_cmp(b)) else { break };
            if loss <= self.indifference {
                break;
            }
            is_asked[index] = true;
            let position = self.costs.grid().position(index);
            if let Some(program) = self.program_at(position, Some(self.nearest[index]))? {
                self.min[index] = self.programs[program].costs[index];
                best[index] = self.min[index];
            }
        }
        Ok(())
    }

    /// Asks on both sides of the greatest leaps of the cost, where a wave of tiles ends: other kernels, whose waves end
    /// elsewhere, may be the cheapest there and nowhere else.
    fn ask_at_leaps(&mut self) -> Result<(), RewriteError> {
        let mut leaps: Vec<(f64, [usize; 2])> = vec![];
        for index in 0..self.min.len() {
            let Some(before) = self.costs.grid().before(index, 1) else { continue };
            let leap = excess(self.min[index], self.min[before]);
            if leap > self.indifference {
                leaps.push((leap, [before, index]));
            }
        }
        leaps.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut asked: Vec<f64> = vec![];
        for (_, [before, index]) in leaps {
            // Where a call takes as long, it is the same leap at other values of the symbols.
            let cost = self.min[index];
            let is_alike = |other: &f64| (cost / other - 1.0).abs() < self.indifference;
            if self.states_near_known > 0 && !asked.iter().any(is_alike) {
                asked.push(cost);
                for side in [before, index] {
                    let position = self.costs.grid().position(side);
                    self.program_at(position, Some(self.nearest[side]))?;
                }
            }
        }
        Ok(())
    }

    /// Whether one program is the cheapest at all samples, or those that are cost nearly the same all over `inside`.
    fn agree(&mut self, samples: &[Position], inside: &[Position]) -> Result<bool, RewriteError> {
        let mut found = BTreeSet::new();
        for sample in samples {
            match self.program_at(*sample, None)? {
                Some(program) => found.insert(program),
                None => return Ok(false),
            };
        }
        if found.len() == 1 {
            return Ok(true);
        }
        let differ = |index: usize| {
            let costs = found.iter().map(|program| self.programs[*program].costs[index]);
            let (min, max) = costs
                .fold((f64::INFINITY, 0f64), |(min, max), cost| (min.min(cost), max.max(cost)));
            excess(max, min) > self.indifference
        };
        let grid = self.costs.grid();
        Ok(!inside.iter().filter_map(|position| grid.index(*position)).any(differ))
    }

    /// The number of the cheapest program there; none where the limit is hit. Near a known program only those are looked
    /// for that save enough to matter.
    fn program_at(
        &mut self,
        position: Position,
        near: Option<usize>,
    ) -> Result<Option<usize>, RewriteError> {
        if let Some(known) = self.known.get(&position) {
            return Ok(Some(*known));
        }
        let no_states = near.is_none() && self.states_at_samples == 0;
        let many = self.known.len() == MAX_EXTRACTIONS || self.costs.work() > MAX_COSTS;
        if no_states || many {
            self.limit_hit |= many;
            return Ok(None);
        }
        let at = self.axes.at(position)?;
        let selection = match near {
            Some(known) => {
                let known = &self.programs[known].selection;
                let saving = self.indifference;
                self.saturated.select_near(&at, known, saving, &mut self.states_near_known)?
            }
            // Without a first program there is nothing.
            None if self.programs.is_empty() => {
                let mut left = MAX_STATES;
                let selection = self.saturated.select_within(&at, &mut left)?;
                self.states_of_first = MAX_STATES - left;
                selection
            }
            None => self.saturated.select_within(&at, &mut self.states_at_samples)?,
        };
        let same = self.programs.iter().position(|program| program.selection.is_same(&selection));
        let program = match same {
            Some(program) => program,
            None => self.add(selection, position),
        };
        self.known.insert(position, program);
        Ok(Some(program))
    }

    /// Searches on where a program was found near a known one, for the report to say what the cheapest costs there.
    pub fn prove(&mut self, program: usize) -> Result<(), RewriteError> {
        let program = &mut self.programs[program];
        if !program.selection.is_proven() && self.states_at_samples > 0 {
            let at = self.axes.at(program.at)?;
            let cheapest = self.saturated.select_within(&at, &mut self.states_at_samples)?;
            program.selection.prove(&cheapest);
        }
        Ok(())
    }

    fn add(&mut self, selection: Selection, at: Position) -> usize {
        let costs = self.costs.of(&selection, 0);
        self.take_down(self.programs.len(), &costs, 0);
        self.programs.push(KnownProgram { selection, at, costs: costs.fixed });
        self.programs.len() - 1
    }

    /// Takes down where a program with those costs from a position on is the cheapest known.
    fn take_down(&mut self, program: usize, costs: &ProgramCosts, first: usize) {
        let costs = costs.fixed.iter().zip(&costs.rescheduled).map(|(a, b)| a.min(*b));
        for (index, cost) in (first..).zip(costs) {
            if cost < self.min[index] {
                (self.min[index], self.nearest[index]) = (cost, program);
            }
        }
    }

    /// Looks at more sizes, as at those before.
    pub fn scatter(&mut self, positions: Vec<Position>) -> Result<(), RewriteError> {
        let first = self.min.len();
        self.costs.scatter(self.axes, positions)?;
        self.min.resize(self.costs.grid().len(), f64::INFINITY);
        self.nearest.resize(self.min.len(), 0);
        for program in 0..self.programs.len() {
            let costs = self.costs.of(&self.programs[program].selection, first);
            self.take_down(program, &costs, first);
            self.programs[program].costs.extend(costs.fixed);
        }
        self.refine()
    }
}

/// All combinations of samples along the axes.
fn positions(coarse: &Steps, [rows, columns, layers]: [Vec<usize>; AXES]) -> Vec<Position> {
    let mut all = vec![];
    for row in &rows {
        for column in &columns {
            let at = |layer: &usize| [coarse[0][*row], coarse[1][*column], coarse[2][*layer]];
            all.extend(layers.iter().map(at));
        }
    }
    all
}

fn ends_and_middle(from: usize, to: usize) -> Vec<usize> {
    let mut all = vec![from, from.midpoint(to), to];
    all.dedup();
    all
}

/// Both halves of a stretch; the stretch itself where it has no inside.
fn halves(from: usize, to: usize) -> Vec<(usize, usize)> {
    let middle = from.midpoint(to);
    match middle == from {
        true => vec![(from, to)],
        false => vec![(from, middle), (middle, to)],
    }
}
