//! [`Cover`]: the parts that cover a range, each with the program that serves it: in slabs and segments of these where that
//! meets the tolerance, else by a tree of borders; looked at anew inside until they hold what they promise.

use super::PieceOptions;
use super::axes::{Axes, Position};
use super::borders::{self, Sizes};
use super::cheapest::Cheapest;
use super::costs::excess;
use super::cut::{Along, Bounded, Cut};
use super::grid::Grid;
use super::partition::{self, Losses, Part, SampleTable};
use super::tree::{self, Samples, Search};
use crate::cost::ProgramCost;
use crate::error::RewriteError;
use ocellus_dialects::symbolic::Dim;
use std::collections::{BTreeMap, BTreeSet};

/// How often the range is looked at inside its parts.
const ROUNDS: usize = 2;

/// Sizes of each part that are looked at in a round.
const TRIES: usize = 16;

/// A range that was cut: the parts that cover it, and the tolerance that was needed.
pub struct Cover {
    /// What it is cut along.
    pub cut: Cut,
    /// The parts.
    pub parts: Vec<Bounded>,
    /// The tolerance that all samples meet.
    pub tolerance: f64,
    /// What slabs are cut along, where the parts are such.
    slabs_along: Option<Along>,
}

impl Cover {
    /// The range in parts that hold what they promise at sizes inside them that were no samples, too: few samples lie in a
    /// small part, and its program may be the best at these alone.
    pub fn of(cheapest: &mut Cheapest, options: PieceOptions) -> Result<Self, RewriteError> {
        if cheapest.costs().grid().is_everywhere() {
            let mut cover = Cover::fewest(cheapest, options, Search::Thorough);
            cover.settle_borders(cheapest)?;
            return Ok(cover);
        }
        let mut cover = Cover::fewest(cheapest, options.with_room(), Search::Quick);
        for round in 0..ROUNDS {
            let first = cheapest.costs().grid().len();
            cheapest.scatter(cover.inside(cheapest.axes(), round)?)?;
            let may_be_finer = cover.tolerance > options.of_choice()
                && (round == 0 || cover.parts.len() < options.max_pieces);
            if cover.holds_from(first, cheapest)? && !may_be_finer {
                break;
            }
            // What is cut last is not looked at again: it is mended only.
            cover = match round + 1 < ROUNDS {
                true => cover.again(cheapest, options.with_room()),
                false => cover.mended(cheapest, options),
            };
        }
        cover.settle_borders(cheapest)?;
        Ok(cover)
    }

    /// The fewest parts of all slabs that meet the tolerance; where none do, what a tree gives.
    fn fewest(cheapest: &Cheapest, options: PieceOptions, search: Search) -> Self {
        let samples = (cheapest, &cheapest.losses());
        let mut best: Option<Cover> = None;
        for along in slabs_along(cheapest) {
            let Some(found) = Cover::few_slabs(along, samples, options) else { continue };
            let is_whole = found.parts.len() == 1;
            if best.as_ref().is_none_or(|known| found.parts.len() < known.parts.len()) {
                best = Some(found);
            }
            if is_whole {
                break;
            }
        }
        best.unwrap_or_else(|| Cover::without_few_slabs(samples, options, search))
    }

    /// The same range cut anew, with the samples that there are now.
    fn again(self, cheapest: &Cheapest, options: PieceOptions) -> Self {
        let samples = (cheapest, &cheapest.losses());
        let slabs = self.slabs_along.and_then(|along| Cover::few_slabs(along, samples, options));
        slabs.unwrap_or_else(|| Cover::without_few_slabs(samples, options, Search::Thorough))
    }

    /// The same range, its parts made to fit the samples that there are now.
    fn mended(self, cheapest: &Cheapest, options: PieceOptions) -> Self {
        let (values, losses) = (self.cut.samples(cheapest.costs().grid()), cheapest.losses());
        let samples = Samples { values: &values, losses: &losses };
        let (parts, tolerance) =
            tree::mend(samples, &self.parts, options.of_choice(), options.max_pieces.max(1));
        Cover { parts, tolerance, ..self }
    }

    /// The fewest slabs with segments along something that meet the tolerance; none where there would be too many.
    fn few_slabs(
        along: Along,
        samples: (&Cheapest, &Losses),
        options: PieceOptions,
    ) -> Option<Self> {
        let tolerance = options.of_choice();
        Cover::slabs(along, samples, |of| {
            let parts = partition::partition(of, tolerance, options.max_pieces.max(1))?;
            Some((parts, tolerance))
        })
    }

    /// What there is where few slabs do not meet the tolerance: a tree, or along a single symbol slabs that meet a greater
    /// one.
    fn without_few_slabs(
        (cheapest, losses): (&Cheapest, &Losses),
        options: PieceOptions,
        search: Search,
    ) -> Self {
        let (tolerance, max) = (options.of_choice(), options.max_pieces.max(1));
        if (max == 1 || cheapest.axes().wide_symbols() < 2)
            && let Some(slabs) = Cover::slabs(Along::Axis(1), (cheapest, losses), |of| {
                Some(partition::within(of, tolerance, max))
            })
        {
            return slabs;
        }
        let cut = Cut::new(all_along(cheapest));
        let values = cut.samples(cheapest.costs().grid());
        let samples = Samples { values: &values, losses };
        let (parts, tolerance) = tree::grow(samples, tolerance, max, search);
        Cover { cut, parts, tolerance, slabs_along: None }
    }

