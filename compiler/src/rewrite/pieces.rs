//! Pieces: the parts of the range on which one program is the cheapest, with the borders found, not guessed.
//!
//! ```text
//! images   1         2         4         8        16        32        64       what is cheapest at samples
//!          A         A         A         B         B         B         B
//!                                 A A B                                        bisected between 4 and 8
//! pieces   1..=5: A,  6..=64: B
//! ```
//!
//! The *leading* symbol, the first whose range is more than one size, cuts the range; the others move along with it,
//! from their least to their greatest value. One saturated e-graph answers at every size.

use super::choose::{Saturated, Selection};
use super::error::RewriteError;
use super::report::{Report, price};
use super::saturate::Limits;
use super::switches::Switches;
use super::target::TargetDescription;
use crate::passes::PieceProgram;
use ocellus_dialects::kernel;
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};
use ocellus_dialects::venc;
use ocellus_kernels::CpuTarget;
use std::collections::BTreeMap;

/// How the range is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PieceOptions {
    /// Two neighbours become one where that costs at most this share more, at both ends of either.
    pub tolerance: f64,
    /// The most pieces: the tolerance grows until there are no more.
    pub most: usize,
}

impl Default for PieceOptions {
    fn default() -> Self {
        PieceOptions { tolerance: 0.02, most: 16 }
    }
}

/// The programs for `module` on a CPU, each with the sizes that it is for, and how it was chosen.
pub fn choose_pieces(
    module: &venc::Module,
    cpu: &CpuTarget,
    switches: &Switches,
) -> Result<Vec<(PieceProgram, Report)>, RewriteError> {
    choose_pieces_on(module, &TargetDescription::of_cpu(cpu)?, switches, PieceOptions::default())
}

/// The same on any target.
pub fn choose_pieces_on(
    module: &venc::Module,
    target: &TargetDescription,
    switches: &Switches,
    options: PieceOptions,
) -> Result<Vec<(PieceProgram, Report)>, RewriteError> {
    let saturated = Saturated::new(module, switches, Limits::default())?;
    let path = Path::through(&module.symbols);
    let mut search = Search { saturated, path, target, programs: vec![], known: BTreeMap::new() };
    let pieces = search.pieces(options)?;
    pieces.iter().map(|piece| search.finish(piece, pieces.len())).collect()
}

/// The way from the least size of everything to the greatest.
struct Path<'a> {
    symbols: &'a Symbols,
    /// The free symbols: the leading one first, where there is one.
    free: Vec<(Symbol, SymbolRange)>,
    /// How many sizes of the leading symbol there are; one where every range is one size.
    steps: i64,
}

impl<'a> Path<'a> {
    fn through(symbols: &'a Symbols) -> Self {
        let mut free: Vec<(Symbol, SymbolRange)> =
            symbols.free().map(|(symbol, range)| (symbol.clone(), range)).collect();
        if let Some(leading) = free.iter().position(|(_, range)| count(*range) > 1) {
            free.swap(0, leading);
        }
        let steps = free.first().map_or(1, |(_, range)| count(*range));
        Path { symbols, free, steps }
    }

    /// The leading symbol's value after so many steps.
    fn leading_value(&self, step: i64) -> i64 {
        self.free.first().map_or(1, |(_, range)| nth(*range, step))
    }

    /// The value of every symbol there.
    fn at(&self, step: i64) -> Result<Bindings, RewriteError> {
        let progress = step as f64 / (self.steps - 1).max(1) as f64;
        let mut free = Bindings::new();
        for (position, (symbol, range)) in self.free.iter().enumerate() {
            let last = count(*range) - 1;
            let own = if position == 0 { step } else { (progress * last as f64).round() as i64 };
            free.insert(symbol.clone(), nth(*range, own.clamp(0, last)));
        }
        self.symbols.bind(&free).map_err(|error| RewriteError::Range(error.to_string()))
    }
}

/// The least multiple of the step in a range.
fn first(range: SymbolRange) -> i64 {
    let past = range.min.rem_euclid(range.step);
    if past == 0 { range.min } else { range.min.saturating_add(range.step - past) }
}

fn count(range: SymbolRange) -> i64 {
    ((range.max - first(range)).div_euclid(range.step) + 1).max(1)
}

fn nth(range: SymbolRange, step: i64) -> i64 {
    first(range).saturating_add(step.saturating_mul(range.step))
}

/// A program that is the cheapest somewhere.
struct Program {
    selection: Selection,
    kernels: kernel::Module,
}

/// Steps of the leading symbol, both included, and the program for them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    from: i64,
    to: i64,
    program: usize,
}

struct Search<'a> {
    saturated: Saturated<'a>,
    path: Path<'a>,
    target: &'a TargetDescription,
    programs: Vec<Program>,
    /// The program that is the cheapest after so many steps, where that was asked.
    known: BTreeMap<i64, usize>,
}

