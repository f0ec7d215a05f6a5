//! [`necessary_classes`]: what all ways to finish from a class go through, from which the lower bound of a search is made.

use super::class_set::ClassSet;
use super::options::Alternative;

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
