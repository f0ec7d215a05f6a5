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
//! what serves a part must serve it at every value of that. Further ones move along with the third. Where this does not
//! hold the tolerance, a tree of borders cuts along several such sizes. One saturated e-graph answers at every size.

mod axes;
mod bits;
mod borders;
mod cheapest;
mod cut;
mod grid;
mod partition;
mod prices;
mod tree;

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
use cut::{Along, Bounded, Cut};
use grid::Grid;
use ocellus_dialects::symbolic::{Dim, Region};
use ocellus_dialects::{kernel, venc};
use partition::{Layout, Losses, Part};
use prices::excess;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use tree::Samples;

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
        0.25 * self.tolerance
    }

    /// What is left of the tolerance for the choice between the programs that were found.
    fn of_choice(&self) -> f64 {
        (1.0 + self.tolerance) / (1.0 + self.indifference()) - 1.0
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
    let Pieces { cut, parts, tolerance: of_choice, .. } = cut(&mut cheapest, options)?;
    let tolerance = (1.0 + of_choice) * (1.0 + options.indifference()) - 1.0;
    for part in &parts {
        cheapest.prove(part.program)?;
    }
    let limits = limits(&cheapest, options, tolerance);
    let region = |part: &Bounded| match parts.len() {
        1 => Region::default(),
        _ => cut.region(&axes, part),
    };
    let samples = cut.samples(cheapest.prices().grid());
    let mut states_left = MOST_STATES_TOGETHER;
    let mut finished: Vec<(PieceProgram, Report)> = vec![];
    let mut kernels: BTreeMap<usize, kernel::Module> = BTreeMap::new();
    for (position, part) in parts.iter().enumerate() {
        // What a piece leaves over, those behind it share.
        let share = states_left / (parts.len() - position);
        let mut left = share;
        let at = cheapest.prices().grid().position(first_sample(&samples, part));
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
        report.tolerance = tolerance;
        cheapest.add_to(&mut report.effort);
        finished.push((piece, report));
    }
    let states = MOST_STATES_TOGETHER - states_left;
    finished.iter_mut().for_each(|(_, report)| report.effort.states += states);
    Ok(finished)
}

