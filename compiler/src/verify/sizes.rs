//! Which sizes to check: those inside each piece, and those at, just below and just above each breakpoint.

use super::{PieceSizes, Pieces};
use ocellus_dialects::symbolic::{Bindings, Dim, Symbol, SymbolRange};
use ocellus_dialects::venc;
use std::collections::BTreeSet;

/// Elements of all inputs together: a size with more is not run (its lower neighbor is).
const MAX_INPUT_ELEMENTS: i64 = 3 * 1024 * 1024;

/// Elements of all inputs of all sizes together: with more, sizes beside breakpoints are left out. Some eighty images of
/// 224 by 224, which the reference takes minutes for in a large model.
const MAX_ELEMENTS_TOGETHER: i64 = 4 * MAX_INPUT_ELEMENTS;

/// How many steps inside a piece its size lies, where it has room for that many: the reference's time grows with the size.
const INSIDE: i64 = 3;

/// The sizes to check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// The free symbols' values for each check, deduplicated, in a fixed order.
    pub run: Vec<Bindings>,
    /// The pieces that none of these runs in, since even their least sizes take too long.
    pub left_out: Vec<usize>,
    /// Sizes at borders of pieces that are not among them, since all together would take too long.
    pub borders_left_out: usize,
}

/// Values of a symbol at which the others are tried, where no symbol alone leads into a piece.
const MAX_TRIED: usize = 64;

/// Sizes for a module whose range is cut into those pieces. At least one lies in each piece whose least size is no larger
/// than some twenty images of 224 by 224 pixels.
pub fn sizes_to_check(module: &venc::Module, pieces: &Pieces) -> Sizes {
    let free = module.symbols.free().map(|(symbol, range)| (symbol.clone(), range));
    let search = Search { module, pieces, whole: PieceSizes::of_each(free.collect()) };
    let mut sizes = Sizes::default();
    let mut together = 0i64;
    let mut add = |at: Bindings, is_needed: bool| {
        let elements = input_elements(module, &at).filter(|n| *n <= MAX_INPUT_ELEMENTS);
        let Some(elements) = elements.filter(|_| is_usable(module, &at)) else { return };
        if sizes.run.contains(&at) {
            return;
        }
        if is_needed || together + elements <= MAX_ELEMENTS_TOGETHER {
            together += elements;
            sizes.run.push(at);
        } else {
            sizes.borders_left_out += 1;
        }
    };
    search.near_the_least().into_iter().for_each(|at| add(at, true));
    let min: Vec<Option<Bindings>> = pieces.sizes().iter().map(|piece| search.min(piece)).collect();
    for (piece, min) in pieces.sizes().iter().zip(&min) {
        let Some(min) = min else { continue };
        let inside = search.inside(piece, min);
        add(if is_affordable(module, &inside) { inside } else { min.clone() }, true);
    }
    search.beside_breakpoints(&min).into_iter().for_each(|at| add(at, false));
    min.into_iter().flatten().for_each(|at| add(at, false));
    // A range that holds no affordable size is checked at its least all the same.
    let base = firsts(&search.whole);
    if sizes.run.is_empty() && is_usable(module, &base) {
        sizes.run.push(base);
    }
    let seen: BTreeSet<usize> = sizes.run.iter().filter_map(|at| pieces.at(at)).collect();
    sizes.left_out = (0..pieces.sizes().len()).filter(|piece| !seen.contains(piece)).collect();
    sizes
}

/// Where sizes are looked for.
struct Search<'a> {
    module: &'a venc::Module,
    pieces: &'a Pieces,
    whole: PieceSizes,
}

