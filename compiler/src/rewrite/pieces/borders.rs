//! [`settle_borders`]: between two samples, the size at which the better program changes.

use super::axes::{AXES, Position};
use super::partition::Part;

/// What is asked of positions.
pub trait Sizes {
    /// Why a position has no answer.
    type Error;

    /// The greatest step along an axis.
    fn last_step(&self, axis: usize) -> i64;

    /// The value there of what is cut along; it grows with the step along the second axis.
    fn value(&self, position: Position) -> Result<i64, Self::Error>;

    /// Whether the first program is better there than the second.
    fn is_better(&self, position: Position, a: usize, b: usize) -> Result<bool, Self::Error>;
}

/// Positions that grow along one axis, the others fixed.
struct Line {
    axis: usize,
    fixed: Position,
    from: i64,
    to: i64,
}

impl Line {
    fn at(&self, step: i64) -> Position {
        let mut position = self.fixed;
        position[self.axis] = step;
        position
    }

    /// The least step with at least that value; one past the last where there is none.
    fn first_with<S: Sizes>(&self, sizes: &S, least: i64) -> Result<i64, S::Error> {
        let (mut below, mut end) = (self.from - 1, self.to + 1);
        while end - below > 1 {
            let middle = below.midpoint(end);
            match sizes.value(self.at(middle))? < least {
                true => below = middle,
                false => end = middle,
            }
        }
        Ok(end)
    }
}

/// Moves each border inside a slab to the least value at which the program behind it is the better, found by bisection
/// in the slab's middle row, first where the third axis is in its middle as well and then at its ends; where no size of that
/// row lies between the two samples, at the least size of all rows.
/// `columns` are the values at samples.
pub fn settle_borders<S: Sizes>(
    sizes: &S,
    columns: &[i64],
    parts: &mut [Part],
) -> Result<(), S::Error> {
    for position in 1..parts.len() {
        let [before, behind] = [parts[position - 1], parts[position]];
        let index = columns.partition_point(|value| *value < behind.columns[0]);
        let Some(sample_before) = index.checked_sub(1).map(|index| columns[index]) else {
            continue;
        };
        if before.rows != behind.rows {
            continue;
        }
        let [from, to] = before.rows;
        let (row, last, deepest) = (from.midpoint(to), sizes.last_step(1), sizes.last_step(2));
        let along = |layer: i64| Line { axis: 1, fixed: [row, 0, layer], from: 0, to: last };
        let least = Line { axis: 0, fixed: [0; AXES], from, to };
        for line in [along(deepest / 2), along(0), along(deepest), least] {
            let begin = line.first_with(sizes, sample_before + 1)?;
            let end = line.first_with(sizes, behind.columns[0])?;
            if begin < end {
                let first = first_better(sizes, &line, begin..end, [behind, before])?;
                if first < end {
                    let border = sizes.value(line.at(first))?;
                    parts[position - 1].columns[1] = border - 1;
                    parts[position].columns[0] = border;
                }
                break;
            }
        }
    }
    Ok(())
}

/// The least step at which the first part's program is better than the second's; the end where it is not before it.
fn first_better<S: Sizes>(
    sizes: &S,
    line: &Line,
    between: std::ops::Range<i64>,
    [a, b]: [Part; 2],
) -> Result<i64, S::Error> {
    let (mut worse, mut better) = (between.start - 1, between.end);
    while better - worse > 1 {
        let middle = worse.midpoint(better);
        match sizes.is_better(line.at(middle), a.program, b.program)? {
            true => better = middle,
            false => worse = middle,
        }
    }
    Ok(better)
}
