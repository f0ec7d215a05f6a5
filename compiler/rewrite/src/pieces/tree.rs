//! [`grow`]: a range of sizes cut by a tree of borders, each along the values that tell most programs apart there.
//!
//! Programs differ by more than two values may tell: by waves of tiles along `images*tokens`, and by the tokens of one
//! image, where attention is fused up to some number of them. Slabs with segments cut along two; a tree cuts each part
//! along whichever values it needs, at the cost that it is found greedily (Breiman et al., Classification and Regression
//! Trees, 1984) and need not have the fewest parts.

use super::bits::{self, Bits};
use super::cut::{Bounded, EVERY};
use super::partition::Losses;

/// The samples: of each that the range may be cut along the values there, and what programs lose there.
pub struct Samples<'s> {
    /// By what is cut along, then by sample.
    pub values: &'s [Vec<i64>],
    /// By program, then by sample.
    pub losses: &'s Losses,
}

/// What a loss in a part weighs, where the program that loses the least at its worst sample loses `worst` there. A border
/// is where one program for each side weighs the least. None of these is the better one everywhere.
type Weigh = fn(loss: f64, worst: f64, tolerance: f64) -> f64;

/// Losses near the worst weigh most.
fn squared(loss: f64, worst: f64, _: f64) -> f64 {
    let share = (loss / worst).min(1.0);
    share * share
}

/// Losses above half of the worst are counted; of borders with as many, one with the less beyond the tolerance is better.
fn counted(loss: f64, worst: f64, tolerance: f64) -> f64 {
    let beyond = if loss > tolerance { 1e-2 } else { 1e-5 };
    f64::from(u8::from(loss > tolerance.max(0.5 * worst))) + beyond * loss.min(1.0)
}

/// Programs that a border is looked for with: those that serve most of a part between them. Others serve little of it, and
/// are taken where it was cut.
const PROGRAMS_OF_PART: usize = 8;

/// What each of these weighs.
type Weights = [f64; PROGRAMS_OF_PART];

/// Samples of a part that a border is looked for with, about. Of more, some stand for the others first.
const MAX_SAMPLES: usize = 2048;

/// How often what became one part makes room for more borders elsewhere.
const PRUNINGS: usize = 4;

/// How much is done for a lower tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Enough to see where to look closer.
    Quick,
    /// All.
    Thorough,
}

/// Parts of the range; those that were cut in two have the numbers of both.
struct Tree<'s> {
    of: &'s Samples<'s>,
    tolerance: f64,
    /// The programs that may serve a part.
    programs: &'s [usize],
    /// What they lose, by sample, then by program.
    losses: &'s [f64],
    weigh: Weigh,
    /// What losses weigh in the part that is being cut, by sample.
    weights: Vec<Weights>,
    /// The same of the samples that stand for others; nothing for the others.
    drawn: Vec<Option<Weights>>,
    nodes: Vec<Node>,
    /// The parts that the tree began with.
    roots: Vec<usize>,
}

struct Node {
    bounds: Vec<[i64; 2]>,
    /// The samples inside, for each that is cut along in the order of its values.
    samples: Vec<Vec<u32>>,
    /// The most that each program loses.
    worst: Vec<f64>,
    halves: Option<[usize; 2]>,
    /// Whether no border parts its samples.
    is_one: bool,
}

/// No more parts than `most` that cover the range, and the tolerance that they meet: the one asked for, or a greater. Where
/// it is asked to be, it is the least that is found by weighing losses in several ways.
pub fn grow(of: Samples, tolerance: f64, max: usize, search: Search) -> (Vec<Bounded>, f64) {
    let programs = of.programs(tolerance);
    let losses = of.losses_of(&programs);
    let tree = |weigh| {
        let mut tree = Tree::new((&of, &programs, &losses), tolerance, weigh);
        tree.add(vec![EVERY; of.values.len()], of.orders());
        tree.grown(max)
    };
    let (parts, met) = tree(squared);
    if met <= tolerance || search == Search::Quick {
        return (parts, met);
    }
    let (others, less) = tree(counted);
    if less < met { (others, less) } else { (parts, met) }
}

