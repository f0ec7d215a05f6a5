//! [`Cheapest`]: the programs that are the cheapest at some size, found by asking the e-graph at samples and bisecting
//! between those that differ.

use super::axes::{Axes, Position};
use crate::rewrite::choose::{Saturated, Selection};
use crate::rewrite::error::RewriteError;
use crate::rewrite::price::ProgramPrice;
use ocellus_dialects::kernel;
use std::collections::{BTreeMap, BTreeSet};

/// Programs that cost the same but for this part of the tolerance are as good as one: between them nothing is looked for.
const PART_OF_TOLERANCE: f64 = 0.5;

/// Extractions at most: a range on which the choice changes with almost every size is described well enough by these.
const MOST_EXTRACTIONS: usize = 400;

/// A program that is the cheapest somewhere.
pub struct Program {
    /// What was chosen.
    pub selection: Selection,
    /// The same as a program.
    pub kernels: kernel::Module,
    price: ProgramPrice,
}

/// The programs, and where each was found to be the cheapest.
pub struct Cheapest<'a> {
    saturated: &'a Saturated<'a>,
    axes: &'a Axes<'a>,
    /// The share by which a program may cost more than the cheapest and still be as good.
    indifference: f64,
    programs: Vec<Program>,
    known: BTreeMap<Position, usize>,
}

impl<'a> Cheapest<'a> {
    /// Nothing is known yet. A piece's program may cost the share `tolerance` more than the cheapest.
    pub fn new(saturated: &'a Saturated<'a>, axes: &'a Axes<'a>, tolerance: f64) -> Self {
        let indifference = tolerance * PART_OF_TOLERANCE;
        Cheapest { saturated, axes, indifference, programs: vec![], known: BTreeMap::new() }
    }

    /// The axes.
    pub fn axes(&self) -> &Axes<'a> {
        self.axes
    }

    /// A program by its number.
    pub fn program(&self, number: usize) -> &Program {
        &self.programs[number]
    }

    /// The limit of extractions, where it was hit.
    pub fn limit_hit(&self) -> Option<usize> {
        (self.known.len() > MOST_EXTRACTIONS).then_some(MOST_EXTRACTIONS)
    }

    /// What each program costs there, in microseconds.
    pub fn prices(&self, position: Position) -> Result<Vec<f64>, RewriteError> {
        let at = self.axes.at(position)?;
        Ok(self.programs.iter().map(|program| program.price.at(&at)).collect())
    }

    /// Asks at the corners of the range, and inside wherever the corners of a part disagree.
    pub fn explore(&mut self) -> Result<(), RewriteError> {
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
            if self.agree(&samples, inside)? || self.known.len() > MOST_EXTRACTIONS {
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
        self.bisect_neighbours()
    }

    /// Between two samples of one row that differ, other programs may be the cheapest.
    fn bisect_neighbours(&mut self) -> Result<(), RewriteError> {
        let known: Vec<(Position, usize)> = self.known.iter().map(|(p, n)| (*p, *n)).collect();
        for pair in known.windows(2) {
            let [(a, first), (b, second)] = [pair[0], pair[1]];
            if a[0] == b[0] && first != second {
                self.bisect(a[0], a[1], b[1])?;
            }
        }
        Ok(())
    }

    fn bisect(&mut self, row: i64, from: i64, to: i64) -> Result<(), RewriteError> {
        let inside = [from, from.midpoint(to), to].map(|column| [row, column]);
        let agree = self.agree(&[inside[0], inside[2]], inside)?;
        if agree || to - from <= 1 || self.known.len() > MOST_EXTRACTIONS {
            return Ok(());
        }
        let middle = from.midpoint(to);
        self.bisect(row, from, middle)?;
        self.bisect(row, middle, to)
    }

    /// Whether one program is the cheapest at all samples, or those that are cost nearly the same all over `inside`.
    fn agree(
        &mut self,
        samples: &[Position],
        inside: impl IntoIterator<Item = Position>,
    ) -> Result<bool, RewriteError> {
        let found = samples.iter().map(|sample| self.program_at(*sample));
        let found: BTreeSet<usize> = found.collect::<Result<_, _>>()?;
        if found.len() == 1 {
            return Ok(true);
        }
        for position in inside {
            let prices = self.prices(position)?;
            let (least, most) =
                found.iter().fold((f64::INFINITY, 0f64), |(least, most), program| {
                    (least.min(prices[*program]), most.max(prices[*program]))
                });
            if most > least * (1.0 + self.indifference) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn program_at(&mut self, position: Position) -> Result<usize, RewriteError> {
        if let Some(known) = self.known.get(&position) {
            return Ok(*known);
        }
        let selection = self.saturated.select(&self.axes.at(position)?)?;
        let same = self.programs.iter().position(|program| program.selection.is_same(&selection));
        let program = match same {
            Some(program) => program,
            None => {
                let kernels = self.saturated.lower(&selection)?;
                let price = ProgramPrice::of(&kernels, self.saturated.target())?;
                self.programs.push(Program { selection, kernels, price });
                self.programs.len() - 1
            }
        };
        self.known.insert(position, program);
        Ok(program)
    }
}

/// Both halves of a stretch; the stretch itself where it has no inside.
fn halves(from: usize, middle: usize, to: usize) -> Vec<(usize, usize)> {
    match middle == from {
        true => vec![(from, to)],
        false => vec![(from, middle), (middle, to)],
    }
}
