//! Square blocks of registers, rows exchanged with columns.

use crate::mlir::{Builder, Value};

/// Lane `j` of result `i` is lane `i` of `rows[j]`. As many rows as lanes, a power of two.
pub(crate) fn transpose(b: &mut Builder, rows: &[Value]) -> Vec<Value> {
    exchange_quarters(rows, |top, bottom, lanes| b.shuffle(*top, *bottom, lanes))
}

/// Lane `i` is all lanes of `rows[i]`, combined. As many rows as lanes, a power of two.
pub(crate) fn fold_rows(
    b: &mut Builder,
    rows: &[Value],
    combine: impl Fn(&mut Builder, Value, Value) -> Value,
) -> Value {
    fold_halves(rows, |top, bottom, [kept, other]| {
        let kept = b.shuffle(*top, *bottom, kept);
        let other = b.shuffle(*top, *bottom, other);
        combine(b, kept, other)
    })
}

/// Puts two rows into one, a half of the lanes of each, until one is left: `n - 1` combinations of two shuffles. `combine`
/// makes a row of two choices of lanes of two rows, one after the other.
fn fold_halves<Row: Clone>(
    rows: &[Row],
    mut combine: impl FnMut(&Row, &Row, [&[u32]; 2]) -> Row,
) -> Row {
    let size = rows.len();
    let mut rows = rows.to_vec();
    let mut half = size / 2;
    while half > 0 {
        let [kept, other] = quarter_lanes(size, half);
        let (top, bottom) = rows.split_at(half);
        let pairs = top.iter().zip(bottom);
        rows = pairs.map(|(top, bottom)| combine(top, bottom, [&kept, &other])).collect();
        half /= 2;
    }
    rows.swap_remove(0)
}

/// Which lanes of two rows, one after the other, take part in an exchange of quarters: those of the upper row's result and
/// those of the lower one's.
fn quarter_lanes(size: usize, half: usize) -> [Vec<u32>; 2] {
    [0, half].map(|upper| {
        // Rows differ in the bit `half` of their number; so do the lanes that change places.
        let lane = |lane: usize| match lane & half == 0 {
            true => lane + upper,
            false => size + lane - half + upper,
        };
        (0..size).map(|position| lane(position) as u32).collect()
    })
}

/// Exchanges the off-diagonal quarters, then those of each quarter, and so on: `log2(n)` rounds of `n` shuffles.
/// `shuffle` makes a row of those lanes of two rows, one after the other.
fn exchange_quarters<Row: Clone>(
    rows: &[Row],
    mut shuffle: impl FnMut(&Row, &Row, &[u32]) -> Row,
) -> Vec<Row> {
    let mut rows = rows.to_vec();
    let size = rows.len();
    let mut half = size / 2;
    while half > 0 {
        let [to_top, to_bottom] = quarter_lanes(size, half);
        for first in (0..size).filter(|row| row & half == 0) {
            let (top, bottom) = (rows[first].clone(), rows[first + half].clone());
            rows[first] = shuffle(&top, &bottom, &to_top);
            rows[first + half] = shuffle(&top, &bottom, &to_bottom);
        }
        half /= 2;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{exchange_quarters, fold_halves};

    #[test]
    fn rows_become_columns() {
        for size in [1, 2, 4, 8, 16] {
            let row = |row: usize| -> Vec<(usize, usize)> {
                (0..size).map(|column| (row, column)).collect()
            };
            let rows: Vec<_> = (0..size).map(row).collect();
            let columns = exchange_quarters(&rows, |top, bottom, lanes| {
                let both = [top.as_slice(), bottom.as_slice()].concat();
                lanes.iter().map(|lane| both[*lane as usize]).collect()
            });
            for (i, column) in columns.iter().enumerate() {
                let wanted: Vec<_> = (0..size).map(|j| (j, i)).collect();
                assert_eq!(*column, wanted);
            }
        }
    }

    #[test]
    fn each_row_becomes_a_lane() {
        for size in [1, 2, 4, 8, 16] {
            // A number's bits say which lanes were combined, and the other one whose they were.
            let row = |row: usize| -> Vec<(usize, u32)> {
                (0..size).map(|lane| (row, 1 << lane)).collect()
            };
            let rows: Vec<_> = (0..size).map(row).collect();
            let folded = fold_halves(&rows, |top, bottom, choices| {
                let both = [top.as_slice(), bottom.as_slice()].concat();
                let [kept, other] =
                    choices.map(|lanes| lanes.iter().map(|lane| both[*lane as usize]));
                let pairs = kept.zip(other);
                pairs.map(|(x, y)| (if x.0 == y.0 { x.0 } else { size }, x.1 | y.1)).collect()
            });
            let all = ((1u64 << size) - 1) as u32;
            let wanted: Vec<_> = (0..size).map(|row| (row, all)).collect();
            assert_eq!(folded, wanted);
        }
    }
}