/// Parts that cover the range, no more than `most` in all, made to fit samples that they were not made for: each with the
/// program that serves it best, and cut where none serves it within the tolerance; and the tolerance that they meet.
pub fn mend(of: Samples, parts: &[Bounded], tolerance: f64, max: usize) -> (Vec<Bounded>, f64) {
    let programs = of.programs(tolerance);
    let losses = of.losses_of(&programs);
    let mut tree = Tree::new((&of, &programs, &losses), tolerance, squared);
    let part_of = part_of(of.values, parts);
    let orders = of.orders();
    for (number, part) in parts.iter().enumerate() {
        let is_inside = |sample: &&u32| part_of[**sample as usize] == number;
        let inside = |order: &Vec<u32>| order.iter().filter(is_inside).copied().collect();
        tree.add(part.bounds.clone(), orders.iter().map(inside).collect());
    }
    tree.split(max);
    tree.parts()
}

/// The part that each sample is in.
fn part_of(values: &[Vec<i64>], parts: &[Bounded]) -> Vec<usize> {
    let part = |sample: usize| {
        let is_inside = |part: &Bounded| part.holds_sample(values, sample);
        parts.iter().position(is_inside).unwrap_or(parts.len())
    };
    (0..values.first().map_or(0, Vec::len)).map(part).collect()
}

impl Samples<'_> {
    fn count(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// The programs that may serve a part: few that serve every sample between them.
    fn programs(&self, tolerance: f64) -> Vec<usize> {
        let mut programs = self.losses.cover(tolerance);
        if programs.is_empty() {
            programs.push(0);
        }
        programs
    }

    /// What programs lose, by sample, then by program.
    fn losses_of(&self, programs: &[usize]) -> Vec<f64> {
        let mut losses = Vec::with_capacity(self.count() * programs.len());
        for sample in 0..self.count() {
            losses.extend(programs.iter().map(|program| self.losses.program(*program)[sample]));
        }
        losses
    }

    /// The samples in the order of their values, for each that is cut along.
    fn orders(&self) -> Vec<Vec<u32>> {
        let order = |values: &Vec<i64>| {
            let mut order: Vec<u32> = (0..self.count() as u32).collect();
            order.sort_by_key(|sample| values[*sample as usize]);
            order
        };
        self.values.iter().map(order).collect()
    }
}

impl<'s> Tree<'s> {
    /// A tree without parts, for programs that lose so much.
    fn new(
        (of, programs, losses): (&'s Samples<'s>, &'s [usize], &'s [f64]),
        tolerance: f64,
        weigh: Weigh,
    ) -> Self {
        let weights = vec![[0.0; PROGRAMS_OF_PART]; of.count()];
        let drawn = vec![None; of.count()];
        let (nodes, roots) = (vec![], vec![]);
        Tree { of, tolerance, programs, losses, weigh, weights, drawn, nodes, roots }
    }

    /// Adds a part that is no half of another.
    fn add(&mut self, bounds: Vec<[i64; 2]>, samples: Vec<Vec<u32>>) {
        let node = self.node(bounds, samples);
        self.roots.push(node);
    }

    /// The parts after all were cut as far as the tolerance needs, and the tolerance that they meet.
    fn grown(mut self, max: usize) -> (Vec<Bounded>, f64) {
        for _ in 0..PRUNINGS {
            self.split(max);
            if !self.prune() {
                break;
            }
        }
        self.parts()
    }

    /// The parts, and the tolerance that they meet.
    fn parts(&self) -> (Vec<Bounded>, f64) {
        let met = self.leaves().map(|leaf| self.nodes[leaf].min()).fold(self.tolerance, f64::max);
        let part = |leaf: usize| {
            let node = &self.nodes[leaf];
            let tolerance = node.min().max(self.tolerance);
            let program = self.programs[self.program(node, tolerance)];
            Bounded { bounds: node.bounds.clone(), program }
        };
        (self.leaves().map(part).collect(), met)
    }

    fn node(&mut self, bounds: Vec<[i64; 2]>, samples: Vec<Vec<u32>>) -> usize {
        let mut worst = vec![0f64; self.programs.len()];
        for sample in samples.first().into_iter().flatten() {
            let losses = self.losses_at(*sample);
            worst.iter_mut().zip(losses).for_each(|(worst, loss)| *worst = worst.max(*loss));
        }
        self.nodes.push(Node { bounds, samples, worst, halves: None, is_one: false });
        self.nodes.len() - 1
    }

