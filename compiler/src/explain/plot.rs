//! What the programs are predicted to cost over the range.

use super::breakpoints::Breakpoints;
use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange};
use ocellus_explain::Plot;
use ocellus_rewrite::{ProgramCost, RewriteError, TargetDescription};

/// Sizes of a plot, beside the breakpoints.
const SAMPLES: i64 = 64;

/// A plot along each symbol that has more than one size: the others at their least, and, where they cut the range, at
/// their middle breakpoint too.
pub(super) fn plots(
    breakpoints: Breakpoints<'_>,
    programs: &[usize],
    target: &TargetDescription,
) -> Result<Vec<Plot>, RewriteError> {
    let mut costs: Vec<ProgramCost> = vec![];
    for (piece, program) in breakpoints.pieces.iter().zip(programs) {
        if *program == costs.len() {
            costs.push(ProgramCost::of(&piece.module, target)?);
        }
    }
    let min = breakpoints.min();
    let plots = Plots { breakpoints, costs };
    let mut all = vec![];
    let free = || breakpoints.symbols.free();
    for along in free().filter(|(_, range)| range.last() > range.first()) {
        let mut middle = min.clone();
        for other in free().filter(|other| other.0 != along.0) {
            let begins: Vec<i64> = breakpoints.begins(other, &min).into_iter().collect();
            if let Some(begin) = begins.get(begins.len() / 2) {
                middle.insert(other.0.clone(), *begin);
            }
        }
        all.push(plots.along(along, &min));
        if middle != min {
            all.push(plots.along(along, &middle));
        }
    }
    Ok(all)
}

struct Plots<'a> {
    breakpoints: Breakpoints<'a>,
    /// The costs of the programs, each once.
    costs: Vec<ProgramCost>,
}

impl Plots<'_> {
    /// The plot along a symbol, the others as in `base`.
    fn along(&self, along: (&Symbol, SymbolRange), base: &Bindings) -> Plot {
        let others = base.iter().filter(|(other, _)| *other != along.0);
        let mut plot = Plot {
            symbol: along.0.to_string(),
            others: others.map(|(other, value)| (other.to_string(), *value)).collect(),
            sizes: vec![],
            predicted_us: vec![vec![]; self.costs.len()],
            piece: vec![],
            breakpoints: vec![],
        };
        for size in self.breakpoints.samples(along, base, SAMPLES) {
            let mut free = base.clone();
            free.insert(along.0.clone(), size);
            let Some((in_charge, at)) = self.breakpoints.piece_at(&free) else { continue };
            if plot.piece.last().is_some_and(|last| *last != in_charge) {
                plot.breakpoints.push(size);
            }
            plot.sizes.push(size);
            plot.piece.push(in_charge);
            for (line, cost) in plot.predicted_us.iter_mut().zip(&self.costs) {
                line.push(cost.at(&at));
            }
        }
        plot
    }
}
