//! [`grow`]: a range of sizes cut by a tree of borders, each along the values that tell most programs apart there.
//!
//! Programs differ by more than two values may tell: by waves of tiles along `images*tokens`, and by the tokens of one
//! image, where attention is fused up to some number of them. Slabs with segments cut along two; a tree cuts each part
//! along whichever values it needs, at the price that it is found greedily (Breiman et al., Classification and Regression
//! Trees, 1984) and need not have the fewest parts.

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

/// Borders along one thing that are tried first, about: each takes a look at all programs.
const MOST_CANDIDATES: usize = 1024;

/// How often what became one part makes room for more borders elsewhere.
const PRUNINGS: usize = 4;

/// Parts of the range; those that were cut in two have the numbers of both.
struct Tree<'s> {
    of: &'s Samples<'s>,
    tolerance: f64,
    programs: Vec<usize>,
    /// By sample, then by program.
    losses: Vec<f64>,
    /// What these weigh in the part that is being cut.
    weights: Vec<f64>,
    weigh: Weigh,
    nodes: Vec<Node>,
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

/// No more parts than `most` that cover the range, and the tolerance that they meet: the one asked for, or a greater.
pub fn grow(of: Samples, tolerance: f64, most: usize) -> (Vec<Bounded>, f64) {
    let (parts, met) = Tree::new(&of, tolerance, squared).parts(most);
    if met <= tolerance {
        return (parts, met);
    }
    let (others, less) = Tree::new(&of, tolerance, counted).parts(most);
    if less < met { (others, less) } else { (parts, met) }
}

impl<'s> Tree<'s> {
    fn new(of: &'s Samples<'s>, tolerance: f64, weigh: Weigh) -> Self {
        let mut programs = of.losses.cover(tolerance);
        if programs.is_empty() {
            programs.push(0);
        }
        let count = of.values.first().map_or(0, Vec::len);
        let mut losses = Vec::with_capacity(count * programs.len());
        for sample in 0..count {
            losses.extend(programs.iter().map(|program| of.losses.program(*program)[sample]));
        }
        let weights = vec![0.0; losses.len()];
        let order = |values: &Vec<i64>| {
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_by_key(|sample| values[*sample as usize]);
            order
        };
        let samples = of.values.iter().map(order).collect();
        let bounds = vec![EVERY; of.values.len()];
        let mut tree = Tree { of, tolerance, programs, losses, weights, weigh, nodes: vec![] };
        tree.add(bounds, samples);
        tree
    }

    /// The parts, and the tolerance that they meet.
    fn parts(mut self, most: usize) -> (Vec<Bounded>, f64) {
        for _ in 0..PRUNINGS {
            self.split(most);
            if !self.prune() {
                break;
            }
        }
        let met = self.leaves().map(|leaf| self.nodes[leaf].least()).fold(self.tolerance, f64::max);
        let part = |leaf: usize| {
            let node = &self.nodes[leaf];
            let tolerance = node.least().max(self.tolerance);
            let program = self.programs[self.program(node, tolerance)];
            Bounded { bounds: node.bounds.clone(), program }
        };
        (self.leaves().map(part).collect(), met)
    }

