//! What the programs are predicted to cost over the range.

use super::explanation::Plot;
use crate::passes::PieceProgram;
use crate::rewrite::{ProgramPrice, RewriteError, TargetDescription};
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};
use std::collections::BTreeSet;

/// Sizes of a plot, beside the breakpoints.
const SAMPLES: i64 = 64;

/// How far behind the last breakpoint a plot goes on, as a factor; and how far it goes where there is none.
const BEHIND_BREAKPOINT: i64 = 32;
const WITHOUT_BREAKPOINT: i64 = 1024;

/// A plot along each symbol that has more than one size: the others at their least, and, where they cut the range, at
/// their middle breakpoint too.
pub(super) fn plots(
    symbols: &Symbols,
    pieces: &[PieceProgram],
    programs: &[usize],
    target: &TargetDescription,
) -> Result<Vec<Plot>, RewriteError> {
    let several = symbols.free().filter(|(_, range)| range.last() > range.first());
    let mut prices: Vec<ProgramPrice> = vec![];
    for (piece, program) in pieces.iter().zip(programs) {
        if *program == prices.len() {
            prices.push(ProgramPrice::of(&piece.module, target)?);
        }
    }
    let plots = Plots { symbols, pieces, prices };
    let mut all = vec![];
    for (symbol, range) in several {
        let least: Bindings = symbols.free().map(|(s, range)| (s.clone(), range.first())).collect();
        let mut middle = least.clone();
        for (other, range) in symbols.free().filter(|(other, _)| *other != symbol) {
            let begins: Vec<i64> = begins(other, range, pieces).into_iter().collect();
            if let Some(begin) = begins.get(begins.len() / 2) {
                middle.insert(other.clone(), *begin);
            }
        }
        let is_other = middle != least;
        all.push(plots.along(symbol, range, &least));
        if is_other {
            all.push(plots.along(symbol, range, &middle));
        }
    }
    Ok(all)
}

struct Plots<'a> {
    symbols: &'a Symbols,
    pieces: &'a [PieceProgram],
    /// The prices of the programs, each once.
    prices: Vec<ProgramPrice>,
}

impl Plots<'_> {
    /// The plot along a symbol, the others as in `base`.
    fn along(&self, symbol: &Symbol, range: SymbolRange, base: &Bindings) -> Plot {
        let others = base.iter().filter(|(other, _)| *other != symbol);
        let mut plot = Plot {
            symbol: symbol.to_string(),
            others: others.map(|(other, value)| (other.to_string(), *value)).collect(),
            sizes: vec![],
            predicted_us: vec![vec![]; self.prices.len()],
            piece: vec![],
            breakpoints: vec![],
        };
        for size in samples(symbol, range, self.pieces) {
            let mut free = base.clone();
            free.insert(symbol.clone(), size);
            // An image smaller than a patch has no tokens, and such a size no cost.
            let Ok(at) = self.symbols.bind(&free) else { continue };
            let in_charge = self.pieces.iter().position(|piece| holds(piece, &at));
            let Some(in_charge) = in_charge else { continue };
            if plot.piece.last().is_some_and(|last| *last != in_charge) {
                plot.breakpoints.push(size);
            }
            plot.sizes.push(size);
            plot.piece.push(in_charge);
            for (line, price) in plot.predicted_us.iter_mut().zip(&self.prices) {
                line.push(price.at(&at));
            }
        }
        plot
    }
}

/// Sizes that lie evenly by their ratio, and both sides of every breakpoint.
fn samples(symbol: &Symbol, range: SymbolRange, pieces: &[PieceProgram]) -> BTreeSet<i64> {
    let least = range.first();
    let begins = begins(symbol, range, pieces);
    let end = match begins.last() {
        Some(last) => last.saturating_mul(BEHIND_BREAKPOINT),
        None => least.saturating_mul(WITHOUT_BREAKPOINT),
    };
    let end = range.at_most(range.max.min(end));
    let ratio = end as f64 / least as f64;
    let even = (0..=SAMPLES).map(|n| {
        let size = least as f64 * ratio.powf(n as f64 / SAMPLES as f64);
        range.at_most(size.round() as i64)
    });
    let beside = begins.iter().flat_map(|begin| [range.at_most(begin - 1), *begin]);
    even.chain(beside).chain([end]).filter(|size| range.contains(*size)).collect()
}

/// The sizes of a symbol at which pieces begin, but for the least.
fn begins(symbol: &Symbol, range: SymbolRange, pieces: &[PieceProgram]) -> BTreeSet<i64> {
    let all = pieces.iter().flat_map(|piece| &piece.ranges);
    all.filter(|(of, piece)| of == symbol && piece.min > range.first())
        .map(|(_, piece)| piece.min)
        .collect()
}

fn holds(piece: &PieceProgram, at: &Bindings) -> bool {
    piece.ranges.iter().all(|(symbol, range)| {
        at.get(symbol).is_some_and(|value| (range.min..=range.max).contains(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::kernel;

    fn piece(min: i64, max: i64) -> PieceProgram {
        let module =
            kernel::Module { symbols: Symbols::default(), functions: vec![], entry: "f".into() };
        PieceProgram { ranges: vec![(Symbol::new("images"), SymbolRange::new(min, max))], module }
    }

    #[test]
    fn both_sides_of_a_breakpoint_are_sampled() {
        let pieces = [piece(1, 4), piece(5, 1000)];
        let range = SymbolRange::new(1, 1000);
        let sizes = samples(&Symbol::new("images"), range, &pieces);
        assert_eq!((sizes.first(), sizes.last()), (Some(&1), Some(&160)));
        assert!(sizes.contains(&4) && sizes.contains(&5));
    }

    #[test]
    fn samples_are_multiples_of_the_step() {
        let range = SymbolRange { min: 30, max: 700, step: 14 };
        let sizes = samples(&Symbol::new("height"), range, &[]);
        assert_eq!((sizes.first(), sizes.last()), (Some(&42), Some(&700)));
        assert!(sizes.iter().all(|size| size % 14 == 0));
    }
}
