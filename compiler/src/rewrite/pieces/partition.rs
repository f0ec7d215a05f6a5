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
    /// By program, then row by row.
    values: Vec<Vec<f64>>,
}

/// Columns in segments: the last of each, and its program.
type Segments = Vec<(usize, usize)>;

impl Losses {
    /// The losses of programs with those prices where the cheapest costs `least`, all row by row.
    pub fn of<'p>(grid: Grid, least: &[f64], prices: impl IntoIterator<Item = &'p [f64]>) -> Self {
        let loss = |(price, least): (&f64, &f64)| price / least.max(1e-9) - 1.0;
        let losses = |prices: &[f64]| prices.iter().zip(least).map(loss).collect();
        Losses { grid, values: prices.into_iter().map(losses).collect() }
    }

    /// The whole range as one rectangle, with the first program.
    fn whole(&self) -> Rectangle {
        let last = |samples: &Vec<i64>| samples.last().copied().unwrap_or(0);
        let [rows, columns] = &self.grid;
        Rectangle { from: [0, 0], to: [last(rows), last(columns)], program: 0 }
    }

    /// The fewest programs, found greedily, of which one serves each sample that any program serves.
    fn cover(&self, tolerance: f64) -> Vec<usize> {
        let samples = self.grid[0].len() * self.grid[1].len();
        let mut open: Vec<usize> = (0..samples).collect();
        let mut served: Vec<usize> = self
            .values
            .iter()
            .map(|losses| losses.iter().filter(|loss| **loss <= tolerance).count())
            .collect();
        let mut chosen = vec![];
        // Of equals the first: the same range is always cut alike.
        while let Some(best) = (0..served.len()).rev().max_by_key(|program| served[*program]) {
            if served[best] == 0 {
                break;
            }
            open.retain(|sample| {
                let stays = self.values[best][*sample] > tolerance;
                if !stays {
                    let serves = |losses: &Vec<f64>| losses[*sample] <= tolerance;
                    let counts = served.iter_mut().zip(&self.values);
                    counts.for_each(|(count, losses)| *count -= usize::from(serves(losses)));
                }
                stays
            });
            chosen.push(best);
        }
        chosen
    }
}

/// Rows as one slab: the worst loss of each program over them, by column.
struct Slab<'a> {
    losses: &'a Losses,
    programs: &'a [usize],
    worst: Vec<Vec<f64>>,
}

impl<'a> Slab<'a> {
    fn new(losses: &'a Losses, programs: &'a [usize]) -> Self {
        let worst = vec![vec![0.0; losses.grid[1].len()]; programs.len()];
        Slab { losses, programs, worst }
    }

    fn add_row(&mut self, row: usize) {
        for (worst, program) in self.worst.iter_mut().zip(self.programs) {
            let row = &self.losses.values[*program][row * worst.len()..];
            worst.iter_mut().zip(row).for_each(|(worst, loss)| *worst = worst.max(*loss));
        }
    }

    /// The fewest segments, each served within the tolerance. None where some column has no program for all of the rows.
    fn segments(&self, tolerance: f64) -> Option<Segments> {
        let columns = self.losses.grid[1].len();
        let mut segments: Segments = vec![];
        let mut start = 0;
        while start < columns {
            let reach = |worst: &Vec<f64>| {
                worst[start..].iter().take_while(|loss| **loss <= tolerance).count()
            };
            let reaches = self.worst.iter().map(reach).enumerate().rev();
            let (farthest, length) = reaches.max_by_key(|(_, reach)| *reach)?;
            if length == 0 {
                return None;
            }
            self.draw_back(&mut segments, farthest);
            segments.push((start + length - 1, farthest));
            start += length;
        }
        let program = |(last, position): (usize, usize)| (last, self.programs[position]);
        Some(segments.into_iter().map(program).collect())
    }

    /// The last segment went as far as it could. It ends where the next one's program becomes the better.
    fn draw_back(&self, segments: &mut [(usize, usize)], next: usize) {
        let start = segments.len().checked_sub(2).map_or(0, |before| segments[before].0 + 1);
        let Some((end, position)) = segments.last_mut() else { return };
        while *end > start && self.worst[next][*end] < self.worst[*position][*end] {
            *end -= 1;
        }
    }
}

