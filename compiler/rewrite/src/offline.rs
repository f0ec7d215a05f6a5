//! Work of compile time: for each class that depends on weights alone, the shortest `venc` term for it.

use super::analysis::{Sort, Types};
use super::language::Term;
use egg::{EGraph, Id, Language};
use std::collections::HashMap;

/// The term of each such class.
pub struct OfflineTerms<'a> {
    shortest: HashMap<Id, (usize, &'a Term)>,
}

impl<'a> OfflineTerms<'a> {
    /// Finds the terms.
    pub fn of(egraph: &'a EGraph<Term, Types>) -> Self {
        let mut terms = OfflineTerms { shortest: HashMap::new() };
        let mut changed = true;
        while changed {
            changed = false;
            for class in egraph.classes().filter(|class| class.data.weight_only) {
                for term in class.nodes.iter().filter(|term| Sort::is_logical(term)) {
                    let Some(length) = terms.length(egraph, term) else { continue };
                    if terms.shortest.get(&class.id).is_none_or(|(min, _)| length < *min) {
                        terms.shortest.insert(class.id, (length, term));
                        changed = true;
                    }
                }
            }
        }
        terms
    }

    /// The term of a canonical class.
    pub fn term(&self, class: Id) -> Option<&'a Term> {
        self.shortest.get(&class).map(|(_, term)| *term)
    }

    fn length(&self, egraph: &EGraph<Term, Types>, term: &Term) -> Option<usize> {
        term.children().iter().try_fold(1usize, |sum, child| {
            if egraph[*child].data.sort == Sort::Attribute {
                return Some(sum);
            }
            Some(sum.saturating_add(self.shortest.get(&egraph.find(*child))?.0))
        })
    }
}
