//! Which piece runs where, over the first two symbols that cut the range.

use super::breakpoints::Breakpoints;
use ocellus_dialects::symbolic::{Symbol, SymbolRange};
use ocellus_explain::PieceMap;

/// Cells along each symbol, beside the breakpoints.
const CELLS: i64 = 96;

/// The map; `None` where not two symbols cut the range. Others move along with the second, as far as they can: the width
/// of an image with its height.
pub(super) fn piece_map(breakpoints: Breakpoints<'_>) -> Option<PieceMap> {
    let cutting = breakpoints.cutting();
    let [across, upwards, others @ ..] = cutting.as_slice() else { return None };
    let min = breakpoints.min();
    let samples = |(symbol, range): &(Symbol, SymbolRange)| -> Vec<i64> {
        breakpoints.samples((symbol, *range), &min, CELLS).into_iter().collect()
    };
    let mut map = PieceMap {
        across: across.0.to_string(),
        upwards: upwards.0.to_string(),
        along: others.iter().map(|(symbol, _)| symbol.to_string()).collect(),
        across_from: samples(across),
        upwards_from: samples(upwards),
        pieces: vec![],
    };
    for second in &map.upwards_from {
        let cell = |first: &i64| {
            let mut free = min.clone();
            free.insert(across.0.clone(), *first);
            free.insert(upwards.0.clone(), *second);
            for (symbol, range) in others {
                free.insert(
                    symbol.clone(),
                    range.at_most(*second).clamp(range.first(), range.last()),
                );
            }
            breakpoints.piece_at(&free).map(|(piece, _)| piece)
        };
        map.pieces.push(map.across_from.iter().map(cell).collect());
    }
    Some(map)
}