/// What a reader must know of how the range was cut. One that was to stay whole is not cut too coarsely.
fn limits(cheapest: &Cheapest, options: PieceOptions, tolerance: f64) -> Vec<String> {
    let is_coarse = options.most > 1 && tolerance > options.tolerance * (1.0 + 1e-9);
    let coarse = is_coarse.then(|| {
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

/// The number of the first sample of a part.
fn first_sample(samples: &[Vec<i64>], part: &Bounded) -> usize {
    let count = samples.first().map_or(0, Vec::len);
    let values =
        |index: usize| -> Vec<i64> { samples.iter().map(|values| values[index]).collect() };
    (0..count).find(|index| part.holds(&values(*index))).unwrap_or(0)
}

/// A range that was cut: the parts that cover it, and the tolerance that was needed.
struct Pieces {
    way: Way,
    cut: Cut,
    parts: Vec<Bounded>,
    /// The tolerance that all samples meet.
    tolerance: f64,
    /// What the samples lose beyond the tolerance that was asked for.
    beyond: f64,
}

/// How a range may be cut.
enum Way {
    /// Into slabs along the first axis, and each of these along one more.
    Slabs(Along),
    /// By a tree of borders along any of these.
    Tree(Vec<Along>),
}

impl Pieces {
    /// The range cut in one way.
    fn cut(way: Way, cheapest: &Cheapest, options: PieceOptions) -> Self {
        let prices = cheapest.programs().iter().map(|program| program.prices.as_slice());
        let losses = Losses::of(cheapest.least(), prices);
        let grid = cheapest.prices().grid();
        let (tolerance, most) = (options.of_choice(), options.most.max(1));
        let cut = Cut::new(match &way {
            Way::Slabs(along) => vec![Along::Axis(0), along.clone()],
            Way::Tree(along) => along.clone(),
        });
        let values = cut.samples(grid);
        let (parts, tolerance) = match &way {
            Way::Slabs(_) => {
                let layout = layout(grid, &values);
                let (parts, met) = partition::within((&layout, &losses), tolerance, most);
                (parts.into_iter().map(Bounded::from).collect(), met)
            }
            Way::Tree(_) => {
                tree::grow(Samples { values: &values, losses: &losses }, tolerance, most)
            }
        };
        let beyond = beyond(&values, &parts, &losses, options.of_choice());
        Pieces { way, cut, parts, tolerance, beyond }
    }

    /// The range cut into the fewest parts of all ways to cut it that need the least tolerance.
    fn fewest(cheapest: &Cheapest, options: PieceOptions) -> Self {
        let mut best: Option<Pieces> = None;
        for way in ways_to_cut(cheapest) {
            let found = Pieces::cut(way, cheapest, options);
            let is_whole = found.beyond == 0.0 && found.parts.len() == 1;
            if best.as_ref().is_none_or(|known| found.is_better(known)) {
                best = Some(found);
            }
            if is_whole {
                break;
            }
        }
        let best =
            best.unwrap_or_else(|| Pieces::cut(Way::Slabs(Along::Axis(1)), cheapest, options));
        best.or_tree(cheapest, options)
    }

    /// The range cut anew in the same way, with the samples that there are now.
    fn again(self, cheapest: &Cheapest, options: PieceOptions) -> Self {
        Pieces::cut(self.way, cheapest, options).or_tree(cheapest, options)
    }

    /// The same, or what a tree gives where slabs do not meet the tolerance.
    fn or_tree(self, cheapest: &Cheapest, options: PieceOptions) -> Self {
        let is_tree = matches!(self.way, Way::Tree(_));
        if is_tree || self.beyond == 0.0 || options.most <= 1 || cheapest.axes().wide_symbols() < 2
        {
            return self;
        }
        let tree = Pieces::cut(Way::Tree(all_along(cheapest)), cheapest, options);
        if tree.is_better(&self) { tree } else { self }
    }

    /// Whether less is lost beyond the tolerance, or as little with fewer parts.
    fn is_better(&self, other: &Pieces) -> bool {
        (self.beyond, self.parts.len()) < (other.beyond, other.parts.len())
    }

    /// Whether at all samples from one on the program of the part is within the tolerance.
    fn hold_from(&self, first: usize, cheapest: &Cheapest) -> Result<bool, RewriteError> {
        let grid = cheapest.prices().grid();
        for index in first..grid.len() {
            let values = self.cut.values(cheapest.axes(), grid.position(index))?;
            let part = self.parts.iter().find(|part| part.holds(&values));
            let price = part.map(|part| cheapest.programs()[part.program].prices[index]);
            if price.is_some_and(|price| excess(price, cheapest.least()[index]) > self.tolerance) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves each border of a slab to the size at which the better program changes.
    fn settle_borders(&mut self, cheapest: &Cheapest) -> Result<(), RewriteError> {
        let Way::Slabs(along) = &self.way else { return Ok(()) };
        let mut prices = BTreeMap::new();
        for program in self.parts.iter().map(|part| part.program).collect::<BTreeSet<_>>() {
            prices.insert(program, cheapest.price(program)?);
        }
        let grid = cheapest.prices().grid();
        let layout = layout(grid, &self.cut.samples(grid));
        let sizes = CutSizes { axes: cheapest.axes(), along, prices };
        let part = |part: &Bounded| Part {
            rows: part.bounds[0],
            columns: part.bounds[1],
            program: part.program,
        };
        let mut parts: Vec<Part> = self.parts.iter().map(part).collect();
        borders::settle_borders(&sizes, layout.columns(), &mut parts)?;
        self.parts = parts.into_iter().map(Bounded::from).collect();
        Ok(())
    }
}

/// How far samples are beyond the tolerance with the programs of their parts, squared: one that is far from it is worse
/// than many that are near.
fn beyond(values: &[Vec<i64>], parts: &[Bounded], losses: &Losses, tolerance: f64) -> f64 {
    let count = values.first().map_or(0, Vec::len);
    let mut sum = 0.0;
    for sample in 0..count {
        let is_inside = |part: &&Bounded| {
            let mut bounds = part.bounds.iter().zip(values);
            bounds.all(|([from, to], values)| (*from..=*to).contains(&values[sample]))
        };
        let Some(part) = parts.iter().find(is_inside) else { continue };
        sum += (losses.program(part.program)[sample] - tolerance).max(0.0).powi(2);
    }
    sum
}

/// Where the samples with those steps along the first axis and those values lie.
fn layout(grid: &Grid, values: &[Vec<i64>]) -> Layout {
    let samples: Vec<(i64, i64)> =
        (0..grid.len()).map(|sample| (values[0][sample], values[1][sample])).collect();
    Layout::new(grid.steps(0).to_vec(), &samples)
}

/// How often the range is cut anew with more samples.
const ROUNDS: usize = 2;

/// Sizes of each part that are looked at in a round.
const TRIES: usize = 16;

/// The range in pieces that hold what they promise at sizes inside them that were no samples, too: few samples lie in a
/// small part, and its program may be the best at these alone.
fn cut(cheapest: &mut Cheapest, options: PieceOptions) -> Result<Pieces, RewriteError> {
    let mut pieces = Pieces::fewest(cheapest, options);
    for round in 0..ROUNDS {
        if cheapest.prices().grid().is_everywhere() {
            break;
        }
        let first = cheapest.prices().grid().len();
        let count = pieces.parts.len();
        let mut positions = vec![];
        for (number, part) in pieces.parts.iter().enumerate() {
            let within = pieces.cut.within(cheapest.axes(), part)?;
            for attempt in 0..TRIES {
                let number = (round * count + number) * TRIES + attempt + 1;
                positions.extend(pieces.cut.scattered(cheapest.axes(), (part, &within), number)?);
            }
        }
        cheapest.scatter(positions)?;
        if pieces.hold_from(first, cheapest)? {
            break;
        }
        pieces = pieces.again(cheapest, options);
    }
    pieces.settle_borders(cheapest)?;
    Ok(pieces)
}

/// Sizes that symbols make together that the range is tried to be cut along: most launches work on one of two.
const MOST_EXTENTS: usize = 2;

/// Along the second symbol, and along sizes that symbols make together. With a third symbol the latter come first: they
/// tell apart what boxes of two cannot.
fn ways_to_cut(cheapest: &Cheapest) -> Vec<Way> {
    let symbols = cheapest.axes().wide_symbols();
    let extents = cheapest.prices().extents().into_iter().take(MOST_EXTENTS);
    let along = |extent: Dim| Way::Slabs(Along::Extent(extent));
    let slabs = extents.map(along);
    match symbols {
        0 | 1 => vec![Way::Slabs(Along::Axis(1))],
        2 => std::iter::once(Way::Slabs(Along::Axis(1))).chain(slabs).collect(),
        _ => slabs.chain([Way::Slabs(Along::Axis(1))]).collect(),
    }
}

/// Bytes of launches that a tree may cut along.
const MOST_BYTES: usize = 5;

/// What a tree may cut along: steps of the first two symbols, and sizes that symbols make together: extents of the work on
/// all images and on one, and bytes. Bytes that no integer counts at some size bound nothing, for no piece would hold that.
fn all_along(cheapest: &Cheapest) -> Vec<Along> {
    let (axes, prices) = (cheapest.axes(), cheapest.prices());
    let (moving, still): (Vec<Dim>, Vec<Dim>) =
        prices.all_extents().into_iter().partition(|extent| axes.moves(0, extent));
    let all = [0, axes.last_step(0)];
    let is_new = |bytes: &Dim| {
        let is_counted = axes.interval(all, bytes).max < i64::MAX;
        is_counted && !moving.contains(bytes) && !still.contains(bytes)
    };
    let bytes: Vec<Dim> = prices.bytes().into_iter().filter(is_new).take(MOST_BYTES).collect();
    let extents = [moving, still].into_iter().flat_map(|some| some.into_iter().take(MOST_EXTENTS));
    let dims = extents.chain(bytes).map(Along::Extent);
    [Along::Axis(0), Along::Axis(1)].into_iter().chain(dims).collect()
}

/// Positions as a cut sees them.
struct CutSizes<'a> {
    axes: &'a Axes<'a>,
    along: &'a Along,
    /// The price of each program of a part.
    prices: BTreeMap<usize, ProgramPrice>,
}

impl Sizes for CutSizes<'_> {
    type Error = RewriteError;

    fn last_step(&self, axis: usize) -> i64 {
        self.axes.last_step(axis)
    }

    fn value(&self, position: Position) -> Result<i64, RewriteError> {
        self.along.value(self.axes, position)
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
