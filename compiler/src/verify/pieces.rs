//! [`Pieces`]: the parts of the range as a plan has them, by the names of the symbols.

use ocellus_dialects::plan::{Expression, Piece, Plan, SymbolSource};
use ocellus_dialects::symbolic::{
    Bindings, Dim, NoValue, Region, Symbol, SymbolRange, Symbols, product, sum,
};

/// The sizes of a part of the range.
#[derive(Clone, Debug, PartialEq)]
pub struct PieceSizes {
    /// The sizes of each free symbol.
    pub each: Vec<(Symbol, SymbolRange)>,
    /// Bounds of what symbols make together, such as `images*tokens`.
    pub together: Region,
}

impl PieceSizes {
    /// Where the free symbols have those sizes, whatever they make together.
    pub fn of_each(each: Vec<(Symbol, SymbolRange)>) -> Self {
        PieceSizes { each, together: Region::default() }
    }

    /// The sizes of one symbol.
    pub fn range_of(&self, symbol: &Symbol) -> Option<SymbolRange> {
        self.each.iter().find(|(of, _)| of == symbol).map(|(_, range)| *range)
    }

    /// Whether a size, with the values of all symbols, is among them.
    pub fn contain(&self, at: &Bindings) -> bool {
        let holds = |(symbol, range): &(Symbol, SymbolRange)| {
            at.get(symbol).is_some_and(|value| range.contains(*value))
        };
        self.each.iter().all(holds) && self.together.contains(at)
    }
}

/// The pieces of a plan. The first in which a size lies is the one that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    symbols: Symbols,
    pieces: Vec<PieceSizes>,
}

impl Pieces {
    /// The pieces of `plan`, which was compiled from a module with those symbols.
    pub fn of(plan: &Plan, symbols: &Symbols) -> Self {
        let pieces = plan.pieces.iter().map(|piece| sizes_of(piece, plan, symbols)).collect();
        Pieces { symbols: symbols.clone(), pieces }
    }

    /// Pieces of those sizes.
    pub fn of_sizes(symbols: &Symbols, pieces: Vec<PieceSizes>) -> Self {
        Pieces { symbols: symbols.clone(), pieces }
    }

    /// The sizes of each, in the plan's order.
    pub fn sizes(&self) -> &[PieceSizes] {
        &self.pieces
    }

    /// The piece that runs where the free symbols have those values, counted from zero.
    pub fn at(&self, size: &Bindings) -> Option<usize> {
        let at = self.symbols.bind(size).ok()?;
        self.pieces.iter().position(|piece| piece.contain(&at))
    }

    /// `piece 2 of 7: height in 64..=511, images in 5..=8`, without the symbols that the piece leaves free; all of them
    /// where it bounds none.
    pub fn describe(&self, piece: usize) -> String {
        let whole: Vec<(&Symbol, SymbolRange)> = self.symbols.free().collect();
        let sizes = self.pieces.get(piece);
        let each = || sizes.into_iter().flat_map(|sizes| &sizes.each);
        let together = sizes.into_iter().flat_map(|sizes| sizes.together.ranges().iter().cloned());
        let narrowed = each().filter(|(symbol, range)| !whole.contains(&(symbol, *range)));
        let of_symbol = |(symbol, range): &(Symbol, SymbolRange)| (Dim::symbol(symbol), *range);
        let mut bounds: Vec<(Dim, SymbolRange)> = narrowed.map(of_symbol).chain(together).collect();
        if bounds.is_empty() {
            bounds = each().map(of_symbol).collect();
        }
        let ranges = match bounds.as_slice() {
            [] => "the one size".to_string(),
            _ => Region::new(bounds).to_string(),
        };
        format!("piece {} of {}: {ranges}", piece + 1, self.pieces.len())
    }
}

fn sizes_of(piece: &Piece, plan: &Plan, symbols: &Symbols) -> PieceSizes {
    let mut sizes = PieceSizes::of_each(symbols.free().map(|(s, r)| (s.clone(), r)).collect());
    let mut together = vec![];
    for bound in &piece.ranges {
        let range = SymbolRange::new(bound.min, bound.max);
        let entry = plan.symbols.get(bound.symbol);
        let own = sizes
            .each
            .iter_mut()
            .find(|(symbol, _)| entry.is_some_and(|entry| entry.name == symbol.name()));
        match own {
            Some((_, declared)) => *declared = declared.within(range),
            None => together.extend(dim_of_symbol(plan, bound.symbol).map(|dim| (dim, range))),
        }
    }
    sizes.together = Region::new(together);
    sizes
}

/// A plan's symbol over the symbols of the module: what it is defined as, unless it rounds.
fn dim_of_symbol(plan: &Plan, position: usize) -> Option<Dim> {
    let entry = plan.symbols.get(position)?;
    match &entry.source {
        SymbolSource::Defined(Expression::FloorDiv(..)) | SymbolSource::Free { .. } => {
            Some(Dim::symbol(&Symbol::new(&entry.name)))
        }
        SymbolSource::Defined(expression) => dim(plan, expression),
    }
}

fn dim(plan: &Plan, expression: &Expression) -> Option<Dim> {
    let each = |part| dim(plan, part).ok_or(NoValue);
    match expression {
        Expression::Constant(value) => Some(Dim::from(*value)),
        Expression::Symbol(position) => dim_of_symbol(plan, *position),
        Expression::Sum(parts) => sum(parts.iter().map(each)).ok(),
        Expression::Product(parts) => product(1, parts.iter().map(each)).ok(),
        _ => None,
    }
}
