//! Pieces: the parts of the range on which one program is the cheapest, with the borders found, not guessed.
//!
//! ```text
//!            tokens  16   64  256  1024        asked at samples: which program is the cheapest there?
//! images  1           A    A    A    B         where two neighbors differ, bisect;
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
mod costs;
mod cover;
mod cut;
mod grid;
mod partition;
mod tree;

use super::choose::{MAX_STATES_TOGETHER, Saturated};
use super::error::RewriteError;
use super::report::Report;
use super::rule_switches::RuleSwitches;
use super::saturate::Limits;
use super::target_description::TargetDescription;
use axes::Axes;
use cheapest::Cheapest;
use cover::Cover;
use cut::Bounded;
use ocellus_dialects::symbolic::Region;
use ocellus_dialects::{kernel, venc};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The program that extraction chose for one part of the range.
#[derive(Clone, Debug)]
pub struct PieceProgram {
    /// Where it applies, in the declared range.
    pub region: Region,
    /// What runs there.
    pub module: kernel::Module,
}

/// How the range is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PieceOptions {
    /// A piece's program may cost this share more than the cheapest at any size that was looked at.
    pub tolerance: f64,
    /// The most pieces: the tolerance grows until there are no more.
    pub max_pieces: usize,
}

impl PieceOptions {
    /// Programs whose costs differ by no more than this share are as good as one: between them nothing is looked for.
    pub fn indifference(&self) -> f64 {
        0.25 * self.tolerance
    }

    /// The same with fewer pieces, where there are many: what is left is for what is found to need a piece of its own.
    fn with_room(self) -> Self {
        PieceOptions { max_pieces: self.max_pieces - self.max_pieces / 8, ..self }
    }

    /// What is left of the tolerance for the choice between the programs that were found.
    fn of_choice(&self) -> f64 {
        (1.0 + self.tolerance) / (1.0 + self.indifference()) - 1.0
    }
}

impl Default for PieceOptions {
    fn default() -> Self {
        PieceOptions { tolerance: 0.02, max_pieces: 64 }
    }
}

/// The programs for `module` on a target, each with the sizes that it is for, and how it was chosen.
pub fn choose_pieces(
    module: &venc::Module,
    target: &TargetDescription,
    switches: &RuleSwitches,
    options: PieceOptions,
) -> Result<Vec<(PieceProgram, Report)>, RewriteError> {
    let saturated = Saturated::new(module, target, switches, Limits::default())?;
    let axes = Axes::of(&module.symbols);
    let mut cheapest = Cheapest::find(&saturated, &axes, options.indifference())?;
    let Cover { cut, parts, tolerance: of_choice, .. } = Cover::of(&mut cheapest, options)?;
    let tolerance = (1.0 + of_choice) * (1.0 + options.indifference()) - 1.0;
    for part in &parts {
        cheapest.prove(part.program)?;
    }
    let limits = limits(&cheapest, options, tolerance);
    let region = |part: &Bounded| match parts.len() {
        1 => Region::default(),
        _ => cut.region(&axes, part),
    };
    let samples = cut.samples(cheapest.costs().grid());
    let mut states_left = MAX_STATES_TOGETHER;
    let mut finished: Vec<(PieceProgram, Report)> = vec![];
    let mut kernels: BTreeMap<usize, kernel::Module> = BTreeMap::new();
    for (position, part) in parts.iter().enumerate() {
        // What a piece leaves over, those behind it share.
        let share = states_left / (parts.len() - position);
        let mut left = share;
        let at = cheapest.costs().grid().position(first_sample(&samples, part));
        let program = match kernels.entry(part.program) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(slot) => slot.insert(cheapest.kernels(part.program)?),
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
    let states = MAX_STATES_TOGETHER - states_left;
    finished.iter_mut().for_each(|(_, report)| report.effort.states += states);
    Ok(finished)
}

/// What a reader must know of how the range was cut. One that was to stay whole is not cut too coarsely.
fn limits(cheapest: &Cheapest, options: PieceOptions, tolerance: f64) -> Vec<String> {
    let is_coarse = options.max_pieces > 1 && tolerance > options.tolerance * (1.0 + 1e-9);
    let coarse = is_coarse.then(|| {
        format!(
            "the range is cut into no more than {} pieces: the program of a piece may take {:.1} % longer than the best \
             one, instead of {:.1} %; a smaller `--range` is cut more finely",
            options.max_pieces,
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
    (0..count).find(|sample| part.holds_sample(samples, *sample)).unwrap_or(0)
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
