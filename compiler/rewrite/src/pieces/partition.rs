//! [`partition`]: a range of sizes cut into few parts, each served by one program at a small loss.

use super::bits::{self, Bits};
use super::costs::excess;

/// Where the samples lie: each in a row and a column.
pub struct SampleTable {
    /// The least step of each row along the first axis.
    rows: Vec<i64>,
    /// The value of each column of what is cut along, growing.
    columns: Vec<i64>,
    /// The column of each sample.
    column_of: Vec<usize>,
    /// The samples of each row.
    samples_of: Vec<Vec<usize>>,
}

/// Sizes from one row to another, and from one value to another of what is cut along, all included; and the program for
/// them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The least and the greatest step along the first axis.
    pub rows: [i64; 2],
    /// The least and the greatest value of what is cut along.
    pub columns: [i64; 2],
    /// The program.
    pub program: usize,
}

/// How much more each program costs at each sample than the cheapest, as a share: by program, then row by row.
pub struct Losses(Vec<Vec<f64>>);

/// Columns in segments: the last of each, and its program.
type Segments = Vec<(usize, usize)>;

impl SampleTable {
    /// The samples with those steps along the first axis and those values of what is cut along. A row begins at each of
    /// `rows`, of which the first is the least step.
    pub fn new(rows: Vec<i64>, samples: &[(i64, i64)]) -> Self {
        let mut columns: Vec<i64> = samples.iter().map(|(_, value)| *value).collect();
        columns.sort_unstable();
        columns.dedup();
        let column_of = |(_, value): &(i64, i64)| columns.partition_point(|other| other < value);
        let column_of = samples.iter().map(column_of).collect();
        let mut samples_of = vec![vec![]; rows.len()];
        for (sample, (step, _)) in samples.iter().enumerate() {
            let row = rows.partition_point(|row| row <= step).saturating_sub(1);
            samples_of[row].push(sample);
        }
        SampleTable { rows, columns, column_of, samples_of }
    }

    /// The values of what is cut along at the samples, growing.
    pub fn columns(&self) -> &[i64] {
        &self.columns
    }

    /// The columns of the samples of some rows, each with what a program loses there.
    fn losses_in<'l>(
        &'l self,
        rows: std::ops::Range<usize>,
        losses: &'l [f64],
    ) -> impl Iterator<Item = (usize, f64)> + 'l {
        let samples = self.samples_of[rows].iter().flatten();
        samples.map(|sample| (self.column_of[*sample], losses[*sample]))
    }

    /// The whole range as one part, with the first program.
    fn whole(&self) -> Part {
        let ends = |values: &[i64]| [values.first(), values.last()].map(|end| *end.unwrap_or(&0));
        let [first, last] = ends(&self.columns);
        Part { rows: ends(&self.rows), columns: [first, last], program: 0 }
    }
}

impl Losses {
    /// What a program loses at every sample.
    pub fn program(&self, program: usize) -> &[f64] {
        &self.0[program]
    }

    /// The losses of programs with those costs where the cheapest costs `least`, all row by row.
    pub fn of<'p>(min: &[f64], costs: impl IntoIterator<Item = &'p [f64]>) -> Self {
        let loss = |(cost, min): (&f64, &f64)| excess(*cost, *min);
        let losses = |costs: &[f64]| costs.iter().zip(min).map(loss).collect();
        Losses(costs.into_iter().map(losses).collect())
    }

    /// The fewest programs, found greedily, of which one serves each sample that any program serves.
    pub fn cover(&self, tolerance: f64) -> Vec<usize> {
        let samples = self.0.first().map_or(0, Vec::len);
        let served = |losses: &Vec<f64>| Bits::of(losses, |loss| *loss <= tolerance);
        let served: Vec<Bits> = self.0.iter().map(served).collect();
        bits::cover(&served, samples, served.len())
    }
}

/// Blocks of rows that slabs are made of, where there are more rows than so many: to try every slab of single rows would
/// take time with the square of their number.
const MAX_BLOCKS: usize = 64;

/// Rows in order that no slab parts.
struct Block {
    rows: std::ops::Range<usize>,
    /// For each program, the columns at which it does not serve a sample of these rows.
    unserved: Vec<Bits>,
}

/// The rows in blocks. The programs that may serve them are those at `programs`.
fn blocks(
    (table, losses): (&SampleTable, &Losses),
    programs: &[usize],
    tolerance: f64,
) -> Vec<Block> {
    let rows = table.rows.len();
    let count = rows.min(MAX_BLOCKS);
    let block = |number: usize| {
        let rows = number * rows / count..(number + 1) * rows / count;
        let unserved = |program: &usize| {
            let mut columns = Bits::none(table.columns.len());
            for (column, loss) in table.losses_in(rows.clone(), &losses.0[*program]) {
                if loss > tolerance {
                    columns.insert(column);
                }
            }
            columns
        };
        Block { unserved: programs.iter().map(unserved).collect(), rows }
    };
    (0..count).map(block).collect()
}