impl Search<'_> {
    /// The least size, and for each symbol the next two and the greatest.
    fn near_the_least(&self) -> Vec<Bindings> {
        let base = firsts(&self.whole);
        let each = self.whole.each.iter().flat_map(|(symbol, range)| {
            let first = range.first();
            let small = [1, 2].map(|n| first.saturating_add(n * range.step));
            let values = small.into_iter().chain([range.last()]);
            let values = values.filter(|value| range.contains(*value));
            values.map(|value| with(&base, symbol, value)).collect::<Vec<_>>()
        });
        // Everything a little larger at once, so that no two symbols are only ever tested apart.
        let inside = self.inside(&self.whole, &base);
        [base.clone()].into_iter().chain(each).chain([inside]).collect()
    }

    /// A size of a piece from which no symbol alone can be smaller: the one that is the fastest to run, of some. None
    /// where none is found, as what symbols make together leaves out values.
    fn min(&self, piece: &PieceSizes) -> Option<Bindings> {
        let base = firsts(piece);
        if self.is_in(piece, &base) {
            return Some(base);
        }
        let mut found = self.raised(piece, &base);
        if found.is_empty() {
            for (symbol, range) in &piece.each {
                let values = (0..MAX_TRIED as i64).map(|n| range.first() + n * range.step);
                for value in values.chain([range.last()]).filter(|value| range.contains(*value)) {
                    found.extend(self.raised(piece, &with(&base, symbol, value)));
                }
            }
        }
        found.into_iter().min_by_key(|at| input_elements(self.module, at).unwrap_or(i64::MAX))
    }

    /// Sizes of a piece that a size becomes where one symbol is raised until what symbols make together is enough.
    fn raised(&self, piece: &PieceSizes, base: &Bindings) -> Vec<Bindings> {
        let bounds = piece.together.ranges().iter();
        let raise = |(symbol, range): &(Symbol, SymbolRange)| {
            let enough = bounds.clone().map(|(dim, bound)| {
                self.module.symbols.first_reaching((symbol, *range), base, (dim, bound.min))
            });
            let min = enough.collect::<Option<Vec<i64>>>()?.into_iter().max();
            let own = base.get(symbol).copied()?;
            Some(with(base, symbol, own.max(min.unwrap_or(own))))
        };
        piece.each.iter().filter_map(raise).filter(|at| self.is_in(piece, at)).collect()
    }

    /// A size that lies inside along every symbol that has room, and near the least.
    fn inside(&self, piece: &PieceSizes, min: &Bindings) -> Bindings {
        let mut at = min.clone();
        for (symbol, range) in &piece.each {
            let Some(own) = min.get(symbol).copied() else { continue };
            let steps = (range.last() - range.first()) / range.step;
            let max = (steps / 2).clamp(1, INSIDE).min(steps);
            let farther = (1..=max).rev().map(|n| with(&at, symbol, own + n * range.step));
            let farthest = farther.into_iter().find(|farther| self.is_in(piece, farther));
            at = farthest.unwrap_or(at);
        }
        at
    }

    fn is_in(&self, piece: &PieceSizes, at: &Bindings) -> bool {
        self.module.symbols.bind(at).is_ok_and(|at| piece.contain(&at))
    }

    /// For each breakpoint the sizes at it, one step below and one above, the other symbols at the least sizes of a piece
    /// that begins there: the one that is the fastest to run.
    fn beside_breakpoints(&self, min: &[Option<Bindings>]) -> Vec<Bindings> {
        let mut found: Vec<Bindings> = vec![];
        for (symbol, declared) in &self.whole.each {
            let first = |piece: &PieceSizes| piece.range_of(symbol).unwrap_or(*declared).first();
            let begins: BTreeSet<i64> = self.pieces.sizes().iter().map(first).collect();
            for begin in begins.into_iter().filter(|begin| *begin > declared.first()) {
                let corner = self.fastest(min, |piece| first(piece) == begin);
                let values = [begin - declared.step, begin, begin + declared.step];
                let values = values.into_iter().filter(|value| declared.contains(*value));
                found.extend(corner.into_iter().flat_map(|corner| {
                    values.clone().map(|value| with(corner, symbol, value)).collect::<Vec<_>>()
                }));
            }
        }
        let bounds = self.pieces.sizes().iter().flat_map(|piece| piece.together.ranges());
        let begins: BTreeSet<(String, i64)> =
            bounds.map(|(dim, range)| (dim.to_string(), range.min)).collect();
        for begin in begins {
            let begins_there = |piece: &PieceSizes| {
                let mut bounds = piece.together.ranges().iter();
                bounds.any(|(dim, range)| (dim.to_string(), range.min) == begin)
            };
            let Some(corner) = self.fastest(min, begins_there) else { continue };
            found.push(corner.clone());
            for (symbol, declared) in &self.whole.each {
                let Some(own) = corner.get(symbol) else { continue };
                let values = [own - declared.step, own + declared.step];
                let values = values.into_iter().filter(|value| declared.contains(*value));
                found.extend(values.map(|value| with(corner, symbol, value)));
            }
        }
        found
    }

    /// Of the least sizes of pieces of a kind, the one that is the fastest to run.
    fn fastest<'l>(
        &self,
        min: &'l [Option<Bindings>],
        is_of_kind: impl Fn(&PieceSizes) -> bool,
    ) -> Option<&'l Bindings> {
        let all = self.pieces.sizes().iter().zip(min);
        let of_kind = all.filter(|(piece, _)| is_of_kind(piece));
        let elements = |at: &&Bindings| input_elements(self.module, at).unwrap_or(i64::MAX);
        of_kind.filter_map(|(_, at)| at.as_ref()).min_by_key(elements)
    }
}