    /// What each program loses at a sample.
    fn losses_at(&self, sample: u32) -> &[f64] {
        let count = self.programs.len();
        &self.losses[sample as usize * count..][..count]
    }

    fn leaves(&self) -> impl Iterator<Item = usize> {
        // Nodes of parts that became one again are reached no more.
        let mut open: Vec<usize> = self.roots.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            while let Some(node) = open.pop() {
                match self.nodes[node].halves {
                    Some([low, high]) => open.extend([high, low]),
                    None => return Some(node),
                }
            }
            None
        })
    }

    /// Cuts the part in two whose program loses the most, until all are within the tolerance or there are `most`.
    fn split(&mut self, max: usize) {
        let mut count = self.leaves().count();
        while count < max {
            let open = self.leaves().filter(|leaf| {
                let node = &self.nodes[*leaf];
                !node.is_one && node.min() > self.tolerance
            });
            let min = |leaf: &usize| self.nodes[*leaf].min();
            let Some(leaf) = open.max_by(|a, b| min(a).total_cmp(&min(b))) else { break };
            self.weigh(leaf);
            let Some((along, border)) = self.border(&self.nodes[leaf]) else {
                self.nodes[leaf].is_one = true;
                continue;
            };
            let is_low = |sample: &u32| self.of.values[along][*sample as usize] < border;
            let node = &self.nodes[leaf];
            let (mut low, mut high) = (vec![], vec![]);
            for samples in &node.samples {
                let (a, b) = samples.iter().partition::<Vec<u32>, _>(|sample| is_low(sample));
                low.push(a);
                high.push(b);
            }
            let [mut low_bounds, mut high_bounds] = [node.bounds.clone(), node.bounds.clone()];
            low_bounds[along][1] = border - 1;
            high_bounds[along][0] = border;
            let halves = [self.node(low_bounds, low), self.node(high_bounds, high)];
            self.nodes[leaf].halves = Some(halves);
            count += 1;
        }
    }

    /// Weighs the losses in a part, and draws the samples that stand for others: all that the program loses at that serves
    /// most, and of the others so few that they weigh as much more.
    fn weigh(&mut self, node: usize) {
        let node = &self.nodes[node];
        let (worst, programs) = (node.min(), self.programs_of(node));
        let samples = node.samples.first().map_or(&[][..], Vec::as_slice);
        let one_of = (samples.len() / MAX_SAMPLES).max(1);
        for sample in samples {
            let losses = self.losses_at(*sample);
            let weight = |program: usize| (self.weigh)(losses[program], worst, self.tolerance);
            let weights = programs.map(weight);
            let is_lost = losses[programs[0]] > self.tolerance;
            let times = if is_lost { 1 } else { one_of };
            let is_drawn = is_lost || shuffled(*sample).is_multiple_of(one_of);
            self.weights[*sample as usize] = weights;
            self.drawn[*sample as usize] =
                is_drawn.then(|| weights.map(|weight| weight * times as f64));
        }
    }

    /// The programs that serve most samples of a part between them, by place. Where fewer serve all, the first of them
    /// stands for the rest: one that is named again changes nothing.
    fn programs_of(&self, node: &Node) -> [usize; PROGRAMS_OF_PART] {
        let samples = node.samples.first().map_or(&[][..], Vec::as_slice);
        let mut served = vec![Bits::none(samples.len()); self.programs.len()];
        for (place, sample) in samples.iter().enumerate() {
            for (served, loss) in served.iter_mut().zip(self.losses_at(*sample)) {
                if *loss <= self.tolerance {
                    served.insert(place);
                }
            }
        }
        let max = PROGRAMS_OF_PART - 1;
        let mut programs = bits::cover(&served, samples.len(), max);
        // The one that serves all the least badly may serve none well.
        let worst = |program: &usize| node.worst[*program];
        let all = 0..self.programs.len();
        programs.extend(all.min_by(|a, b| worst(a).total_cmp(&worst(b))));
        std::array::from_fn(|place| programs.get(place).or(programs.first()).copied().unwrap_or(0))
    }

    /// The least value of the upper half, and of what, with which one program for each half weighs the least.
    fn border(&self, node: &Node) -> Option<(usize, i64)> {
        let drawn = |sample: &u32| self.drawn[*sample as usize].map(|weights| (*sample, weights));
        let mut best: Option<(f64, usize, [i64; 2])> = None;
        for (along, samples) in node.samples.iter().enumerate() {
            let drawn: Vec<(u32, Weights)> = samples.iter().filter_map(drawn).collect();
            if let Some((weight, between)) = self.lightest(along, &drawn, [i64::MIN, i64::MAX])
                && best.is_none_or(|(min, ..)| weight < min)
            {
                best = Some((weight, along, between));
            }
        }
        let (_, along, between) = best?;
        let all = node.samples[along].iter();
        let all: Vec<_> = all.map(|sample| (*sample, self.weights[*sample as usize])).collect();
        let (_, [_, border]) = self.lightest(along, &all, between)?;
        Some((along, border))
    }

    /// The lightest border along something between two values, and its weight: the values of the samples on both sides.
    /// These samples are in the order of their values.
    fn lightest(
        &self,
        along: usize,
        samples: &[(u32, Weights)],
        [after, until]: [i64; 2],
    ) -> Option<(f64, [i64; 2])> {
        let values = &self.of.values[along];
        let mut total = [0.0; PROGRAMS_OF_PART];
        samples.iter().for_each(|(_, weights)| add(&mut total, weights));
        let mut best: Option<(f64, [i64; 2])> = None;
        let mut low = [0.0; PROGRAMS_OF_PART];
        for pair in samples.windows(2) {
            add(&mut low, &pair[0].1);
            let [before, behind] = [pair[0].0, pair[1].0].map(|sample| values[sample as usize]);
            if before == behind || behind <= after || behind > until {
                continue;
            }
            let high = std::array::from_fn(|program| total[program] - low[program]);
            let weight = min(&low) + min(&high);
            if best.is_none_or(|(min, _)| weight < min) {
                best = Some((weight, [before, behind]));
            }
        }
        best
    }

    /// Makes one part of two halves that a program serves within the tolerance; whether there were any.
    fn prune(&mut self) -> bool {
        let mut any = false;
        // Halves come behind what they are of.
        for number in (0..self.nodes.len()).rev() {
            let node = &self.nodes[number];
            let Some(halves) = node.halves else { continue };
            let are_leaves = halves.iter().all(|half| self.nodes[*half].halves.is_none());
            if are_leaves && node.min() <= self.tolerance {
                self.nodes[number].halves = None;
                any = true;
            }
        }
        any
    }

    /// Of the programs within a tolerance the one that loses the least on the whole, by its place.
    fn program(&self, node: &Node, tolerance: f64) -> usize {
        let mut sums = vec![0.0; self.programs.len()];
        for sample in node.samples.first().into_iter().flatten() {
            let losses = self.losses_at(*sample);
            sums.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += loss);
        }
        let serving = (0..sums.len()).filter(|program| node.worst[*program] <= tolerance);
        serving.min_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or(0)
    }
}

