//! [`partition`]: a range of sizes cut into few rectangles, each served by one program at a small loss.

use super::axes::{Grid, Position};

/// Sizes from one position to another, both included, and the program for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// The least steps along both axes.
    pub from: Position,
    /// The greatest.
    pub to: Position,
    /// The program.
    pub program: usize,
}

/// How much more each program costs at each sample than the cheapest, as a share.
pub struct Losses {
    grid: Grid,
    /// By row, column, program.
    values: Vec<Vec<Vec<f64>>>,
}

impl Losses {
    /// The losses under prices of all programs at a position.
    pub fn of<E>(
        grid: Grid,
        mut prices: impl FnMut(Position) -> Result<Vec<f64>, E>,
    ) -> Result<Self, E> {
        let mut values = vec![];
        for row in &grid[0] {
            let mut losses = vec![];
            for column in &grid[1] {
                let prices = prices([*row, *column])?;
                let least = prices.iter().copied().fold(f64::INFINITY, f64::min);
                losses.push(prices.iter().map(|price| price / least.max(1e-9) - 1.0).collect());
            }
            values.push(losses);
        }
        Ok(Losses { grid, values })
    }

    fn programs(&self) -> usize {
        self.values.first().and_then(|row| row.first()).map_or(0, Vec::len)
    }

    /// The fewest programs, found greedily, of which one serves each sample.
    fn cover(&self, tolerance: f64) -> Vec<usize> {
        let mut open: Vec<&Vec<f64>> = self.values.iter().flatten().collect();
        let mut chosen = vec![];
        while !open.is_empty() {
            let served =
                |program: usize| open.iter().filter(|losses| losses[program] <= tolerance).count();
            // Of equals the first: the same range is always cut alike.
            let best = (0..self.programs()).rev().max_by_key(|program| served(*program));
            let Some(best) = best.filter(|best| served(*best) > 0) else { break };
            open.retain(|losses| losses[best] > tolerance);
            chosen.push(best);
        }
        chosen
    }

    /// The worst loss of a program over some rows at one column.
    fn worst(&self, rows: (usize, usize), column: usize, program: usize) -> f64 {
        (rows.0..=rows.1).map(|row| self.values[row][column][program]).fold(0.0, f64::max)
    }

    /// Rows as one slab: its columns in segments `(last column, program)`, each served within the tolerance. None where
    /// some column has no program for all of these rows.
    fn segments(
        &self,
        rows: (usize, usize),
        programs: &[usize],
        tolerance: f64,
    ) -> Option<Vec<(usize, usize)>> {
        let columns = self.grid[1].len();
        let mut segments: Vec<(usize, usize)> = vec![];
        let mut start = 0;
        while start < columns {
            let reach = |program: usize| {
                (start..columns)
                    .take_while(|column| self.worst(rows, *column, program) <= tolerance)
                    .count()
            };
            let farthest = programs.iter().rev().copied().max_by_key(|program| reach(*program))?;
            let length = reach(farthest);
            if length == 0 {
                return None;
            }
            self.draw_back(rows, &mut segments, farthest);
            segments.push((start + length - 1, farthest));
            start += length;
        }
        Some(segments)
    }

    /// The last segment went as far as it could. It ends where the next one's program becomes the better.
    fn draw_back(&self, rows: (usize, usize), segments: &mut [(usize, usize)], next: usize) {
        let start = segments.len().checked_sub(2).map_or(0, |before| segments[before].0 + 1);
        let Some((end, program)) = segments.last_mut() else { return };
        while *end > start && self.worst(rows, *end, next) < self.worst(rows, *end, *program) {
            *end -= 1;
        }
    }
}

/// Few rectangles that cover the range. At every sample the program of its rectangle costs at most `tolerance` more than
/// the cheapest.
pub fn partition(losses: &Losses, tolerance: f64) -> Vec<Rectangle> {
    let programs = losses.cover(tolerance);
    let [rows, columns] = &losses.grid;
    let mut rectangles = vec![];
    let mut first = 0;
    while first < rows.len() {
        let mut slab = (first, losses.segments((first, first), &programs, tolerance));
        for last in first + 1..rows.len() {
            match losses.segments((first, last), &programs, tolerance) {
                Some(segments) => slab = (last, Some(segments)),
                None => break,
            }
        }
        let (last, segments) = slab;
        let mut start = 0;
        for (end, program) in segments.unwrap_or_default() {
            rectangles.push(Rectangle {
                from: [rows[first], columns[start]],
                to: [up_to(rows, last), up_to(columns, end)],
                program,
            });
            start = end + 1;
        }
        first = last + 1;
    }
    rectangles
}

/// The last step before the next sample.
fn up_to(samples: &[i64], position: usize) -> i64 {
    samples.get(position + 1).map_or(samples[position], |next| next - 1)
}

