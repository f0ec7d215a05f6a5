//! [`Cheapest`]: the programs that are the cheapest at some size, found by asking the e-graph at samples, at more between
//! those that differ, and wherever prices say that none of those known is good enough.

use super::axes::{Axes, Position};
use super::prices::Prices;
use crate::rewrite::choose::{Saturated, Selection};
use crate::rewrite::error::RewriteError;
use crate::rewrite::price::ProgramPrice;
use ocellus_dialects::kernel;
use std::collections::{BTreeMap, BTreeSet};

/// Extractions at most: a range on which the choice changes with almost every size is described well enough by these.
const MOST_EXTRACTIONS: usize = 400;

/// States of all the searches near known programs: an e-graph in which each takes long is searched at fewer sizes.
const MOST_STATES_NEAR_KNOWN: usize = 60_000;

/// A program that is the cheapest somewhere.
pub struct Program {
    /// What was chosen.
    pub selection: Selection,
    /// The same as a program.
    pub kernels: kernel::Module,
    /// Where it was found.
    at: Position,
    /// What it costs at any size.
    pub price: ProgramPrice,
    /// What it costs at every position that is priced.
    pub prices: Vec<f64>,
}

/// The programs, and where each was found to be the cheapest.
pub struct Cheapest<'a> {
    saturated: &'a Saturated<'a>,
    axes: &'a Axes<'a>,
    prices: Prices<'a>,
    /// The share by which a program may cost more than the cheapest and still be as good.
    indifference: f64,
    programs: Vec<Program>,
    known: BTreeMap<Position, usize>,
    /// The least that any program costs at every position that is priced, as far as is known.
    least: Vec<f64>,
    /// The program whose kernels are these.
    nearest: Vec<usize>,
    states_left: usize,
    limit_hit: bool,
}

