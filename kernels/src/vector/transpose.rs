//! Square blocks of registers, rows exchanged with columns.

use crate::mlir::{Builder, Value};

/// Lane `j` of result `i` is lane `i` of `rows[j]`. As many rows as lanes, a power of two.
pub(crate) fn transpose(b: &mut Builder, rows: &[Value]) -> Vec<Value> {
    exchange_quarters(rows, |top, bottom, lanes| b.shuffle(*top, *bottom, lanes))
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
        let lanes = |upper: usize| -> Vec<u32> {
            // Rows differ in the bit `half` of their number; so do the lanes that change places.
            let lane = |lane: usize| match lane & half == 0 {
                true => lane + upper,
                false => size + lane - half + upper,
            };
            (0..size).map(|position| lane(position) as u32).collect()
        };
        let (to_top, to_bottom) = (lanes(0), lanes(half));
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
    use super::exchange_quarters;

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
}