/// Moves each border along the second axis to the first step at which the program behind it is the better, found by
/// bisection between the samples around it. `is_better` compares two programs at a position.
pub fn settle_borders<E>(
    grid: &Grid,
    rectangles: &mut [Rectangle],
    mut is_better: impl FnMut(Position, usize, usize) -> Result<bool, E>,
) -> Result<(), E> {
    for position in 1..rectangles.len() {
        let [before, behind] = [rectangles[position - 1], rectangles[position]];
        if before.from[0] != behind.from[0] {
            continue;
        }
        let samples = &grid[1];
        let index = samples.partition_point(|sample| *sample < behind.from[1]);
        let Some(mut worse) = index.checked_sub(1).map(|index| samples[index]) else { continue };
        let mut better = behind.from[1];
        let row = before.from[0].midpoint(before.to[0]);
        while better - worse > 1 {
            let middle = worse.midpoint(better);
            match is_better([row, middle], behind.program, before.program)? {
                true => better = middle,
                false => worse = middle,
            }
        }
        rectangles[position - 1].to[1] = better - 1;
        rectangles[position].from[1] = better;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn settled(
        grid: &Grid,
        price: impl Fn(Position, usize) -> f64,
        tolerance: f64,
    ) -> Vec<Rectangle> {
        let losses = Losses::of(grid.clone(), |position| {
            Ok::<_, Infallible>(vec![price(position, 0), price(position, 1), price(position, 2)])
        });
        let Ok(losses) = losses;
        let mut rectangles = partition(&losses, tolerance);
        let Ok(()) = settle_borders(grid, &mut rectangles, |position, a, b| {
            Ok::<_, Infallible>(price(position, a) < price(position, b))
        });
        rectangles
    }

    #[test]
    fn a_border_lies_where_the_better_program_changes() {
        let grid = [vec![0], vec![0, 1, 10, 100, 999]];
        // A fixed part and one that grows: the lines cross between 57 and 58, the third program never wins.
        let price = |[_, x]: Position, program: usize| match program {
            0 => 10.0 + 1.5 * x as f64,
            1 => 68.0 + 0.5 * x as f64,
            _ => 500.0 + 0.5 * x as f64,
        };
        assert_eq!(
            settled(&grid, price, 0.0),
            [
                Rectangle { from: [0, 0], to: [0, 58], program: 0 },
                Rectangle { from: [0, 59], to: [0, 999], program: 1 },
            ]
        );
        // Twice the price is well enough.
        let one = settled(&grid, price, 10.0);
        assert_eq!(one, [Rectangle { from: [0, 0], to: [0, 999], program: 0 }]);
    }

    #[test]
    fn rows_that_are_cut_alike_are_one_slab() {
        let samples: Vec<i64> = (0..8).collect();
        // The product of both decides.
        let price = |[row, column]: Position, program: usize| {
            let size = ((row + 1) * (column + 1)) as f64;
            [10.0 + size, 20.0 + 0.5 * size, 1e3][program]
        };
        let rectangles = settled(&[samples.clone(), samples], price, 0.0);
        let served = |row, column| {
            let inside = |r: &&Rectangle| {
                (r.from[0]..=r.to[0]).contains(&row) && (r.from[1]..=r.to[1]).contains(&column)
            };
            let found: Vec<_> = rectangles.iter().filter(inside).collect();
            assert_eq!(found.len(), 1, "{row} {column}");
            found[0].program
        };
        for row in 0..8 {
            for column in 0..8 {
                let size = (row + 1) * (column + 1);
                let program = served(row, column);
                assert!(size == 20 || program == usize::from(size > 20), "{row} {column}");
            }
        }
        // Rows 0 and 1 never reach 20: they are one slab with one segment.
        assert_eq!(rectangles[0], Rectangle { from: [0, 0], to: [1, 7], program: 0 });
    }

    proptest! {
        #[test]
        fn every_size_is_in_one_rectangle_and_every_sample_is_served(
            prices in proptest::collection::vec(1.0f64..2.0, 5 * 6 * 3),
            tolerance in 0.0f64..0.5,
        ) {
            let grid = [vec![0, 1, 2, 5, 9], vec![0, 1, 3, 7, 8, 20]];
            let price = |[row, column]: Position, program: usize| {
                let row = grid[0].iter().rposition(|sample| *sample <= row).unwrap();
                let column = grid[1].iter().rposition(|sample| *sample <= column).unwrap();
                prices[(row * 6 + column) * 3 + program]
            };
            let rectangles = settled(&grid, price, tolerance);
            for row in 0..=9 {
                for column in 0..=20 {
                    let inside: Vec<&Rectangle> = rectangles
                        .iter()
                        .filter(|r| (r.from[0]..=r.to[0]).contains(&row))
                        .filter(|r| (r.from[1]..=r.to[1]).contains(&column))
                        .collect();
                    prop_assert_eq!(inside.len(), 1);
                    let is_sample = grid[0].contains(&row) && grid[1].contains(&column);
                    let all = [0, 1, 2].map(|program| price([row, column], program));
                    let least = all.into_iter().fold(f64::INFINITY, f64::min);
                    prop_assert!(
                        !is_sample || all[inside[0].program] <= least * (1.0 + tolerance) + 1e-9
                    );
                }
            }
        }
    }
}