/// Each symbol's least size.
fn firsts(piece: &PieceSizes) -> Bindings {
    piece.each.iter().map(|(symbol, range)| (symbol.clone(), range.first())).collect()
}

fn with(base: &Bindings, symbol: &Symbol, value: i64) -> Bindings {
    let mut at = base.clone();
    at.insert(symbol.clone(), value);
    at
}

/// Whether a size is in the range, and every defined symbol at least one: an image smaller than a patch has no tokens.
fn is_usable(module: &venc::Module, at: &Bindings) -> bool {
    module.symbols.bind(at).is_ok_and(|bound| bound.values().all(|value| *value >= 1))
}

fn is_affordable(module: &venc::Module, at: &Bindings) -> bool {
    input_elements(module, at).is_some_and(|elements| elements <= MAX_INPUT_ELEMENTS)
}

fn input_elements(module: &venc::Module, at: &Bindings) -> Option<i64> {
    let bound = module.symbols.bind(at).ok()?;
    let entry = module.entry_function()?;
    entry.arguments.iter().try_fold(0i64, |sum, argument| {
        let elements: Dim = argument.ty.elements();
        sum.checked_add(elements.evaluate(&bound)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::F32;
    use ocellus_dialects::TensorType;
    use ocellus_dialects::symbolic::{Region, Symbols};
    use ocellus_dialects::venc::{FunctionBuilder, Module, Op, Patchify, Role};
    use proptest::prelude::*;

    const NAMES: [&str; 2] = ["images", "height"];

    /// Images of `height` by 14 pixels in patches of 14, over two ranges.
    fn module(ranges: [SymbolRange; 2]) -> Module {
        let mut symbols = Symbols::default();
        let images = symbols.declare(NAMES[0], ranges[0]).unwrap();
        let height = symbols.declare(NAMES[1], ranges[1]).unwrap();
        let rows = symbols.declare_floor_div("rows", height.clone(), 14).unwrap();
        let mut f = FunctionBuilder::new("encode");
        let image = TensorType::new(F32, [images, Dim::from(3), height, Dim::from(14)]);
        let image = f.argument("pixel_values", image, Role::Activation);
        let patchify = Op::Patchify(Patchify { height: 14, width: 14, rows, cols: Dim::from(1) });
        let result = f.push(patchify, &[image]).unwrap();
        f.result("patches", result);
        Module { symbols, functions: vec![f.finish()], entry: "encode".into() }
    }

    fn region(ranges: [SymbolRange; 2]) -> PieceSizes {
        PieceSizes::of_each(NAMES.map(Symbol::new).into_iter().zip(ranges).collect())
    }

    /// Cuts a range before each of those shares of it, at sizes that it has.
    fn cut(range: SymbolRange, shares: &[f64]) -> Vec<SymbolRange> {
        // Breakpoints matter by their ratio.
        let ratio = range.last() as f64 / range.first() as f64;
        let at = |share: &f64| range.at_most((range.first() as f64 * ratio.powf(*share)) as i64);
        let begins: BTreeSet<i64> = [range.first()]
            .into_iter()
            .chain(shares.iter().map(at).filter(|begin| *begin > range.first()))
            .collect();
        let ends: Vec<i64> =
            begins.iter().skip(1).map(|b| b - range.step).chain([range.last()]).collect();
        let parts = begins.into_iter().zip(ends);
        parts.map(|(min, max)| SymbolRange { min, max, step: range.step }).collect()
    }

    /// A few steps inside a box.
    fn middle(piece: &PieceSizes) -> Bindings {
        let value = |range: &SymbolRange| {
            let steps = (range.last() - range.first()) / range.step;
            range.first() + (steps / 2).clamp(1, INSIDE).min(steps) * range.step
        };
        piece.each.iter().map(|(symbol, range)| (symbol.clone(), value(range))).collect()
    }

    /// Pieces that a product of both symbols cuts before each of those values.
    fn along_work(whole: [SymbolRange; 2], begins: &[i64]) -> (Module, Pieces, Dim) {
        let module = module(whole);
        let [images, rows] = ["images", "rows"].map(|name| Dim::symbol(&Symbol::new(name)));
        let work = images * (rows + Dim::from(1));
        let ends = begins.iter().map(|begin| begin - 1).chain([i64::MAX]);
        let parts = [1].iter().chain(begins).copied().zip(ends);
        let pieces = parts.map(|(min, max)| PieceSizes {
            together: Region::new(vec![(work.clone(), SymbolRange::new(min, max))]),
            ..region(whole)
        });
        let pieces = Pieces::of_sizes(&module.symbols, pieces.collect());
        (module, pieces, work)
    }

    #[test]
    fn a_breakpoint_of_what_symbols_make_together_is_checked_at_below_and_above() {
        let whole = [SymbolRange::new(2, 9), SymbolRange { min: 28, max: 700, step: 14 }];
        let (module, pieces, work) = along_work(whole, &[40, 150]);
        let sizes = sizes_to_check(&module, &pieces);
        assert_eq!(sizes.left_out, [0; 0]);
        let values: BTreeSet<i64> = sizes
            .run
            .iter()
            .map(|at| work.evaluate(&module.symbols.bind(at).unwrap()).unwrap())
            .collect();
        // Two images of 19 rows, and of a row less and more; nine images and three images of fewer are as near.
        assert!(values.contains(&40) && values.contains(&38), "{values:?}");
        assert!(values.contains(&150) && values.range(141..150).next().is_some(), "{values:?}");
        assert!(values.range(151..160).next().is_some(), "{values:?}");
        assert_eq!(pieces.describe(1), "piece 2 of 3: images*rows + images in 40..=149");
    }

    #[test]
    fn where_no_symbol_alone_leads_into_a_piece_both_do() {
        // Nine images of one row are 18, one image of 50 rows is 51: 400 needs many of both.
        let whole = [SymbolRange::new(1, 9), SymbolRange { min: 14, max: 700, step: 14 }];
        let (module, pieces, _) = along_work(whole, &[400]);
        assert_eq!(sizes_to_check(&module, &pieces).left_out, [0; 0]);
    }

    fn value(at: &Bindings, name: &str) -> i64 {
        at[&Symbol::new(name)]
    }

    #[test]
    fn each_breakpoint_of_both_symbols_is_checked_at_below_and_above() {
        let whole = [SymbolRange::new(1, 1000), SymbolRange { min: 20, max: 700, step: 14 }];
        let heights = cut(whole[1], &[0.5]);
        let pieces = [
            region([SymbolRange::new(1, 8), heights[0]]),
            region([SymbolRange::new(1, 8), heights[1]]),
            region([SymbolRange::new(9, 1000), whole[1]]),
        ];
        let module = module(whole);
        let pieces = Pieces::of_sizes(&module.symbols, pieces.to_vec());
        let sizes = sizes_to_check(&module, &pieces);
        let begin = heights[1].min;
        for height in [begin - 14, begin, begin + 14] {
            assert!(sizes.run.iter().any(|at| value(at, "height") == height), "{height}");
        }
        for images in [8, 9, 10] {
            assert!(sizes.run.iter().any(|at| value(at, "images") == images), "{images}");
        }
        assert_eq!(sizes.left_out, [0; 0]);
        assert!(sizes.run.len() < 24, "{}", sizes.run.len());
    }

    #[test]
    fn a_piece_that_begins_too_far_out_is_named_as_left_out() {
        let whole = [SymbolRange::new(1, i64::from(i32::MAX)), SymbolRange::new(14, 14)];
        let far = 1 << 20;
        let pieces = [SymbolRange::new(1, far - 1), SymbolRange::new(far, whole[0].max)]
            .map(|images| region([images, whole[1]]));
        let module = module(whole);
        let pieces = Pieces::of_sizes(&module.symbols, pieces.to_vec());
        assert_eq!(sizes_to_check(&module, &pieces).left_out, [1]);
    }

    proptest! {
        #[test]
        fn every_affordable_piece_has_a_size_inside_it(
            images in (1i64..9, 1i64..5000, 1i64..5),
            height in (14i64..60, 14i64..3000, 1i64..30),
            cuts in prop::array::uniform2(prop::collection::vec(0.0f64..1.0, 0..6)),
        ) {
            let range = |(min, more, step): (i64, i64, i64)| {
                let min = (min + step - 1) / step * step;
                SymbolRange { min, max: min + more, step }
            };
            let whole = [range(images), range(height)];
            let parts = [cut(whole[0], &cuts[0]), cut(whole[1], &cuts[1])];
            let regions: Vec<PieceSizes> = parts[0]
                .iter()
                .flat_map(|images| parts[1].iter().map(|height| region([*images, *height])))
                .collect();
            let module = module(whole);
            let pieces = Pieces::of_sizes(&module.symbols, regions);
            let sizes = sizes_to_check(&module, &pieces);
            for (piece, region) in pieces.sizes().iter().enumerate() {
                let is_run = sizes.run.iter().any(|at| pieces.at(at) == Some(piece));
                let is_first = sizes.run.len() == 1;
                prop_assert!(is_run == is_affordable(&module, &firsts(region)) || is_first);
                prop_assert_eq!(sizes.left_out.contains(&piece), !is_run);
                // Where there is room and time, one lies off the border along both symbols.
                let middle = middle(region);
                let has_room = region.each.iter().all(|(_, range)| range.last() > range.first());
                if has_room && is_affordable(&module, &middle) {
                    prop_assert!(sizes.run.contains(&middle));
                    prop_assert!(region.each.iter().all(|(s, range)| middle[s] > range.first()));
                }
            }
            for at in &sizes.run {
                prop_assert!(module.symbols.bind(at).is_ok());
                prop_assert!(is_affordable(&module, at) || sizes.run.len() == 1);
            }
            // The reference is not asked for more than a small share for each piece beside what is for the borders.
            let needed = 8 + pieces.sizes().len() as i64;
            let together: i64 = sizes.run.iter().filter_map(|at| input_elements(&module, at)).sum();
            prop_assert!(
                together <= MAX_ELEMENTS_TOGETHER + needed * MAX_INPUT_ELEMENTS
                    || sizes.run.len() == 1
            );
        }

        /// Cuts that no size can fall between leave a piece without a size, and are left out.
        #[test]
        fn every_affordable_piece_along_a_product_has_a_size_in_it(
            images in 1i64..40,
            rows in 2i64..40,
            begins in prop::collection::btree_set(3i64..1000, 1..8),
        ) {
            let whole = [SymbolRange::new(1, images), SymbolRange { min: 14, max: 14 * rows, step: 14 }];
            let begins: Vec<i64> = begins.into_iter().collect();
            let (module, pieces, work) = along_work(whole, &begins);
            let sizes = sizes_to_check(&module, &pieces);
            for piece in 0..pieces.sizes().len() {
                let sizes_of_both = (1..=images).flat_map(|images| (1..=rows).map(move |rows| (images, rows)));
                let min = sizes_of_both
                    .map(|(images, rows)| Bindings::from([
                        (Symbol::new(NAMES[0]), images),
                        (Symbol::new(NAMES[1]), 14 * rows),
                    ]))
                    .filter(|at| pieces.at(at) == Some(piece))
                    .min_by_key(|at| work.evaluate(&module.symbols.bind(at).unwrap()));
                prop_assert_eq!(sizes.left_out.contains(&piece), min.is_none());
            }
        }
    }
}