impl Search<'_> {
    fn pieces(&mut self, options: PieceOptions) -> Result<Vec<Stretch>, RewriteError> {
        let last = self.path.steps - 1;
        // Sizes matter by their ratio.
        let mut samples: Vec<i64> = std::iter::successors(Some(1i64), |step| step.checked_mul(2))
            .take_while(|step| *step < last)
            .collect();
        samples.insert(0, 0);
        samples.push(last);
        for pair in samples.windows(2) {
            self.bisect(pair[0], pair[1])?;
        }
        let mut tolerance = options.tolerance;
        let mut pieces = self.merge(self.stretches(), tolerance)?;
        while pieces.len() > options.most.max(1) {
            tolerance *= 2.0;
            pieces = self.merge(pieces, tolerance)?;
        }
        Ok(pieces)
    }

    /// The cheapest program there.
    fn program_at(&mut self, step: i64) -> Result<usize, RewriteError> {
        if let Some(known) = self.known.get(&step) {
            return Ok(*known);
        }
        let selection = self.saturated.select(&self.path.at(step)?, self.target)?;
        let same = self.programs.iter().position(|program| program.selection.is_same(&selection));
        let program = match same {
            Some(program) => program,
            None => {
                let kernels = self.saturated.lower(&selection)?;
                self.programs.push(Program { selection, kernels });
                self.programs.len() - 1
            }
        };
        self.known.insert(step, program);
        Ok(program)
    }

    /// Asks until every change between two steps lies between neighbours.
    fn bisect(&mut self, from: i64, to: i64) -> Result<(), RewriteError> {
        if self.program_at(from)? == self.program_at(to)? || to - from <= 1 {
            return Ok(());
        }
        let middle = from + (to - from) / 2;
        self.bisect(from, middle)?;
        self.bisect(middle, to)
    }

    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = vec![];
        for (step, program) in &self.known {
            match stretches.last_mut() {
                Some(last) if last.program == *program => last.to = *step,
                _ => stretches.push(Stretch { from: *step, to: *step, program: *program }),
            }
        }
        stretches
    }

    /// Joins neighbours for as long as one program serves both at a small price.
    fn merge(
        &self,
        mut pieces: Vec<Stretch>,
        tolerance: f64,
    ) -> Result<Vec<Stretch>, RewriteError> {
        loop {
            let mut best: Option<(f64, usize, usize)> = None;
            for (position, pair) in pieces.windows(2).enumerate() {
                for program in [pair[0].program, pair[1].program] {
                    let loss = self.loss(&pair[0], program)?.max(self.loss(&pair[1], program)?);
                    if loss <= tolerance && best.is_none_or(|(least, ..)| loss < least) {
                        best = Some((loss, position, program));
                    }
                }
            }
            let Some((_, position, program)) = best else { return Ok(pieces) };
            let second = pieces.remove(position + 1);
            pieces[position] = Stretch { from: pieces[position].from, to: second.to, program };
        }
    }

    /// How much more a program costs on a stretch than what is the cheapest there, as a share, at its worst.
    fn loss(&self, stretch: &Stretch, program: usize) -> Result<f64, RewriteError> {
        let mut worst = 0.0f64;
        for step in [stretch.from, stretch.from.midpoint(stretch.to), stretch.to] {
            let at = self.path.at(step)?;
            let best = self.known.get(&step).copied().unwrap_or(stretch.program);
            let own = price(&self.programs[program].kernels, &at, self.target)?;
            let least = price(&self.programs[best].kernels, &at, self.target)?;
            worst = worst.max(own as f64 / (least as f64).max(1.0) - 1.0);
        }
        Ok(worst)
    }

    fn finish(
        &self,
        piece: &Stretch,
        pieces: usize,
    ) -> Result<(PieceProgram, Report), RewriteError> {
        let Program { selection, kernels } = &self.programs[piece.program];
        let at = self.path.at(piece.from)?;
        let report = self.saturated.report(selection, kernels, &at, self.target)?;
        let mut module = kernels.clone();
        let mut ranges = vec![];
        if let (Some((symbol, range)), true) = (self.path.free.first(), pieces > 1) {
            let min = self.path.leading_value(piece.from);
            let max = self.path.leading_value(piece.to);
            let range = SymbolRange { min, max, step: range.step };
            let error = |error: ocellus_dialects::symbolic::SymbolError| {
                RewriteError::Range(error.to_string())
            };
            module.symbols.set_range(symbol.name(), range).map_err(error)?;
            ranges.push((symbol.clone(), range));
        }
        Ok((PieceProgram { ranges, module }, report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_from_the_least_to_the_greatest_size_of_everything() {
        let mut symbols = Symbols::default();
        symbols.declare("one", SymbolRange::new(3, 3)).unwrap();
        symbols.declare("images", SymbolRange::new(1, 9)).unwrap();
        symbols.declare("side", SymbolRange { min: 30, max: 100, step: 14 }).unwrap();
        let path = Path::through(&symbols);
        let at = |step| {
            let bound = path.at(step).unwrap();
            ["one", "images", "side"].map(|name| bound[&Symbol::new(name)])
        };
        assert_eq!((path.steps, at(0), at(4), at(8)), (9, [3, 1, 42], [3, 5, 70], [3, 9, 98]));
    }

    #[test]
    fn without_a_range_there_is_one_step() {
        let mut symbols = Symbols::default();
        symbols.declare("images", SymbolRange::new(2, 2)).unwrap();
        let path = Path::through(&symbols);
        assert_eq!((path.steps, path.leading_value(0)), (1, 2));
    }
}