    fn add(&mut self, bounds: Vec<[i64; 2]>, samples: Vec<Vec<u32>>) -> usize {
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
        let mut open = vec![0];
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
    fn split(&mut self, most: usize) {
        let mut count = self.leaves().count();
        while count < most {
            let open = self.leaves().filter(|leaf| {
                let node = &self.nodes[*leaf];
                !node.is_one && node.least() > self.tolerance
            });
            let least = |leaf: &usize| self.nodes[*leaf].least();
            let Some(leaf) = open.max_by(|a, b| least(a).total_cmp(&least(b))) else { break };
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
            let halves = [self.add(low_bounds, low), self.add(high_bounds, high)];
            self.nodes[leaf].halves = Some(halves);
            count += 1;
        }
    }

    /// Weighs the losses in a part.
    fn weigh(&mut self, node: usize) {
        let (node, count) = (&self.nodes[node], self.programs.len());
        let worst = node.least();
        for sample in node.samples.first().into_iter().flatten() {
            let at = *sample as usize * count..(*sample as usize + 1) * count;
            for (weight, loss) in self.weights[at.clone()].iter_mut().zip(&self.losses[at]) {
                *weight = (self.weigh)(*loss, worst, self.tolerance);
            }
        }
    }

    /// The least value of the upper half, and of what, with which one program for each half weighs the least.
    fn border(&self, node: &Node) -> Option<(usize, i64)> {
        let count = self.programs.len();
        let mut total = vec![0.0; count];
        node.samples.first()?.iter().for_each(|sample| self.add_weights(&mut total, *sample));
        // Every so many candidates first, then all near the best of these.
        let stride = node.samples.first()?.len() / MOST_CANDIDATES;
        let mut best: Option<(f64, usize, usize)> = None;
        for along in 0..node.samples.len() {
            let mut next = 0;
            let found = self.lightest(node, along, &total, |index| {
                let is_tried = index >= next;
                next = if is_tried { index + stride } else { next };
                is_tried
            });
            if let Some((weight, index)) = found
                && best.is_none_or(|(least, ..)| weight < least)
            {
                best = Some((weight, along, index));
            }
        }
        let (_, along, near) = best?;
        let (_, index) =
            self.lightest(node, along, &total, |index| index.abs_diff(near) <= stride)?;
        Some((along, self.of.values[along][node.samples[along][index] as usize]))
    }

    /// The lightest border along something of those that are tried, and its weight: the place of the upper half's first
    /// sample. Asked of what lies between two values only.
    fn lightest(
        &self,
        node: &Node,
        along: usize,
        total: &[f64],
        mut is_tried: impl FnMut(usize) -> bool,
    ) -> Option<(f64, usize)> {
        let (samples, values) = (&node.samples[along], &self.of.values[along]);
        let mut best: Option<(f64, usize)> = None;
        let mut low = vec![0.0; total.len()];
        for (index, pair) in samples.windows(2).enumerate() {
            self.add_weights(&mut low, pair[0]);
            let [before, behind] = [pair[0], pair[1]].map(|sample| values[sample as usize]);
            if before == behind || !is_tried(index + 1) {
                continue;
            }
            let [mut below, mut above] = [f64::INFINITY; 2];
            for (low, total) in low.iter().zip(total) {
                below = below.min(*low);
                above = above.min(total - low);
            }
            if best.is_none_or(|(least, _)| below + above < least) {
                best = Some((below + above, index + 1));
            }
        }
        best
    }

    fn add_weights(&self, sums: &mut [f64], sample: u32) {
        let weights = &self.weights[sample as usize * sums.len()..][..sums.len()];
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
    }

    /// Makes one part of two halves that a program serves within the tolerance; whether there were any.
    fn prune(&mut self) -> bool {
        let mut any = false;
        // Halves come behind what they are of.
        for number in (0..self.nodes.len()).rev() {
            let node = &self.nodes[number];
            let Some(halves) = node.halves else { continue };
            let are_leaves = halves.iter().all(|half| self.nodes[*half].halves.is_none());
            if are_leaves && node.least() <= self.tolerance {
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

impl Node {
    /// What the program loses that loses the least at its worst sample.
    fn least(&self) -> f64 {
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

    fn losses(prices: &[Vec<f64>]) -> Losses {
        let least = |sample: usize| prices.iter().map(|p| p[sample]).fold(f64::INFINITY, f64::min);
        let least: Vec<f64> = (0..prices[0].len()).map(least).collect();
        Losses::of(&least, prices.iter().map(Vec::as_slice))
    }

    #[test]
    fn borders_along_one_image_and_along_all_of_them_are_a_part_each() {
        let sizes = all_sizes();
        let price = |program: usize| {
            let best = |(images, tokens): &(i64, i64)| match (tokens > &12, images * tokens > 100) {
                (true, _) => 0,
                (_, true) => 1,
                _ => 2,
            };
            sizes.iter().map(|size| if best(size) == program { 1.0 } else { 2.0 }).collect()
        };
        let losses = losses(&[price(0), price(1), price(2)]);
        let values = values(&sizes);
        let (parts, met) = grow(Samples { values: &values, losses: &losses }, 0.02, 64);
        let [from, to] = EVERY;
        let part = |tokens, all, program| Bounded { bounds: vec![EVERY, tokens, all], program };
        let expected = [
            part([from, 12], [from, 101], 2),
            part([from, 12], [102, to], 1),
            part([13, to], EVERY, 0),
        ];
        assert_eq!((parts.as_slice(), met), (expected.as_slice(), 0.02));
        let (parts, met) = grow(Samples { values: &values, losses: &losses }, 0.02, 2);
        assert_eq!((parts.len(), met), (2, 1.0));
    }

    proptest! {
        #[test]
        fn every_size_is_in_one_part_and_every_sample_is_served(
            prices in proptest::collection::vec(1.0f64..2.0, 900 * 3),
            tolerance in 0.0f64..0.5,
            most in 1usize..64,
        ) {
            let sizes = all_sizes();
            // Samples are some of the sizes.
            let samples: Vec<usize> = (0..900).filter(|sample| sample % 7 == 0).collect();
            let price = |program: usize| {
                samples.iter().map(|sample| prices[program * 900 + sample]).collect()
            };
            let losses = losses(&[price(0), price(1), price(2)]);
            let sampled: Vec<(i64, i64)> = samples.iter().map(|sample| sizes[*sample]).collect();
            let of = values(&sampled);
            let (parts, met) = grow(Samples { values: &of, losses: &losses }, tolerance, most);
            prop_assert!(parts.len() <= most && met >= tolerance);
            let values = values(&sizes);
            for (size, _) in sizes.iter().enumerate() {
                let at = [values[0][size], values[1][size], values[2][size]];
                prop_assert_eq!(parts.iter().filter(|part| part.holds(&at)).count(), 1);
            }
            for (sample, size) in samples.iter().enumerate() {
                let at = [values[0][*size], values[1][*size], values[2][*size]];
                let part = parts.iter().find(|part| part.holds(&at)).unwrap();
                prop_assert!(losses.program(part.program)[sample] <= met);
            }
        }
    }
}
