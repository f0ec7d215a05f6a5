//! A thread walks the columns of a row in full vectors, then in ever smaller ones. No lane is ever masked. What is left over
//! of a known width is written out in powers of two; of another it goes one by one.

use super::{Combine, Width};
use crate::mlir::{Builder, Type, Value};

/// Vectors that a fold keeps apart, so that one addition need not wait for the last.
const INDEPENDENT: u32 = 4;

/// Calls `body` with the first column and the number of lanes of each piece of the row.
pub(super) fn for_columns(
    b: &mut Builder,
    lanes: u32,
    width: Width,
    mut body: impl FnMut(&mut Builder, Value, u32),
) {
    let zero = b.i64(0);
    match width {
        Width::Static(width) => {
            let full = width - width % i64::from(lanes);
            if full > 0 {
                let end = b.i64(full);
                b.for_each((zero, end, i64::from(lanes)), |b, column| body(b, column, lanes));
            }
            for (column, lanes) in pieces(full, width, lanes) {
                let column = b.i64(column);
                body(b, column, lanes);
            }
        }
        Width::Dynamic(width) => {
            let end = full_vectors_end(b, width, lanes);
            b.for_each((zero, end, i64::from(lanes)), |b, column| body(b, column, lanes));
            b.for_each((end, width, 1), |b, column| body(b, column, 1));
        }
    }
}

/// Combines what `body` gives for each piece of the row into one scalar. `identity` is the number that `combine`
/// leaves as it is.
pub(super) fn fold_columns(
    b: &mut Builder,
    lanes: u32,
    width: Width,
    (identity, combine): (f64, Combine),
    mut body: impl FnMut(&mut Builder, Value, u32) -> Value,
) -> Value {
    let (zero, stride) = (b.i64(0), i64::from(lanes * INDEPENDENT));
    let end = match width {
        Width::Static(width) => b.i64(width - width % stride),
        Width::Dynamic(width) => full_vectors_end(b, width, lanes * INDEPENDENT),
    };
    let none = b.splat(identity, Type::f32s(lanes));
    let partial = [none; INDEPENDENT as usize];
    let partial = b.for_loop((zero, end, stride), &partial, |b, column, partial| {
        let mut step = |(position, sum): (usize, &Value)| {
            let column = b.add_constant(column, position as i64 * i64::from(lanes));
            let value = body(b, column, lanes);
            combine(b, *sum, value)
        };
        partial.iter().enumerate().map(&mut step).collect()
    });
    let mut vector = none;
    for sum in partial {
        vector = combine(b, vector, sum);
    }
    match width {
        Width::Static(width) => {
            let rest = pieces(width - width % stride, width, lanes);
            let (vectors, small): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|(_, piece)| *piece == lanes);
            for (column, lanes) in vectors {
                let column = b.i64(column);
                let value = body(b, column, lanes);
                vector = combine(b, vector, value);
            }
            let mut scalar = b.fold_lanes(vector, combine);
            for (column, lanes) in small {
                let column = b.i64(column);
                let value = body(b, column, lanes);
                let value = b.fold_lanes(value, combine);
                scalar = combine(b, scalar, value);
            }
            scalar
        }
        Width::Dynamic(width) => {
            let scalar = b.fold_lanes(vector, combine);
            let folded = b.for_loop((end, width, 1), &[scalar], |b, column, sum| {
                let value = body(b, column, 1);
                let value = b.lane(value, 0);
                vec![combine(b, sum[0], value)]
            });
            folded[0]
        }
    }
}

fn full_vectors_end(b: &mut Builder, width: Value, lanes: u32) -> Value {
    let lanes = b.i64(i64::from(lanes));
    let vectors = b.div(width, lanes);
    b.mul(vectors, lanes)
}

/// `start..end` in pieces of at most `lanes`, each a power of two, the greatest first.
pub(crate) fn pieces(start: i64, end: i64, lanes: u32) -> Vec<(i64, u32)> {
    let (mut pieces, mut column, mut lanes) = (vec![], start, lanes);
    while column < end {
        while i64::from(lanes) > end - column {
            lanes /= 2;
        }
        pieces.push((column, lanes));
        column += i64::from(lanes);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn pieces_cover_the_row_once() {
        assert_eq!(pieces(0, 0, 16), []);
        assert_eq!(pieces(16, 45, 16), [(16, 16), (32, 8), (40, 4), (44, 1)]);
        assert_eq!(pieces(0, 3, 8), [(0, 2), (2, 1)]);
    }
}
