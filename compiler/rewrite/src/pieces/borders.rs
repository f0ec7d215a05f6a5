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
pub struct Line {
    /// The axis.
    pub axis: usize,
    /// The steps along the others.
    pub fixed: Position,
    /// The least step.
    pub from: i64,
    /// The greatest step.
    pub to: i64,
}

impl Line {
    fn at(&self, step: i64) -> Position {
        let mut position = self.fixed;
        position[self.axis] = step;
        position
    }

    /// The least step with at least that value, which grows along the line; one past the last where there is none.
    pub fn first_with<E>(
        &self,
        value: &impl Fn(Position) -> Result<i64, E>,
        min: i64,
    ) -> Result<i64, E> {
        let (mut below, mut end) = (self.from - 1, self.to + 1);
        while end - below > 1 {
            let middle = below.midpoint(end);
            match value(self.at(middle))? < min {
                true => below = middle,
                false => end = middle,
            }
        }
        Ok(end)
    }
}

/// Rows of a slab in which a border is looked for, at most.
const MAX_ROWS: i64 = 32;

/// Moves each border inside a slab to the least value at which the program behind it is the better. It is found by
/// bisection, in several rows, with the third axis at its ends and in its middle: the sizes of one row do not have every
/// value. Where no size of these lies between the two samples, it is looked for at the least size of all rows. `columns`
/// are the values at samples.
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
        if before.rows != behind.rows || before.columns[1] + 1 != behind.columns[0] {
            continue;
        }
        let values = [sample_before + 1, behind.columns[0]];
        let mut border = None;
        for line in lines(sizes, before.rows) {
            let found = border_on(sizes, &line, values, [behind, before])?;
            border = border.into_iter().chain(found).min();
        }
        if border.is_none() {
            let [from, to] = before.rows;
            let min = Line { axis: 0, fixed: [0; AXES], from, to };
            border = border_on(sizes, &min, values, [behind, before])?;
        }
        if let Some(border) = border {
            parts[position - 1].columns[1] = border - 1;
            parts[position].columns[0] = border;
        }
    }
    Ok(())
}

/// The lines along the second axis on which a border of a slab is looked for.
fn lines<S: Sizes>(sizes: &S, [from, to]: [i64; 2]) -> Vec<Line> {
    let (last, deepest) = (sizes.last_step(1), sizes.last_step(2));
    let mut layers = vec![0, deepest / 2, deepest];
    layers.dedup();
    let stride = ((to - from) / MAX_ROWS).max(1);
    let mut lines = vec![];
    for row in (0..MAX_ROWS).map(|count| from + count * stride).take_while(|row| *row <= to) {
        let along = |layer: &i64| Line { axis: 1, fixed: [row, 0, *layer], from: 0, to: last };
        lines.extend(layers.iter().map(along));
    }
    lines
}

/// On a line, the least value from the first to before the second at which the first part's program is the better.
fn border_on<S: Sizes>(
    sizes: &S,
    line: &Line,
    [min, end]: [i64; 2],
    parts: [Part; 2],
) -> Result<Option<i64>, S::Error> {
    let value = |at: Position| sizes.value(at);
    let (begin, end) = (line.first_with(&value, min)?, line.first_with(&value, end)?);
    let first = first_better(sizes, line, begin..end, parts)?;
    if first < end { sizes.value(line.at(first)).map(Some) } else { Ok(None) }
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
