//! The lower bound of a frontier: the cheapest node of every class that all ways to finish go through.

use super::class_set::ClassSet;
use super::options::Alternative;
use super::search::{Frontier, Search};

impl Search {
    pub(super) fn bound(&self, frontier: &Frontier) -> u128 {
        let mut necessary = ClassSet::empty(self.options.len());
        frontier.open.iter().for_each(|class| necessary.unite(&self.necessary[class]));
        frontier.choices.iter().for_each(|(class, _)| necessary.remove(*class));
        necessary.iter().fold(0, |sum, class| sum.saturating_add(self.min[class]))
    }
}

/// The greatest sets such that a class's holds itself and what all its options' operands have in common.
pub(super) fn necessary_classes(
    options: &[Vec<Alternative>],
    worthwhile: &[Vec<usize>],
) -> Vec<ClassSet> {
    let mut necessary = vec![ClassSet::full(options.len()); options.len()];
    let (mut common, mut needed) = (ClassSet::full(options.len()), ClassSet::empty(options.len()));
    let mut changed = true;
    while changed {
        changed = false;
        for class in (0..options.len()).rev() {
            common.fill();
            for option in worthwhile[class].iter().map(|position| &options[class][*position]) {
                needed.clear();
                option.operands.iter().for_each(|operand| needed.unite(&necessary[*operand]));
                common.intersect(&needed);
            }
            common.insert(class);
            if common != necessary[class] {
                necessary[class] = common.clone();
                changed = true;
            }
        }
    }
    necessary
}