/// The fewest segments in each of which a program serves everything: the last column of each, and the position of the
/// program. None where some column has no program, or there would be more than `most`.
fn segments(unserved: &[Bits], columns: usize, max: usize) -> Option<Segments> {
    let mut segments: Segments = vec![];
    let mut start = 0;
    while start < columns {
        let reaches = unserved.iter().map(|columns| columns.first_from(start)).enumerate().rev();
        let (farthest, end) = reaches.max_by_key(|(_, reach)| *reach)?;
        if end == start || segments.len() == max {
            return None;
        }
        segments.push((end - 1, farthest));
        start = end;
    }
    Some(segments)
}

/// The rows in slabs and their columns in segments, so that there are the fewest parts of this kind: the first and the
/// last row of each slab. None where the programs do not serve all samples, or there would be more than `most`.
fn slabs(
    of: (&SampleTable, &Losses),
    programs: &[usize],
    (tolerance, max): (f64, usize),
) -> Option<Vec<([usize; 2], Segments)>> {
    let (table, blocks) = (of.0, blocks(of, programs, tolerance));
    // The fewest parts of the blocks before each, and the last slab of these.
    let mut fewest: Vec<Option<(usize, usize, Segments)>> = vec![None; blocks.len() + 1];
    fewest[0] = Some((0, 0, vec![]));
    for first in 0..blocks.len() {
        let Some((before, ..)) = fewest[first] else { continue };
        let mut unserved = vec![Bits::none(table.columns.len()); programs.len()];
        for last in first..blocks.len() {
            let block = &blocks[last];
            unserved.iter_mut().zip(&block.unserved).for_each(|(all, more)| all.unite(more));
            let max = max.saturating_sub(before);
            let Some(segments) = segments(&unserved, table.columns.len(), max) else { break };
            let count = before + segments.len();
            if fewest[last + 1].as_ref().is_none_or(|known| count < known.0) {
                fewest[last + 1] = Some((count, first, segments));
            }
        }
    }
    let mut slabs = vec![];
    let mut end = blocks.len();
    while end > 0 {
        let (_, first, mut segments) = fewest[end].take()?;
        let rows = blocks[first].rows.start..blocks[end - 1].rows.end;
        settle(of, programs, (tolerance, rows.clone()), &mut segments);
        slabs.push(([rows.start, rows.end - 1], segments));
        end = first;
    }
    slabs.reverse();
    Some(slabs)
}

/// Segments go as far as they can, with a program that may serve no other. Of those that serve a segment, each is to have
/// the one that serves best around it, and to end where the next one's becomes the better; then the program is named by
/// its number.
fn settle(
    (table, losses): (&SampleTable, &Losses),
    programs: &[usize],
    (tolerance, rows): (f64, std::ops::Range<usize>),
    segments: &mut Segments,
) {
    let worst_of = |program: &usize| {
        let mut worst = vec![0f64; table.columns.len()];
        for (column, loss) in table.losses_in(rows.clone(), &losses.0[*program]) {
            worst[column] = worst[column].max(loss);
        }
        worst
    };
    let worst: Vec<Vec<f64>> = programs.iter().map(worst_of).collect();
    let mut start = 0;
    for (end, program) in segments.iter_mut() {
        let around = around(start..*end + 1, table.columns.len());
        let serves =
            |program: &usize| worst[*program][start..=*end].iter().all(|loss| *loss <= tolerance);
        // What a program loses where it would not be taken anyhow says little by how much it does.
        let loss = |program: usize| -> f64 {
            worst[program][around.clone()].iter().map(|loss| loss.min(1.0)).sum()
        };
        let best = (0..programs.len()).filter(serves).min_by(|a, b| loss(*a).total_cmp(&loss(*b)));
        *program = best.unwrap_or(*program);
        start = *end + 1;
    }
    for index in 1..segments.len() {
        let [this, next] = [&worst[segments[index - 1].1], &worst[segments[index].1]];
        let start = index.checked_sub(2).map_or(0, |before| segments[before].0 + 1);
        let end = &mut segments[index - 1].0;
        while *end > start && next[*end] < this[*end] {
            *end -= 1;
        }
    }
    segments.iter_mut().for_each(|(_, position)| *position = programs[*position]);
}

/// Columns at which a program is looked at on each side of a segment, at least.
const MIN_AROUND: usize = 16;

