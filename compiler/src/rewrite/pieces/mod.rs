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
//! Up to two symbols cut the range, the first two whose range is more than one size. Where a size that symbols make
//! together decides, such as `images*tokens`, the range is cut along that instead. A third symbol cuts nothing by itself:
//! what serves a part must serve it at every value of that. Further ones move along with the third. One saturated e-graph
//! answers at every size.

mod axes;
mod bits;
mod borders;
mod cheapest;
mod cut;
mod grid;
mod partition;
mod prices;

use super::alternatives::MOST_STATES_TOGETHER;
use super::choose::Saturated;
use super::error::RewriteError;
use super::price::ProgramPrice;
use super::report::Report;
use super::saturate::Limits;
use super::switches::Switches;
use super::target::TargetDescription;
use crate::passes::PieceProgram;
use axes::{Axes, Position};
use borders::Sizes;
use cheapest::Cheapest;
use cut::{Along, Cut};
use ocellus_dialects::symbolic::Region;
use ocellus_dialects::{kernel, venc};
use partition::{Losses, Part};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

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
    let (cut, parts, tolerance) = cut(&cheapest, options)?;
    for part in &parts {
        cheapest.prove(part.program)?;
    }
    let limits = limits(&cheapest, options, tolerance);
    let region = |part: &Part| match parts.len() {
        1 => Region::default(),
        _ => cut.region(&axes, part),
    };
    let mut states_left = MOST_STATES_TOGETHER;
    let mut finished: Vec<(PieceProgram, Report)> = vec![];
    let mut kernels: BTreeMap<usize, kernel::Module> = BTreeMap::new();
    for (position, part) in parts.iter().enumerate() {
        // What a piece leaves over, those behind it share.
        let share = states_left / (parts.len() - position);
        let mut left = share;
        let at = cheapest.prices().grid().position(cut.layout().first_sample(part));
        let program = match kernels.entry(part.program) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(slot) => slot.insert(cheapest.lower(part.program)?),
        };
        let selection = &cheapest.programs()[part.program].selection;
        let at = axes.at(at)?;
        let mut report = saturated.report(selection, program, &at, &mut left)?;
        let piece = piece(program, region(part))?;
        states_left -= share - left;
        report.limits.clone_from(&limits);
        cheapest.add_to(&mut report.effort);
        finished.push((piece, report));
    }
    let states = MOST_STATES_TOGETHER - states_left;
    finished.iter_mut().for_each(|(_, report)| report.effort.states += states);
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
    let unexplored = cheapest.is_limited().then(|| {
        format!(
            "the best program was looked for at no more than {} sizes: between them there may be better ones; a \
             smaller `--range` is searched more finely",
            cheapest.extractions()
        )
    });
    coarse.into_iter().chain(unexplored).collect()
}

/// Parts that cover the range, what they are cut along, and the tolerance that was needed: the fewest of all ways to cut
/// that need the least.
fn cut(cheapest: &Cheapest, options: PieceOptions) -> Result<(Cut, Vec<Part>, f64), RewriteError> {
    let programs = cheapest.programs();
    let prices = programs.iter().map(|program| program.prices.as_slice());
    let losses = Losses::of(cheapest.least(), prices);
    let mut best: Option<(Cut, Vec<Part>, f64)> = None;
    for along in ways_to_cut(cheapest) {
        let cut = Cut::new(along, cheapest.prices().grid());
        let (parts, tolerance) =
            partition::within((cut.layout(), &losses), options.tolerance, options.most);
        let is_better = |(_, other, lax): &(Cut, Vec<Part>, f64)| {
            tolerance < *lax || (tolerance == *lax && parts.len() < other.len())
        };
        if best.as_ref().is_none_or(is_better) {
            let is_whole = tolerance == options.tolerance && parts.len() == 1;
            best = Some((cut, parts, tolerance));
            if is_whole {
                break;
            }
        }
    }
    let Some((cut, mut parts, tolerance)) = best else {
        return Err(RewriteError::Range("it cannot be cut".into()));
    };
    let mut prices = BTreeMap::new();
    for program in parts.iter().map(|part| part.program).collect::<BTreeSet<_>>() {
        prices.insert(program, cheapest.price(program)?);
    }
    let sizes = CutSizes { axes: cheapest.axes(), cut: &cut, prices };
    borders::settle_borders(&sizes, &cut.layout().columns, &mut parts)?;
    Ok((cut, parts, tolerance))
}

/// Sizes that symbols make together that the range is tried to be cut along: most launches work on one of two.
const MOST_EXTENTS: usize = 2;

/// Along the second symbol, and along sizes that symbols make together. With a third symbol the latter come first: they
/// tell apart what boxes of two cannot.
fn ways_to_cut(cheapest: &Cheapest) -> Vec<Along> {
    let symbols = cheapest.axes().wide_symbols();
    let extents = cheapest.prices().extents().into_iter().take(MOST_EXTENTS).map(Along::Extent);
    match symbols {
        0 | 1 => vec![Along::Symbol],
        2 => std::iter::once(Along::Symbol).chain(extents).collect(),
        _ => extents.chain([Along::Symbol]).collect(),
    }
}

/// Positions as a cut sees them.
struct CutSizes<'a> {
    axes: &'a Axes<'a>,
    cut: &'a Cut,
    /// The price of each program of a part.
    prices: BTreeMap<usize, ProgramPrice>,
}

impl Sizes for CutSizes<'_> {
    type Error = RewriteError;

    fn last_step(&self, axis: usize) -> i64 {
        self.axes.last_step(axis)
    }

    fn value(&self, position: Position) -> Result<i64, RewriteError> {
        self.cut.value(self.axes, position)
    }

    fn is_better(&self, position: Position, a: usize, b: usize) -> Result<bool, RewriteError> {
        let at = self.axes.at(position)?;
        let price = |program: usize| self.prices.get(&program).map(|price| price.at(&at));
        Ok(price(a) < price(b))
    }
}

/// A program with the ranges of the region that it serves.
fn piece(program: &kernel::Module, region: Region) -> Result<PieceProgram, RewriteError> {
    let mut module = program.clone();
    for (dim, range) in region.ranges() {
        // What symbols make together has no range of its own.
        if let Some(symbol) = dim.as_symbol() {
            module
                .symbols
                .set_range(symbol.name(), *range)
                .map_err(|error| RewriteError::Range(error.to_string()))?;
        }
    }
    Ok(PieceProgram { region, module })
}
