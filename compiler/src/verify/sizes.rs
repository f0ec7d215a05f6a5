//! Which sizes to check: the ends of each piece, one inside, and the sizes beside each breakpoint.

use ocellus_dialects::symbolic::{Bindings, Dim, Symbol, Symbols};
use ocellus_dialects::venc;

/// Elements of all inputs together: a size with more is not run (its lower neighbour is).
const MAX_INPUT_ELEMENTS: i64 = 3 * 1024 * 1024;

/// The free symbols' values for each check, deduplicated, in a fixed order. `breakpoints` are sizes at which another
/// piece begins.
pub fn sizes_to_check(module: &venc::Module, breakpoints: &[(Symbol, i64)]) -> Vec<Bindings> {
    let symbols = &module.symbols;
    let base: Bindings = symbols.free().map(|(s, range)| (s.clone(), range.min)).collect();
    let mut candidates = vec![base.clone()];
    for (symbol, range) in symbols.free() {
        let near_breakpoints = breakpoints
            .iter()
            .filter(|(of, _)| of == symbol)
            .flat_map(|(_, at)| [at - 1, *at, at + 1]);
        let small = [range.min + range.step, range.min + 2 * range.step, range.max];
        for value in small.into_iter().chain(near_breakpoints) {
            let aligned = value - value.rem_euclid(range.step);
            let mut at = base.clone();
            at.insert(symbol.clone(), aligned);
            if range.contains(aligned) {
                candidates.push(at);
            }
        }
    }
    // Everything a little larger at once, so that no two symbols are only ever tested apart.
    let mixed = symbols.free().map(|(symbol, range)| {
        let steps = (range.max - range.min) / range.step;
        (symbol.clone(), range.min + steps.min(3) * range.step)
    });
    candidates.push(mixed.collect());
    let affordable =
        |at: &Bindings| input_elements(module, at).is_some_and(|n| n <= MAX_INPUT_ELEMENTS);
    let mut sizes: Vec<Bindings> = vec![];
    for at in candidates {
        if !sizes.contains(&at) && (affordable(&at) || sizes.is_empty()) && is_usable(symbols, &at)
        {
            sizes.push(at);
        }
    }
    sizes
}

/// Whether every defined symbol is at least one: an image smaller than a patch has no tokens.
fn is_usable(symbols: &Symbols, at: &Bindings) -> bool {
    symbols.bind(at).is_ok_and(|bound| bound.values().all(|value| *value >= 1))
}

fn input_elements(module: &venc::Module, at: &Bindings) -> Option<i64> {
    let bound = module.symbols.bind(at).ok()?;
    let entry = module.entry_function()?;
    entry.arguments.iter().try_fold(0i64, |sum, argument| {
        let elements: Dim = argument.ty.elements();
        sum.checked_add(elements.evaluate(&bound)?)
    })
}
