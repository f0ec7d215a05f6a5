//! Which sizes to check: those inside each piece, and those at, just below and just above each breakpoint.

use super::Pieces;
use super::pieces::Region;
use ocellus_dialects::symbolic::{Bindings, Dim, Symbol, SymbolRange};
use ocellus_dialects::venc;
use std::collections::BTreeSet;

/// Elements of all inputs together: a size with more is not run (its lower neighbour is).
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

/// Sizes for a module whose range is cut into those pieces. At least one lies in each piece whose least size is no larger
/// than some twenty images of 224 by 224 pixels.
pub fn sizes_to_check(module: &venc::Module, pieces: &Pieces) -> Sizes {
    let whole: Region = module.symbols.free().map(|(s, range)| (s.clone(), range)).collect();
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
    near_the_least(&whole).into_iter().for_each(|at| add(at, true));
    for region in pieces.regions() {
        let inside = inside(region);
        add(if is_affordable(module, &inside) { inside } else { least(region) }, true);
    }
    beside_breakpoints(module, &whole, pieces).for_each(|at| add(at, false));
    pieces.regions().iter().for_each(|region| add(least(region), false));
    // A range that holds no affordable size is checked at its least all the same.
    let base = least(&whole);
    if sizes.run.is_empty() && is_usable(module, &base) {
        sizes.run.push(base);
    }
    let seen: BTreeSet<usize> = sizes.run.iter().filter_map(|at| pieces.at(at)).collect();
    sizes.left_out = (0..pieces.regions().len()).filter(|piece| !seen.contains(piece)).collect();
    sizes
}

/// The least size, and for each symbol the next two and the greatest.
fn near_the_least(whole: &Region) -> Vec<Bindings> {
    let base = least(whole);
    let each = whole.iter().flat_map(|(symbol, range)| {
        let first = range.first();
        let small = [1, 2].map(|n| first.saturating_add(n * range.step));
        let values = small.into_iter().chain([range.last()]);
        let values = values.filter(|value| range.contains(*value));
        values.map(|value| with(&base, symbol, value)).collect::<Vec<_>>()
    });
    // Everything a little larger at once, so that no two symbols are only ever tested apart.
    [base.clone()].into_iter().chain(each).chain([inside(whole)]).collect()
}

/// For each breakpoint of each symbol the sizes at it, one step below and one above, the other symbols at the least sizes
/// of a piece that begins there: the one that is the fastest to run.
fn beside_breakpoints(
    module: &venc::Module,
    whole: &Region,
    pieces: &Pieces,
) -> impl Iterator<Item = Bindings> {
    let mut found: Vec<Bindings> = vec![];
    for (symbol, declared) in whole {
        let range_in = |region: &Region| {
            region.iter().find(|(of, _)| of == symbol).map_or(*declared, |(_, range)| *range)
        };
        let begins = pieces.regions().iter().map(|region| range_in(region).first());
        let begins: BTreeSet<i64> = begins.filter(|begin| *begin > declared.first()).collect();
        for begin in begins {
            let here = pieces.regions().iter().filter(|region| range_in(region).first() == begin);
            let corners = here.map(least);
            let elements = |at: &Bindings| input_elements(module, at).unwrap_or(i64::MAX);
            let Some(corner) = corners.min_by_key(|at| elements(at)) else { continue };
            let values = [begin - declared.step, begin, begin + declared.step];
            let values = values.into_iter().filter(|value| declared.contains(*value));
            found.extend(values.map(|value| with(&corner, symbol, value)));
        }
    }
    found.into_iter()
}

fn least(region: &Region) -> Bindings {
    region.iter().map(|(symbol, range)| (symbol.clone(), range.first())).collect()
}

/// A size that lies inside along every symbol that has room, and near the least.
fn inside(region: &Region) -> Bindings {
    let value = |range: &SymbolRange| {
        let steps = (range.last() - range.first()) / range.step;
        range.first() + (steps / 2).clamp(1, INSIDE).min(steps) * range.step
    };
    region.iter().map(|(symbol, range)| (symbol.clone(), value(range))).collect()
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
    use ocellus_dialects::symbolic::Symbols;
    use ocellus_dialects::venc::{FunctionBuilder, Module, Op, Role};
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
        let patchify = Op::Patchify { height: 14, width: 14, rows, cols: Dim::from(1) };
        let result = f.push(patchify, &[image]).unwrap();
        f.result("patches", result);
        Module { symbols, functions: vec![f.finish()], entry: "encode".into() }
    }

    fn region(ranges: [SymbolRange; 2]) -> Region {
        NAMES.map(Symbol::new).into_iter().zip(ranges).collect()
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
        let sizes = sizes_to_check(&module(whole), &Pieces::of_regions(pieces.to_vec()));
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
        let sizes = sizes_to_check(&module(whole), &Pieces::of_regions(pieces.to_vec()));
        assert_eq!(sizes.left_out, [1]);
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
            let regions: Vec<Region> = parts[0]
                .iter()
                .flat_map(|images| parts[1].iter().map(|height| region([*images, *height])))
                .collect();
            let module = module(whole);
            let pieces = Pieces::of_regions(regions);
            let sizes = sizes_to_check(&module, &pieces);
            for (piece, region) in pieces.regions().iter().enumerate() {
                let is_run = sizes.run.iter().any(|at| pieces.at(at) == Some(piece));
                let is_first = sizes.run.len() == 1;
                prop_assert!(is_run == is_affordable(&module, &least(region)) || is_first);
                prop_assert_eq!(sizes.left_out.contains(&piece), !is_run);
                // Where there is room and time, one lies off the border along both symbols.
                let middle = inside(region);
                let has_room = region.iter().all(|(_, range)| range.last() > range.first());
                if has_room && is_affordable(&module, &middle) {
                    prop_assert!(sizes.run.contains(&middle));
                    prop_assert!(region.iter().all(|(s, range)| middle[s] > range.first()));
                }
            }
            for at in &sizes.run {
                prop_assert!(module.symbols.bind(at).is_ok());
                prop_assert!(is_affordable(&module, at) || sizes.run.len() == 1);
            }
            // The reference is not asked for more than a small share for each piece beside what is for the borders.
            let needed = 8 + pieces.regions().len() as i64;
            let together: i64 = sizes.run.iter().filter_map(|at| input_elements(&module, at)).sum();
            prop_assert!(
                together <= MAX_ELEMENTS_TOGETHER + needed * MAX_INPUT_ELEMENTS
                    || sizes.run.len() == 1
            );
        }
    }
}