impl<'a> Cheapest<'a> {
    /// Asks over the whole range, of programs that differ in price by more than the share `indifference`.
    pub fn find(
        saturated: &'a Saturated<'a>,
        axes: &'a Axes<'a>,
        indifference: f64,
    ) -> Result<Self, RewriteError> {
        let prices = Prices::new(saturated, axes)?;
        let least = vec![f64::INFINITY; prices.len()];
        let mut cheapest = Cheapest {
            saturated,
            axes,
            prices,
            indifference,
            programs: vec![],
            known: BTreeMap::new(),
            nearest: vec![0; least.len()],
            least,
            states_left: MOST_STATES_NEAR_KNOWN,
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

    /// The positions that are priced.
    pub fn prices(&self) -> &Prices<'a> {
        &self.prices
    }

    /// The programs.
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// The least that any program costs at every position that is priced, as far as is known.
    pub fn least(&self) -> &[f64] {
        &self.least
    }

    /// The limit of extractions, where it was hit.
    pub fn limit_hit(&self) -> Option<usize> {
        self.limit_hit.then_some(MOST_EXTRACTIONS)
    }

    /// Asks at the corners of the range, and inside wherever the corners of a part disagree.
    fn explore(&mut self) -> Result<(), RewriteError> {
        let [rows, columns] = self.axes.coarse();
        let mut open = vec![([0usize; 2], [rows.len() - 1, columns.len() - 1])];
        while let Some((from, to)) = open.pop() {
            let middle = [from[0].midpoint(to[0]), from[1].midpoint(to[1])];
            let mut samples = vec![];
            for row in [from[0], middle[0], to[0]] {
                for column in [from[1], middle[1], to[1]] {
                    samples.push([rows[row], columns[column]]);
                }
            }
            let inside = rows[from[0]..=to[0]]
                .iter()
                .flat_map(|row| columns[from[1]..=to[1]].iter().map(|column| [*row, *column]));
            if self.agree(&samples, inside)? || self.limit_hit {
                continue;
            }
            let halves = [0, 1].map(|axis| halves(from[axis], middle[axis], to[axis]));
            for (first_row, last_row) in &halves[0] {
                for (first_column, last_column) in &halves[1] {
                    let quarter = ([*first_row, *first_column], [*last_row, *last_column]);
                    if quarter != (from, to) {
                        open.push(quarter);
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks where the best known program costs the most more than the same kernels scheduled for the size would, until
    /// none costs more than makes a difference.
    fn refine(&mut self) -> Result<(), RewriteError> {
        let mut best = vec![f64::INFINITY; self.least.len()];
        let mut taken = 0;
        while !self.limit_hit {
            for program in &self.programs[taken..] {
                let prices = best.iter_mut().zip(&program.prices);
                prices.for_each(|(best, price)| *best = best.min(*price));
            }
            taken = self.programs.len();
            let losses = best.iter().zip(&self.least).map(|(best, least)| best / least);
            let worst = losses.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
            let Some((index, loss)) = worst else { break };
            if loss <= 1.0 + self.indifference {
                break;
            }
            if let Some(program) =
                self.program_at(self.prices.position(index), Some(self.nearest[index]))?
            {
                self.least[index] = self.programs[program].prices[index];
                best[index] = self.least[index];
            }
        }
        Ok(())
    }

    /// Asks on both sides of the greatest leaps of the price, where a wave of tiles ends: other kernels, whose waves end
    /// elsewhere, may be the cheapest there and nowhere else.
    fn ask_at_leaps(&mut self) -> Result<(), RewriteError> {
        let columns = self.prices.grid()[1].len();
        let mut leaps: Vec<(f64, usize)> = vec![];
        for index in (0..self.least.len()).filter(|index| index % columns != 0) {
            let leap = self.least[index] / self.least[index - 1];
            if leap > 1.0 + self.indifference {
                leaps.push((leap, index));
            }
        }
        leaps.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut asked: Vec<f64> = vec![];
        for (_, index) in leaps {
            // Where a call takes as long, it is the same leap at other values of the two symbols.
            let price = self.least[index];
            let is_alike = |other: &f64| (price / other - 1.0).abs() < self.indifference;
            if self.states_left > 0 && !asked.iter().any(is_alike) {
                asked.push(price);
                for side in [index - 1, index] {
                    self.program_at(self.prices.position(side), Some(self.nearest[side]))?;
                }
            }
        }
        Ok(())
    }

    /// Whether one program is the cheapest at all samples, or those that are cost nearly the same all over `inside`.
    fn agree(
        &mut self,
        samples: &[Position],
        inside: impl IntoIterator<Item = Position>,
    ) -> Result<bool, RewriteError> {
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
            let prices = found.iter().map(|program| self.programs[*program].prices[index]);
            let (least, most) = prices.fold((f64::INFINITY, 0f64), |(least, most), price| {
                (least.min(price), most.max(price))
            });
            most > least * (1.0 + self.indifference)
        };
        Ok(!inside.into_iter().filter_map(|position| self.prices.index(position)).any(differ))
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
        if self.known.len() == MOST_EXTRACTIONS {
            self.limit_hit = true;
            return Ok(None);
        }
        let at = self.axes.at(position)?;
        let selection = match near {
            Some(known) => {
                let known = &self.programs[known].selection;
                let saving = self.indifference;
                self.saturated.select_near(&at, known, saving, &mut self.states_left)?
            }
            None => self.saturated.select(&at)?,
        };
        let same = self.programs.iter().position(|program| program.selection.is_same(&selection));
        let program = match same {
            Some(program) => program,
            None => self.add(selection, position)?,
        };
        self.known.insert(position, program);
        Ok(Some(program))
    }

    /// Searches on where a program was found near a known one, for the report to say what the cheapest costs there.
    pub fn prove(&mut self, program: usize) -> Result<(), RewriteError> {
        let program = &mut self.programs[program];
        if !program.selection.is_proven() {
            let cheapest = self.saturated.select(&self.axes.at(program.at)?)?;
            program.selection.prove(&cheapest);
        }
        Ok(())
    }

    fn add(&mut self, selection: Selection, at: Position) -> Result<usize, RewriteError> {
        let kernels = self.saturated.lower(&selection)?;
        let price = ProgramPrice::of(&kernels, self.saturated.target())?;
        let prices = self.prices.of(&selection, &kernels)?;
        let number = self.programs.len();
        let costs = prices.fixed.iter().zip(&prices.rescheduled).map(|(a, b)| a.min(*b));
        for (index, cost) in costs.enumerate() {
            if cost < self.least[index] {
                (self.least[index], self.nearest[index]) = (cost, number);
            }
        }
        self.programs.push(Program { selection, kernels, at, price, prices: prices.fixed });
        Ok(number)
    }
}

/// Both halves of a stretch; the stretch itself where it has no inside.
fn halves(from: usize, middle: usize, to: usize) -> Vec<(usize, usize)> {
    match middle == from {
        true => vec![(from, to)],
        false => vec![(from, middle), (middle, to)],
    }
}
