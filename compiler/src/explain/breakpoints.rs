//! [`Breakpoints`]: where pieces begin along a symbol, and the sizes worth looking at.

use ocellus_dialects::symbolic::{Bindings, Definition, Dim, Symbol, SymbolRange, Symbols};
use ocellus_rewrite::PieceProgram;
use std::collections::BTreeSet;

/// How far behind the last breakpoint there is something to see, as a factor; and how far where there is none.
const BEHIND_BREAKPOINT: i64 = 32;
const WITHOUT_BREAKPOINT: i64 = 1024;

/// The breakpoints of a range that is cut into pieces.
#[derive(Clone, Copy)]
pub(super) struct Breakpoints<'a> {
    pub(super) symbols: &'a Symbols,
    pub(super) pieces: &'a [PieceProgram],
}

impl Breakpoints<'_> {
    /// The least size of everything.
    pub fn min(&self) -> Bindings {
        self.symbols.free().map(|(symbol, range)| (symbol.clone(), range.first())).collect()
    }

    /// The position of the piece that runs where the free symbols have those values. An image smaller than a patch has no
    /// tokens, and such a size no piece.
    pub fn piece_at(&self, free: &Bindings) -> Option<(usize, Bindings)> {
        let at = self.symbols.bind(free).ok()?;
        let piece = self.pieces.iter().position(|piece| piece.region.contains(&at))?;
        Some((piece, at))
    }

    /// The free symbols that cut the range, alone or with others, in the order of their declaration.
    pub fn cutting(&self) -> Vec<(Symbol, SymbolRange)> {
        let mut found = BTreeSet::new();
        let regions = self.pieces.iter().flat_map(|piece| piece.region.ranges());
        let dims: Vec<&Dim> = regions.map(|(dim, _)| dim).collect();
        dims.into_iter().for_each(|dim| self.free_symbols(dim, &mut found));
        let free = self.symbols.free().filter(|(symbol, _)| found.contains(*symbol));
        free.map(|(symbol, range)| (symbol.clone(), range)).collect()
    }

    fn free_symbols(&self, dim: &Dim, found: &mut BTreeSet<Symbol>) {
        for symbol in dim.symbols() {
            match self.symbols.definition(symbol) {
                Some(Definition::FloorDiv { numerator, .. }) => self.free_symbols(numerator, found),
                _ => {
                    found.insert(symbol.clone());
                }
            }
        }
    }

    /// The sizes of a symbol at which pieces begin, but for the least, the others as in `base`.
    pub fn begins(
        &self,
        (symbol, range): (&Symbol, SymbolRange),
        base: &Bindings,
    ) -> BTreeSet<i64> {
        let bounds = self.pieces.iter().flat_map(|piece| piece.region.ranges());
        let begins = bounds.filter_map(|(dim, bound)| match dim.as_symbol() {
            Some(own) => (own == symbol).then_some(bound.min),
            None => self.symbols.first_reaching((symbol, range), base, (dim, bound.min)),
        });
        begins.filter(|begin| *begin > range.first()).collect()
    }

    /// Sizes of a symbol that lie evenly by their ratio, about `count` of them, and both sides of every breakpoint.
    pub fn samples(
        &self,
        (symbol, range): (&Symbol, SymbolRange),
        base: &Bindings,
        count: i64,
    ) -> BTreeSet<i64> {
        let min = range.first();
        let begins = self.begins((symbol, range), base);
        let end = match begins.last() {
            Some(last) => last.saturating_mul(BEHIND_BREAKPOINT),
            None => min.saturating_mul(WITHOUT_BREAKPOINT),
        };
        let end = range.at_most(range.max.min(end));
        let ratio = end as f64 / min as f64;
        let even = (0..=count).map(|n| {
            let size = min as f64 * ratio.powf(n as f64 / count as f64);
            range.at_most(size.round() as i64)
        });
        let beside = begins.iter().flat_map(|begin| [range.at_most(begin - 1), *begin]);
        even.chain(beside).chain([end]).filter(|size| range.contains(*size)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::kernel;
    use ocellus_dialects::symbolic::Region;

    fn piece(dim: &Dim, min: i64, max: i64) -> PieceProgram {
        let module =
            kernel::Module { symbols: Symbols::default(), functions: vec![], entry: "f".into() };
        PieceProgram {
            region: Region::new(vec![(dim.clone(), SymbolRange::new(min, max))]),
            module,
        }
    }

    #[test]
    fn both_sides_of_a_breakpoint_are_sampled() {
        let mut symbols = Symbols::default();
        let range = SymbolRange::new(1, 1000);
        let images = symbols.declare("images", range).unwrap();
        let pieces = [piece(&images, 1, 4), piece(&images, 5, 1000)];
        let breakpoints = Breakpoints { symbols: &symbols, pieces: &pieces };
        let along = (&Symbol::new("images"), range);
        let sizes = breakpoints.samples(along, &breakpoints.min(), 64);
        assert_eq!((sizes.first(), sizes.last()), (Some(&1), Some(&160)));
        assert!(sizes.contains(&4) && sizes.contains(&5));
    }

    #[test]
    fn samples_are_multiples_of_the_step() {
        let symbols = Symbols::default();
        let breakpoints = Breakpoints { symbols: &symbols, pieces: &[] };
        let range = SymbolRange { min: 30, max: 700, step: 14 };
        let sizes = breakpoints.samples((&Symbol::new("height"), range), &Bindings::new(), 64);
        assert_eq!((sizes.first(), sizes.last()), (Some(&42), Some(&700)));
        assert!(sizes.iter().all(|size| size % 14 == 0));
    }

    #[test]
    fn what_symbols_make_together_breaks_where_it_is_reached() {
        let mut symbols = Symbols::default();
        let images = symbols.declare("images", SymbolRange::new(1, 16)).unwrap();
        let height = SymbolRange { min: 14, max: 700, step: 14 };
        let rows = symbols.declare("height", height).unwrap();
        let rows = symbols.declare_floor_div("rows", rows, 14).unwrap();
        let work = images * (rows + Dim::from(1));
        let pieces = [piece(&work, 1, 99), piece(&work, 100, 5000)];
        let breakpoints = Breakpoints { symbols: &symbols, pieces: &pieces };
        let mut base = breakpoints.min();
        base.insert(Symbol::new("images"), 4);
        let begins = breakpoints.begins((&Symbol::new("height"), height), &base);
        // 4 * (24 + 1) is 100.
        assert_eq!(begins, BTreeSet::from([24 * 14]));
        // One image of 700 has 51 rows only.
        let begins = breakpoints.begins((&Symbol::new("height"), height), &breakpoints.min());
        assert_eq!(begins, BTreeSet::new());
        let cutting = breakpoints.cutting();
        let names: Vec<&str> = cutting.iter().map(|(symbol, _)| symbol.name()).collect();
        assert_eq!(names, ["images", "height"]);
        assert_eq!(breakpoints.piece_at(&base).map(|(piece, _)| piece), Some(0));
    }
}