/// The columns of a segment and as many on each side.
fn around(segment: std::ops::Range<usize>, columns: usize) -> std::ops::Range<usize> {
    let more = segment.len().max(MIN_AROUND);
    segment.start.saturating_sub(more)..(segment.end + more).min(columns)
}

/// How often the tolerance is halved in on, once there are few enough parts.
const ROUNDS: usize = 5;

/// A tolerance that any program meets.
const ANY: f64 = 1e6;

/// No more parts than `most` that cover the range, and the tolerance that they meet: the one asked for, or about the
/// least with which there are so few.
pub fn within(of: (&SampleTable, &Losses), tolerance: f64, max: usize) -> (Vec<Part>, f64) {
    let few = |tolerance: f64| partition(of, tolerance, max.max(1));
    let (mut too_strict, mut lax) = (tolerance, tolerance);
    let mut found = few(tolerance);
    while found.is_none() && lax < ANY {
        too_strict = lax;
        lax = (lax * 2.0).max(1e-3);
        found = few(lax);
    }
    for _ in 0..ROUNDS {
        if too_strict >= lax {
            break;
        }
        let between = 0.5 * (too_strict + lax);
        match few(between) {
            Some(stricter) => (found, lax) = (Some(stricter), between),
            None => too_strict = between,
        }
    }
    (found.unwrap_or_else(|| vec![of.0.whole()]), lax)
}

/// Few parts that cover the range, and no more than `most`. At every sample the program of its part costs at most
/// `tolerance` more than the cheapest. None where this cannot be.
pub fn partition(of: (&SampleTable, &Losses), tolerance: f64, max: usize) -> Option<Vec<Part>> {
    let (SampleTable { rows, columns, .. }, losses) = of;
    let programs = losses.cover(tolerance);
    let slabs = slabs(of, &programs, (tolerance, max))?;
    let mut parts = vec![];
    for ([first, last], segments) in slabs {
        let mut start = 0;
        for (end, program) in segments {
            parts.push(Part {
                rows: [rows[first], up_to(rows, last)],
                columns: [columns[start], up_to(columns, end)],
                program,
            });
            start = end + 1;
        }
    }
    Some(parts)
}

/// The last value before the next one's.
fn up_to(values: &[i64], position: usize) -> i64 {
    values.get(position + 1).map_or(values[position], |next| next - 1)
}

#[cfg(test)]
mod tests {
    use super::super::axes::Position;
    use super::super::borders::{Sizes, settle_borders};
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// Steps along two axes, what they are cut along, and the cost of each of three programs.
    struct Range<V, P> {
        steps: [Vec<i64>; 2],
        value: V,
        cost: P,
    }

    impl<V: Fn([i64; 2]) -> i64, P: Fn([i64; 2], usize) -> f64> Range<V, P> {
        /// The parts that meet the tolerance.
        fn cut(&self, tolerance: f64) -> Vec<Part> {
            let (parts, met) = self.cut_within(tolerance);
            assert_eq!(met, tolerance);
            parts
        }

        /// Parts, and the tolerance that they meet.
        fn cut_within(&self, tolerance: f64) -> (Vec<Part>, f64) {
            let [rows, steps] = &self.steps;
            let positions = rows.iter().flat_map(|row| steps.iter().map(|step| [*row, *step]));
            let positions: Vec<[i64; 2]> = positions.collect();
            let samples: Vec<(i64, i64)> =
                positions.iter().map(|at| (at[0], (self.value)(*at))).collect();
            let costs: Vec<Vec<f64>> = (0..3)
                .map(|program| positions.iter().map(|at| (self.cost)(*at, program)).collect())
                .collect();
            let min = |sample: usize| costs.iter().map(|p| p[sample]).fold(f64::INFINITY, f64::min);
            let min: Vec<f64> = (0..positions.len()).map(min).collect();
            let losses = Losses::of(&min, costs.iter().map(Vec::as_slice));
            let table = SampleTable::new(rows.clone(), &samples);
            let (mut parts, met) = within((&table, &losses), tolerance, usize::MAX);
            let Ok(()) = settle_borders(self, &table.columns, &mut parts);
            (parts, met)
        }