/// The rows in slabs and their columns in segments, so that there are the fewest rectangles of this kind. None where the
/// programs do not serve all samples.
fn slabs(losses: &Losses, programs: &[usize], tolerance: f64) -> Option<Vec<(usize, Segments)>> {
    let rows = losses.grid[0].len();
    // The fewest rectangles of the rows before each, and the last slab of these.
    let mut fewest: Vec<Option<(usize, usize, Segments)>> = vec![None; rows + 1];
    fewest[0] = Some((0, 0, vec![]));
    for first in 0..rows {
        let before = fewest[first].as_ref()?.0;
        let mut slab = Slab::new(losses, programs);
        for last in first..rows {
            slab.add_row(last);
            let Some(segments) = slab.segments(tolerance) else { break };
            let count = before + segments.len();
            if fewest[last + 1].as_ref().is_none_or(|known| count < known.0) {
                fewest[last + 1] = Some((count, first, segments));
            }
        }
    }
    let mut slabs = vec![];
    let mut end = rows;
    while end > 0 {
        let (_, first, segments) = fewest[end].take()?;
        slabs.push((first, segments));
        end = first;
    }
    slabs.reverse();
    Some(slabs)
}

/// How often the tolerance is halved in on, once there are few enough rectangles.
const ROUNDS: usize = 5;

/// A tolerance that any program meets.
const ANY: f64 = 1e6;

/// No more rectangles than `most` that cover the range, and the tolerance that they meet: the one asked for, or about the
/// least with which there are so few.
pub fn within(losses: &Losses, tolerance: f64, most: usize) -> (Vec<Rectangle>, f64) {
    let few = |tolerance: f64| {
        partition(losses, tolerance).filter(|rectangles| rectangles.len() <= most.max(1))
    };
    let (mut too_strict, mut lax) = (tolerance, tolerance);
    let mut found = few(tolerance);
    while found.is_none() && lax < ANY {
        too_strict = lax;
        lax = (lax * 1.5).max(1e-3);
        found = few(lax);
    }
    for _ in 0..ROUNDS {
        let between = 0.5 * (too_strict + lax);
        match few(between).filter(|_| too_strict < lax) {
            Some(stricter) => (found, lax) = (Some(stricter), between),
            None => too_strict = between,
        }
    }
    (found.unwrap_or_else(|| vec![losses.whole()]), lax)
}

/// Few rectangles that cover the range. At every sample the program of its rectangle costs at most `tolerance` more than
/// the cheapest. None where at some sample no program is so good.
fn partition(losses: &Losses, tolerance: f64) -> Option<Vec<Rectangle>> {
    let programs = losses.cover(tolerance);
    let slabs = slabs(losses, &programs, tolerance)?;
    let [rows, columns] = &losses.grid;
    let mut rectangles = vec![];
    for (position, (first, segments)) in slabs.iter().enumerate() {
        let last = slabs.get(position + 1).map_or(rows.len(), |(next, _)| *next) - 1;
        let mut start = 0;
        for (end, program) in segments {
            rectangles.push(Rectangle {
                from: [rows[*first], columns[start]],
                to: [up_to(rows, last), up_to(columns, *end)],
                program: *program,
            });
            start = end + 1;
        }
    }
    Some(rectangles)
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
        let positions: Vec<Position> =
            grid[0].iter().flat_map(|row| grid[1].iter().map(|column| [*row, *column])).collect();
        let of = |program| positions.iter().map(|position| price(*position, program)).collect();
        let prices: Vec<Vec<f64>> = (0..3).map(of).collect();
        let least = |sample: usize| prices.iter().map(|p| p[sample]).fold(f64::INFINITY, f64::min);
        let least: Vec<f64> = (0..positions.len()).map(least).collect();
        let losses = Losses::of(grid.clone(), &least, prices.iter().map(Vec::as_slice));
        let (mut rectangles, met) = within(&losses, tolerance, usize::MAX);
        assert_eq!(met, tolerance);
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
