//! [`Dispatch`]: which program runs at a size.

use ocellus_dialects::plan::Plan;

/// The ranges of all pieces in one stretch of memory: a call with a new size looks through them once.
pub struct Dispatch {
    bounds: Vec<Bound>,
    /// Of each piece, where its bounds end, and its program.
    pieces: Vec<(usize, usize)>,
}

struct Bound {
    symbol: usize,
    min: i64,
    max: i64,
}

impl Dispatch {
    /// The pieces of a plan.
    pub fn new(plan: &Plan) -> Self {
        let mut dispatch = Dispatch { bounds: vec![], pieces: vec![] };
        for piece in &plan.pieces {
            let bounds = piece.ranges.iter();
            dispatch.bounds.extend(bounds.map(|r| Bound {
                symbol: r.symbol,
                min: r.min,
                max: r.max,
            }));
            dispatch.pieces.push((dispatch.bounds.len(), piece.program));
        }
        dispatch
    }

    /// The program of the first piece that applies where the symbols have those values.
    pub fn program_at(&self, symbols: &[i64]) -> Option<usize> {
        let holds = |bound: &Bound| {
            symbols.get(bound.symbol).is_some_and(|value| (bound.min..=bound.max).contains(value))
        };
        let mut first = 0;
        for (end, program) in &self.pieces {
            if self.bounds.get(first..*end)?.iter().all(holds) {
                return Some(*program);
            }
            first = *end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::plan::{Piece, PieceRange};
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    /// Eight by eight boxes over two symbols of `1..=64`, each with a program of its own.
    fn sixty_four() -> Dispatch {
        let range =
            |symbol, eighth: i64| PieceRange { symbol, min: 8 * eighth + 1, max: 8 * eighth + 8 };
        let pieces = (0..64).map(|program: usize| Piece {
            ranges: vec![range(0, program as i64 / 8), range(1, program as i64 % 8)],
            program,
        });
        let pieces = pieces.collect();
        Dispatch::new(&Plan {
            symbols: vec![],
            inputs: vec![],
            outputs: vec![],
            weights: vec![],
            kernels: vec![],
            programs: vec![],
            pieces,
        })
    }

    #[test]
    fn every_size_finds_its_box_and_a_stranger_none() {
        let dispatch = sixty_four();
        for a in 1..=64i64 {
            for b in 1..=64i64 {
                let wanted = (a - 1) / 8 * 8 + (b - 1) / 8;
                assert_eq!(dispatch.program_at(&[a, b]), Some(wanted as usize));
            }
        }
        assert_eq!(dispatch.program_at(&[65, 1]), None);
        assert_eq!(dispatch.program_at(&[1]), None);
    }

    /// The bar is 200 ns in an optimized build; what a debug build takes says nothing, so it has ten times that.
    #[test]
    fn sixty_four_pieces_are_told_apart_in_well_under_a_microsecond() {
        let dispatch = sixty_four();
        let max = Duration::from_nanos(if cfg!(debug_assertions) { 20_000 } else { 200 });
        let calls = 4096u32;
        let fastest = (0..20).map(|_| {
            let start = Instant::now();
            for call in 0..i64::from(calls) {
                black_box(dispatch.program_at(black_box(&[1 + call / 64, 1 + call % 64])));
            }
            start.elapsed() / calls
        });
        let fastest = fastest.min().unwrap_or_default();
        println!("{fastest:?} for a dispatch among 64 pieces");
        assert!(fastest < max, "{fastest:?}");
    }
}