    /// Slabs with segments along something, and the tolerance that they meet, as a function finds them.
    fn slabs(
        along: Along,
        (cheapest, losses): (&Cheapest, &Losses),
        find: impl FnOnce((&SampleTable, &Losses)) -> Option<(Vec<Part>, f64)>,
    ) -> Option<Self> {
        let cut = Cut::new(vec![Along::Axis(0), along.clone()]);
        let (parts, tolerance) = find((&table(cheapest.costs().grid(), &cut), losses))?;
        let parts = parts.into_iter().map(Bounded::from).collect();
        Some(Cover { cut, parts, tolerance, slabs_along: Some(along) })
    }

    /// Sizes inside each part that no earlier round had.
    fn inside(&self, axes: &Axes, round: usize) -> Result<Vec<Position>, RewriteError> {
        let mut positions = vec![];
        for (number, part) in self.parts.iter().enumerate() {
            let within = self.cut.within(axes, part)?;
            for attempt in 0..TRIES {
                let number = (round * self.parts.len() + number) * TRIES + attempt + 1;
                positions.extend(self.cut.scattered(axes, (part, &within), number)?);
            }
        }
        Ok(positions)
    }

    /// Whether at all samples from one on the program of the part is within the tolerance.
    fn holds_from(&self, first: usize, cheapest: &Cheapest) -> Result<bool, RewriteError> {
        let grid = cheapest.costs().grid();
        for index in first..grid.len() {
            let values = self.cut.values(cheapest.axes(), grid.position(index))?;
            let part = self.parts.iter().find(|part| part.holds(&values));
            let cost = part.map(|part| cheapest.programs()[part.program].costs[index]);
            if cost.is_some_and(|cost| excess(cost, cheapest.min()[index]) > self.tolerance) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves each border of a slab to the size at which the better program changes.
    fn settle_borders(&mut self, cheapest: &Cheapest) -> Result<(), RewriteError> {
        let Some(along) = &self.slabs_along else { return Ok(()) };
        let mut costs = BTreeMap::new();
        for program in self.parts.iter().map(|part| part.program).collect::<BTreeSet<_>>() {
            costs.insert(program, cheapest.cost(program)?);
        }
        let table = table(cheapest.costs().grid(), &self.cut);
        let sizes = CutSizes { axes: cheapest.axes(), along, costs };
        let part = |part: &Bounded| Part {
            rows: part.bounds[0],
            columns: part.bounds[1],
            program: part.program,
        };
        let mut parts: Vec<Part> = self.parts.iter().map(part).collect();
        borders::settle_borders(&sizes, table.columns(), &mut parts)?;
        self.parts = parts.into_iter().map(Bounded::from).collect();
        Ok(())
    }
}

/// Where the samples lie in slabs and segments.
fn table(grid: &Grid, cut: &Cut) -> SampleTable {
    let values = cut.samples(grid);
    let samples: Vec<(i64, i64)> =
        (0..grid.len()).map(|sample| (values[0][sample], values[1][sample])).collect();
    SampleTable::new(grid.steps(0).to_vec(), &samples)
}

/// Sizes that symbols make together that the range is tried to be cut along: most launches work on one of two.
const MAX_EXTENTS: usize = 2;

/// What segments of slabs are cut along: the second symbol, and sizes that symbols make together. With a third symbol the
/// latter come first: they tell apart what boxes of two cannot.
fn slabs_along(cheapest: &Cheapest) -> Vec<Along> {
    let extents = cheapest.costs().extents().into_iter().take(MAX_EXTENTS);
    let extents = extents.filter_map(|extent| Along::extent(cheapest.axes(), extent));
    match cheapest.axes().wide_symbols() {
        0 | 1 => vec![Along::Axis(1)],
        2 => std::iter::once(Along::Axis(1)).chain(extents).collect(),
        _ => extents.chain([Along::Axis(1)]).collect(),
    }
}

/// Bytes of launches that a tree may cut along.
const MAX_BYTES: usize = 5;

/// What a tree may cut along: steps of the first two symbols, and sizes that symbols make together: extents of the work on
/// all images and on one, and bytes. Bytes that no integer counts at some size bound nothing, for no piece would hold that.
fn all_along(cheapest: &Cheapest) -> Vec<Along> {
    let (axes, costs) = (cheapest.axes(), cheapest.costs());
    let (moving, still): (Vec<Dim>, Vec<Dim>) =
        costs.all_extents().into_iter().partition(|extent| axes.moves(0, extent));
    let all = [0, axes.last_step(0)];
    let is_new = |bytes: &Dim| {
        let is_counted = axes.interval(all, bytes).max < i64::MAX;
        is_counted && !moving.contains(bytes) && !still.contains(bytes)
    };
    let bytes: Vec<Dim> = costs.bytes().into_iter().filter(is_new).take(MAX_BYTES).collect();
    let extents = [moving, still].into_iter().flat_map(|some| some.into_iter().take(MAX_EXTENTS));
    let dims = extents.chain(bytes).filter_map(|dim| Along::extent(axes, dim));
    [Along::Axis(0), Along::Axis(1)].into_iter().chain(dims).collect()
}

/// Positions as a cut sees them.
struct CutSizes<'a> {
    axes: &'a Axes<'a>,
    along: &'a Along,
    /// The cost of each program of a part.
    costs: BTreeMap<usize, ProgramCost>,
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
        let cost = |program: usize| self.costs.get(&program).map(|cost| cost.at(&at));
        Ok(cost(a) < cost(b))
    }
}
