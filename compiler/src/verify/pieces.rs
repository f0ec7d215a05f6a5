//! [`Pieces`]: the parts of the range as a plan has them, by the names of the symbols.

use ocellus_dialects::symbolic::{Bindings, Symbol, SymbolRange, Symbols};
use ocellus_runtime::plan::Plan;

/// The sizes of each free symbol in a part of the range: a box.
pub type Region = Vec<(Symbol, SymbolRange)>;

/// The pieces of a plan. The first in which a size lies is the one that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces(Vec<Region>);

impl Pieces {
    /// The pieces of `plan`, which was compiled from a module with those symbols.
    pub fn of(plan: &Plan, symbols: &Symbols) -> Self {
        let region = |piece: &ocellus_runtime::plan::Piece| {
            let narrowed = |symbol: &Symbol, declared: SymbolRange| {
                let is_of = |position: usize| {
                    plan.symbols.get(position).is_some_and(|entry| entry.name == symbol.name())
                };
                let of_symbol = piece.ranges.iter().filter(|range| is_of(range.symbol));
                of_symbol.fold(declared, |range, piece| {
                    range.within(SymbolRange::new(piece.min, piece.max))
                })
            };
            symbols.free().map(|(s, declared)| (s.clone(), narrowed(s, declared))).collect()
        };
        Pieces(plan.pieces.iter().map(region).collect())
    }

    /// Pieces that are such boxes.
    pub fn of_regions(regions: Vec<Region>) -> Self {
        Pieces(regions)
    }

    /// The boxes, in the plan's order.
    pub fn regions(&self) -> &[Region] {
        &self.0
    }

    /// The piece that runs at a size, counted from zero.
    pub fn at(&self, size: &Bindings) -> Option<usize> {
        let holds = |region: &Region| {
            region.iter().all(|(s, range)| size.get(s).is_some_and(|value| range.contains(*value)))
        };
        self.0.iter().position(holds)
    }

    /// `piece 2 of 7: height in 64..=511, images in 5..=8`.
    pub fn describe(&self, piece: usize) -> String {
        let ranges = self.0.get(piece).into_iter().flatten().map(|(symbol, range)| {
            match range.first() == range.last() {
                true => format!("{symbol} = {}", range.first()),
                false => format!("{symbol} in {range}"),
            }
        });
        let ranges = ranges.collect::<Vec<_>>().join(", ");
        let ranges = if ranges.is_empty() { "the one size" } else { &ranges };
        format!("piece {} of {}: {ranges}", piece + 1, self.0.len())
    }
}
