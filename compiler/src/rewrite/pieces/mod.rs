//! Pieces: the parts of the range on which one program is the cheapest, with the borders found, not guessed.
//!
//! ```text
//!            tokens  16   64  256  1024        asked at samples: which program is the cheapest there?
//! images  1           A    A    A    B         where two neighbours differ, bisect;
//!         4           A    A    B    B         then: how few programs serve every sample within a tolerance,
//!        16           A    B    B    B         and how few rectangles, with borders at the integer where the
//!        64           B    B    B    B         better program changes?
//! ```
//!
//! Up to two symbols cut the range, the first two whose range is more than one size; the others move along with the
//! second. One saturated e-graph answers at every size.

mod axes;
mod cheapest;
mod partition;
mod prices;

use super::alternatives::MOST_STATES_TOGETHER;
use super::choose::Saturated;
use super::error::RewriteError;
use super::report::Report;
use super::saturate::Limits;
use super::switches::Switches;
use super::target::TargetDescription;
use crate::passes::PieceProgram;
use axes::Axes;
use cheapest::Cheapest;
use ocellus_dialects::symbolic::{Symbol, SymbolRange};
use ocellus_dialects::venc;
use partition::{Losses, Rectangle};

/// How the range is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PieceOptions {
    /// A piece's program may cost this share more than the cheapest at any size that was looked at.
    pub tolerance: f64,
    /// The most pieces: the tolerance grows until there are no more.
    pub most: usize,
}

impl PieceOptions {
    /// Programs whose prices differ by no more than this share are as good as one: between them nothing is looked for.
    pub fn indifference(&self) -> f64 {
        0.5 * self.tolerance
    }
}

impl Default for PieceOptions {
    fn default() -> Self {
        PieceOptions { tolerance: 0.02, most: 64 }
    }
}

/// The programs for `module` on a target, each with the sizes that it is for, and how it was chosen.
pub fn choose_pieces(
    module: &venc::Module,
    target: &TargetDescription,
    switches: &Switches,
    options: PieceOptions,
) -> Result<Vec<(PieceProgram, Report)>, RewriteError> {
    let saturated = Saturated::new(module, target, switches, Limits::default())?;
    let axes = Axes::of(&module.symbols);
    let mut cheapest = Cheapest::find(&saturated, &axes, options.indifference())?;
    let (rectangles, tolerance) = cut(&cheapest, options)?;
    for rectangle in &rectangles {
        cheapest.prove(rectangle.program)?;
    }
    let limits = limits(&cheapest, options, tolerance);
    let ranges = |rectangle: &Rectangle| match rectangles.len() {
        1 => vec![],
        _ => axes.ranges(rectangle),
    };
    let mut states_left = MOST_STATES_TOGETHER;
    let mut finished = vec![];
    for (position, rectangle) in rectangles.iter().enumerate() {
        // What a piece leaves over, those behind it share.
        let share = states_left / (rectangles.len() - position);
        let mut left = share;
        let ranges = ranges(rectangle);
        let (piece, mut report) = finish(&saturated, &cheapest, rectangle, ranges, &mut left)?;
        states_left -= share - left;
        report.limits.clone_from(&limits);
        finished.push((piece, report));
    }
    Ok(finished)
}

/// What a reader must know of how the range was cut. One that was to stay whole is not cut too coarsely.
fn limits(cheapest: &Cheapest, options: PieceOptions, tolerance: f64) -> Vec<String> {
    let coarse = (options.most > 1 && tolerance > options.tolerance).then(|| {
        format!(
            "the range is cut into no more than {} pieces: the program of a piece may take {:.1} % longer than the best \
             one, instead of {:.1} %; a smaller `--range` is cut more finely",
            options.most,
            100.0 * tolerance,
            100.0 * options.tolerance
        )
    });
    let unexplored = cheapest.limit_hit().map(|limit| {
        format!(
            "the best program was looked for at no more than {limit} sizes: between them there may be better ones; a \
             smaller `--range` is searched more finely"
        )
    });
    coarse.into_iter().chain(unexplored).collect()
}

/// Rectangles of sizes that cover the range, each with the program that serves it, and the tolerance that was needed.
fn cut(cheapest: &Cheapest, options: PieceOptions) -> Result<(Vec<Rectangle>, f64), RewriteError> {
    let grid = cheapest.prices().grid();
    let programs = cheapest.programs();
    let prices = programs.iter().map(|program| program.prices.as_slice());
    let losses = Losses::of(grid.clone(), cheapest.least(), prices);
    let (mut rectangles, tolerance) = partition::within(&losses, options.tolerance, options.most);
    partition::settle_borders(grid, &mut rectangles, |position, a, b| {
        let at = cheapest.axes().at(position)?;
        Ok::<_, RewriteError>(programs[a].price.at(&at) < programs[b].price.at(&at))
    })?;
    Ok((rectangles, tolerance))
}

fn finish(
    saturated: &Saturated,
    cheapest: &Cheapest,
    rectangle: &Rectangle,
    ranges: Vec<(Symbol, SymbolRange)>,
    states_left: &mut usize,
) -> Result<(PieceProgram, Report), RewriteError> {
    let program = &cheapest.programs()[rectangle.program];
    let at = cheapest.axes().at(rectangle.from)?;
    let report = saturated.report(&program.selection, &program.kernels, &at, states_left)?;
    let mut module = program.kernels.clone();
    for (symbol, range) in &ranges {
        module
            .symbols
            .set_range(symbol.name(), *range)
            .map_err(|error| RewriteError::Range(error.to_string()))?;
    }
    Ok((PieceProgram { ranges, module }, report))
}