/// A number that says nothing of where a sample lies.
fn shuffled(sample: u32) -> usize {
    (sample.wrapping_mul(0x9E37_79B9) >> 16) as usize
}

fn add(sums: &mut Weights, weights: &Weights) {
    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
}

/// The least of some weights. Compared in pairs: numbers, all of them, and so vector instructions do it.
fn min(weights: &Weights) -> f64 {
    let lesser = |a: f64, b: f64| if a < b { a } else { b };
    let [a, b, c, d, e, f, g, h] = *weights;
    let halves = [lesser(a, e), lesser(b, f), lesser(c, g), lesser(d, h)];
    lesser(lesser(halves[0], halves[2]), lesser(halves[1], halves[3]))
}

impl Node {
    /// What the program loses that loses the least at its worst sample.
    fn min(&self) -> f64 {
        self.worst.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Images, tokens of one, and both together, at some sizes.
    fn values(sizes: &[(i64, i64)]) -> Vec<Vec<i64>> {
        let all = |value: fn((i64, i64)) -> i64| sizes.iter().map(|size| value(*size)).collect();
        vec![all(|(images, _)| images), all(|(_, tokens)| tokens), all(|(a, b)| a * b)]
    }

    fn all_sizes() -> Vec<(i64, i64)> {
        (1..=30).flat_map(|images| (1..=30).map(move |tokens| (images, tokens))).collect()
    }

    fn losses(costs: &[Vec<f64>]) -> Losses {
        let min = |sample: usize| costs.iter().map(|p| p[sample]).fold(f64::INFINITY, f64::min);
        let min: Vec<f64> = (0..costs[0].len()).map(min).collect();
        Losses::of(&min, costs.iter().map(Vec::as_slice))
    }

    #[test]
    fn borders_along_one_image_and_along_all_of_them_are_a_part_each() {
        let sizes = all_sizes();
        let cost = |program: usize| {
            let best = |(images, tokens): &(i64, i64)| match (tokens > &12, images * tokens > 100) {
                (true, _) => 0,
                (_, true) => 1,
                _ => 2,
            };
            sizes.iter().map(|size| if best(size) == program { 1.0 } else { 2.0 }).collect()
        };
        let losses = losses(&[cost(0), cost(1), cost(2)]);
        let values = values(&sizes);
        let (parts, met) =
            grow(Samples { values: &values, losses: &losses }, 0.02, 64, Search::Thorough);
        let [from, to] = EVERY;
        let part = |tokens, all, program| Bounded { bounds: vec![EVERY, tokens, all], program };
        let expected = [
            part([from, 12], [from, 101], 2),
            part([from, 12], [102, to], 1),
            part([13, to], EVERY, 0),
        ];
        assert_eq!((parts.as_slice(), met), (expected.as_slice(), 0.02));
        let (parts, met) =
            grow(Samples { values: &values, losses: &losses }, 0.02, 2, Search::Thorough);
        assert_eq!((parts.len(), met), (2, 1.0));
    }

    proptest! {
        #[test]
        fn every_size_is_in_one_part_and_every_sample_is_served(
            costs in proptest::collection::vec(1.0f64..2.0, 900 * 3),
            tolerance in 0.0f64..0.5,
            max in 1usize..64,
        ) {
            let sizes = all_sizes();
            let all = values(&sizes);
            let cost = |program: usize, samples: &[usize]| -> Vec<f64> {
                samples.iter().map(|sample| costs[program * 900 + sample]).collect()
            };
            let mut parts: Option<Vec<Bounded>> = None;
            // Samples are some of the sizes; more are added, and what was cut with the first is mended.
            for samples in [7, 3].map(|every| (0..900usize).filter(move |n| n % every == 0)) {
                let samples: Vec<usize> = samples.collect();
                let losses = losses(&[0, 1, 2].map(|program| cost(program, &samples)));
                let sampled: Vec<(i64, i64)> = samples.iter().map(|sample| sizes[*sample]).collect();
                let of = values(&sampled);
                let of = Samples { values: &of, losses: &losses };
                let (found, met) = match &parts {
                    None => grow(of, tolerance, max, Search::Thorough),
                    Some(parts) => mend(of, parts, tolerance, max),
                };
                prop_assert!(found.len() <= max && met >= tolerance);
                for (size, _) in sizes.iter().enumerate() {
                    let at = [all[0][size], all[1][size], all[2][size]];
                    prop_assert_eq!(found.iter().filter(|part| part.holds(&at)).count(), 1);
                }
                for (sample, size) in samples.iter().enumerate() {
                    let at = [all[0][*size], all[1][*size], all[2][*size]];
                    let part = found.iter().find(|part| part.holds(&at)).unwrap();
                    prop_assert!(losses.program(part.program)[sample] <= met);
                }
                parts = Some(found);
            }
        }
    }

    #[test]
    fn a_part_that_fails_new_samples_is_cut_and_the_others_stay() {
        let sizes = all_sizes();
        let cost = |wanted: bool| -> Vec<f64> {
            let cost = |(a, b): &(i64, i64)| if (a * b > 100) == wanted { 1.0 } else { 2.0 };
            sizes.iter().map(cost).collect()
        };
        let losses = losses(&[cost(false), cost(true)]);
        let values = values(&sizes);
        let [from, to] = EVERY;
        let part = |images, all, program| Bounded { bounds: vec![images, EVERY, all], program };
        let before = [part([from, 3], EVERY, 1), part([4, to], EVERY, 0)];
        let of = Samples { values: &values, losses: &losses };
        let (parts, met) = mend(of, &before, 0.02, 3);
        let expected = [
            // Three images and thirty tokens are 90: the other program serves all of it.
            part([from, 3], EVERY, 0),
            part([4, to], [from, 101], 0),
            part([4, to], [102, to], 1),
        ];
        assert_eq!((parts.as_slice(), met), (expected.as_slice(), 0.02));
    }
}