        /// The parts that a size lies in.
        fn parts_at<'p>(&self, parts: &'p [Part], at: [i64; 2]) -> Vec<&'p Part> {
            let value = (self.value)(at);
            let holds = |part: &&Part| {
                (part.rows[0]..=part.rows[1]).contains(&at[0])
                    && (part.columns[0]..=part.columns[1]).contains(&value)
            };
            parts.iter().filter(holds).collect()
        }
    }

    impl<V: Fn([i64; 2]) -> i64, P: Fn([i64; 2], usize) -> f64> Sizes for Range<V, P> {
        type Error = Infallible;

        fn last_step(&self, axis: usize) -> i64 {
            self.steps.get(axis).map_or(0, |steps| steps[steps.len() - 1])
        }

        fn value(&self, [row, column, _]: Position) -> Result<i64, Infallible> {
            Ok((self.value)([row, column]))
        }

        fn is_better(&self, at: Position, a: usize, b: usize) -> Result<bool, Infallible> {
            let [row, column, _] = at;
            Ok((self.cost)([row, column], a) < (self.cost)([row, column], b))
        }
    }

    fn second_step([_, step]: [i64; 2]) -> i64 {
        step
    }

    fn product([row, step]: [i64; 2]) -> i64 {
        (row + 1) * (step + 1)
    }

    /// A fixed part and one that grows: the lines cross between 57 and 58, the third program never wins.
    fn crossing(x: i64, program: usize) -> f64 {
        match program {
            0 => 10.0 + 1.5 * x as f64,
            1 => 68.0 + 0.5 * x as f64,
            _ => 500.0 + 0.5 * x as f64,
        }
    }

    #[test]
    fn a_border_lies_where_the_better_program_changes() {
        let steps = [vec![0], vec![0, 1, 10, 100, 999]];
        let range = Range { steps, value: second_step, cost: |at: [i64; 2], p| crossing(at[1], p) };
        let part = |columns, program| Part { rows: [0, 0], columns, program };
        assert_eq!(range.cut(0.0), [part([0, 58], 0), part([59, 999], 1)]);
        // Twice the cost is well enough.
        assert_eq!(range.cut(10.0), [part([0, 999], 0)]);
    }

    #[test]
    fn a_border_along_a_product_is_found_in_one_row_and_holds_in_all() {
        let steps = [vec![0, 1], vec![0, 1, 10, 100, 999]];
        let cost = |at, program| crossing(product(at), program);
        let parts = Range { steps, value: product, cost }.cut(0.0);
        let part = |columns, program| Part { rows: [0, 1], columns, program };
        assert_eq!(parts, [part([1, 58], 0), part([59, 2000], 1)]);
    }

    /// Whose costs cross where the product of both steps is 20.
    fn of_size(size: i64, program: usize) -> f64 {
        [10.0 + size as f64, 20.0 + 0.5 * size as f64, 1e3][program]
    }

    #[test]
    fn where_a_product_decides_boxes_are_a_staircase() {
        let steps = || [(0..8).collect(), (0..8).collect()];
        let cost = |at, program| of_size(product(at), program);
        let boxes = Range { steps: steps(), value: second_step, cost };
        let parts = boxes.cut(0.0);
        for at in (0..8).flat_map(|row| (0..8).map(move |step| [row, step])) {
            let [part] = boxes.parts_at(&parts, at)[..] else { panic!("{at:?}") };
            let size = product(at);
            assert!(size == 20 || part.program == usize::from(size > 20), "{at:?}");
        }
        // Rows 0 and 1 never reach 20: they are one slab with one segment.
        assert_eq!(parts[0], Part { rows: [0, 1], columns: [0, 7], program: 0 });
        let along_product = Range { steps: steps(), value: product, cost }.cut(0.0);
        assert_eq!((parts.len(), along_product.len()), (9, 2));
    }

    proptest! {
        #[test]
        fn every_size_is_in_one_part_and_every_sample_is_served(
            costs in proptest::collection::vec(1.0f64..2.0, 5 * 6 * 3),
            tolerance in 0.0f64..0.5,
            along_product: bool,
        ) {
            let steps = [vec![0, 1, 2, 5, 9], vec![0, 1, 3, 7, 8, 20]];
            let cost = |[row, column]: [i64; 2], program: usize| {
                let row = steps[0].iter().rposition(|sample| *sample <= row).unwrap();
                let column = steps[1].iter().rposition(|sample| *sample <= column).unwrap();
                costs[(row * 6 + column) * 3 + program]
            };
            let value = if along_product { product } else { second_step };
            let range = Range { steps: steps.clone(), value, cost };
            let (parts, met) = range.cut_within(tolerance);
            // Where samples of one product disagree, no program may serve all of them.
            prop_assert!(met == tolerance || along_product && met > tolerance);
            for at in (0..=9).flat_map(|row| (0..=20).map(move |step| [row, step])) {
                let inside = range.parts_at(&parts, at);
                prop_assert_eq!(inside.len(), 1);
                let is_sample = steps[0].contains(&at[0]) && steps[1].contains(&at[1]);
                let all = [0, 1, 2].map(|program| cost(at, program));
                let min = all.into_iter().fold(f64::INFINITY, f64::min);
                let chosen = all[inside[0].program];
                prop_assert!(!is_sample || chosen <= min * (1.0 + met) + 1e-9);
            }
        }
    }
}
